//! The control batch that ends a transaction, with exactly Kafka's bytes.
//!
//! ```text
//! key    version 0 (2)   type (2): 0 abort, 1 commit
//! value  version 0 (2)   coordinator epoch (4)
//! ```

use super::batch::{self, BatchHeader, HEADER_LEN};
use super::record::RecordView;
use super::validate::ValidBatch;
use super::{LogConfig, TimestampType};

/// The record of the batch: its length and itself.
const RECORD_LEN: usize = 17;

/// What one marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndMarker {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) coordinator_epoch: i32,
    pub(crate) committed: bool,
}

impl EndMarker {
    /// The batch as it goes into a log with this config.
    pub(crate) fn batch(&self, config: &LogConfig, now_ms: i64) -> ValidBatch<'static> {
        let log_append_time = (config.timestamp_type == TimestampType::LogAppendTime).then_some(now_ms);
        let mut header = self.header(now_ms);
        header.set_timestamps(now_ms, log_append_time);
        let epoch = self.coordinator_epoch.to_be_bytes();
        let mut bytes = vec![0; HEADER_LEN + RECORD_LEN];
        // Lengths and deltas are zigzag varints: 16 bytes follow, the key has 4, the value 6; no headers.
        let record = &mut bytes[HEADER_LEN..];
        record[..8].copy_from_slice(&[32, 0, 0, 0, 8, 0, 0, 0]);
        record[8..12].copy_from_slice(&[u8::from(self.committed), 12, 0, 0]);
        record[12..16].copy_from_slice(&epoch);
        header.write(&mut bytes);
        ValidBatch { header, bytes: bytes.into(), log_append_time: -1, now_ms }
    }

    /// What a batch of the log says that begins with `header`; `None` if it is no marker, or an emptied one.
    pub(crate) fn read(header: &BatchHeader, batch: &[u8]) -> Option<Self> {
        if !header.is_control() || header.records_count == 0 {
            return None;
        }
        let record = RecordView::take(&mut batch.get(HEADER_LEN..)?)?;
        let kind = i16::from_be_bytes(*record.key?.get(2..)?.first_chunk()?);
        let coordinator_epoch = i32::from_be_bytes(*record.value?.get(2..)?.first_chunk()?);
        let (producer_id, producer_epoch) = (header.producer_id, header.producer_epoch);
        (0..=1).contains(&kind).then_some(Self { producer_id, producer_epoch, coordinator_epoch, committed: kind == 1 })
    }

    fn header(&self, now_ms: i64) -> BatchHeader {
        BatchHeader {
            base_offset: 0,
            length: 0,
            leader_epoch: -1,
            magic: 2,
            crc: 0,
            attributes: batch::END_MARKER,
            last_offset_delta: 0,
            base_timestamp: now_ms,
            max_timestamp: now_ms,
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            base_sequence: -1,
            records_count: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::records::RecordBatchDecoder;

    use super::*;

    #[test]
    fn a_codec_reads_back_what_a_marker_says() {
        let marker = EndMarker { producer_id: 77, producer_epoch: 3, coordinator_epoch: 0x0102_0304, committed: true };
        let batch = marker.batch(&LogConfig::default(), 1_234);
        assert_eq!(batch.header.crc, batch::checksum(&batch.bytes));
        assert_eq!(batch.header.total_len(), batch.bytes.len());
        assert_eq!(EndMarker::read(&batch.header, &batch.bytes), Some(marker));
        assert!(batch.header.is_control() && batch.header.is_transactional() && !batch.header.has_log_append_time());
        let mut bytes = bytes::Bytes::copy_from_slice(&batch.bytes);
        let record = RecordBatchDecoder::decode(&mut bytes).unwrap().records.remove(0);
        assert_eq!((record.producer_id, record.producer_epoch, record.timestamp), (77, 3, 1_234));
        assert_eq!(record.key.as_deref(), Some(&[0, 0, 0, 1][..]));
        assert_eq!(record.value.as_deref(), Some(&[0, 0, 1, 2, 3, 4][..]));
    }

    #[test]
    fn a_marker_carries_the_time_of_the_topics_type() {
        let marker = EndMarker { producer_id: 1, producer_epoch: 0, coordinator_epoch: 0, committed: false };
        let config = LogConfig { timestamp_type: TimestampType::LogAppendTime, ..LogConfig::default() };
        let batch = marker.batch(&config, 99);
        assert!(batch.header.has_log_append_time());
        assert_eq!((batch.header.max_timestamp, batch.header.crc), (99, batch::checksum(&batch.bytes)));
    }
}
