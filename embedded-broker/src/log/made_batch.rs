//! Batches of the broker's own making, for records that no client sent.

use super::batch::{BatchHeader, HEADER_LEN, TRANSACTIONAL_BIT};
use super::record::{put_bytes, put_zigzag};

/// A record that has no place yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MadeRecord {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

impl MadeRecord {
    fn write(&self, timestamp_delta: i64, offset_delta: i64, out: &mut Vec<u8>) {
        let len_of = |len: usize| i64::try_from(len).unwrap_or(i64::MAX);
        // No attributes.
        let mut record = vec![0];
        put_zigzag(timestamp_delta, &mut record);
        put_zigzag(offset_delta, &mut record);
        put_bytes(self.key.as_deref(), &mut record);
        put_bytes(self.value.as_deref(), &mut record);
        put_zigzag(len_of(self.headers.len()), &mut record);
        for (name, value) in &self.headers {
            put_bytes(Some(name.as_bytes()), &mut record);
            put_bytes(value.as_deref(), &mut record);
        }
        put_zigzag(len_of(record.len()), out);
        out.extend_from_slice(&record);
    }
}

/// Whose batch it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MadeBatch {
    /// Id, epoch and first sequence.
    pub(crate) producer: Option<(i64, i16, i32)>,
    pub(crate) is_transactional: bool,
}

impl MadeBatch {
    /// The batch of these records and their times, as a producer would send it.
    pub(crate) fn encode(self, records: &[(i64, MadeRecord)]) -> Vec<u8> {
        let (producer_id, producer_epoch, base_sequence) = self.producer.unwrap_or((-1, -1, -1));
        let base_timestamp = records.first().map_or(0, |(timestamp, _)| *timestamp);
        let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
        let mut header = BatchHeader {
            base_offset: 0,
            length: 0,
            leader_epoch: -1,
            magic: 2,
            crc: 0,
            attributes: if self.is_transactional { TRANSACTIONAL_BIT } else { 0 },
            last_offset_delta: count - 1,
            base_timestamp,
            max_timestamp: records.iter().map(|(timestamp, _)| *timestamp).max().unwrap_or(0),
            producer_id,
            producer_epoch,
            base_sequence,
            records_count: count,
        };
        let mut bytes = vec![0; HEADER_LEN];
        for ((timestamp, record), delta) in records.iter().zip(0..) {
            record.write(timestamp - base_timestamp, delta, &mut bytes);
        }
        header.write(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::records::RecordBatchDecoder;

    use super::*;

    #[test]
    fn a_codec_reads_back_what_was_written() {
        let full = MadeRecord {
            key: Some(b"k".to_vec()),
            value: Some(vec![7; 300]),
            headers: vec![("h".to_owned(), Some(b"v".to_vec())), ("none".to_owned(), None)],
        };
        let batch = MadeBatch { producer: Some((5, 1, 9)), is_transactional: true };
        let bytes = batch.encode(&[(1_000, full), (990, MadeRecord::default())]);
        let records = RecordBatchDecoder::decode(&mut bytes::Bytes::from(bytes)).unwrap().records;
        assert_eq!((records[0].offset, records[1].offset), (0, 1));
        assert_eq!((records[0].timestamp, records[1].timestamp), (1_000, 990));
        assert_eq!((records[0].producer_id, records[0].producer_epoch, records[1].sequence), (5, 1, 10));
        assert!(records[0].transactional && !records[0].control);
        assert_eq!(records[0].key.as_deref(), Some(&b"k"[..]));
        assert_eq!(records[0].value.as_deref().map(<[u8]>::len), Some(300));
        assert_eq!((records[0].headers.len(), records[1].value.as_ref()), (2, None));
    }
}
