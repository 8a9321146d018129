//! What a batch from a producer must be before it is appended, and what becomes of it on the way: Kafka's rules for one
//! batch of magic 2. Runs before the partition's lock is taken.

use std::borrow::Cow;

use super::batch::{BatchHeader, HEADER_LEN};
use super::compression::{Compression, Unpacker};
use super::rebuild::Rebuild;
use super::record::RecordView;
use super::{LogConfig, TimestampType};
use crate::error::ErrorCode;
use records::Rules;

mod header;
mod one_batch;
mod records;
mod rejected;
#[cfg(test)]
mod tests;

pub(crate) use one_batch::OneBatch;
pub(crate) use rejected::{Rejected, rejected};

/// A batch that may be appended.
#[derive(Debug)]
pub(crate) struct ValidBatch<'a> {
    pub(crate) header: BatchHeader,
    /// As the producer sent it, or as the topic wants it: with other timestamps, or packed anew.
    pub(crate) bytes: Cow<'a, [u8]>,
    /// The time the broker has put in, with `LogAppendTime`; else -1.
    pub(crate) log_append_time: i64,
    /// When it was checked.
    pub(crate) now_ms: i64,
}

/// Which partition a batch is for: only messages name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
}

/// Checks a batch, and writes it anew if the topic wants other timestamps or another compression than it came with.
pub(crate) fn validate<'a>(
    batch: OneBatch<'a>,
    place: Place<'_>,
    config: &LogConfig,
    now_ms: i64,
    unpacker: &mut Unpacker,
) -> Result<ValidBatch<'a>, Rejected> {
    header::check(&batch, config)?;
    let source = batch.header.compression().unwrap_or(Compression::None);
    let target = config.compression.unwrap_or(source);
    let records = match source {
        Compression::None => &batch.bytes[HEADER_LEN..],
        _ => unpacker.unpack(source, &batch.bytes[HEADER_LEN..]).map_err(|error| cannot_be_unpacked(&error))?,
    };
    let walked =
        Rules { header: &batch.header, config, place, now_ms, skims: source != Compression::None && source == target }
            .walk(records)?;
    let log_append_time = (config.timestamp_type == TimestampType::LogAppendTime).then_some(now_ms);
    let (header, bytes) = if source != target {
        let mut header = batch.header.rewritten(target, None);
        header.set_timestamps(walked.highest, log_append_time);
        let (header, bytes) = packed_anew(&batch.header, header, records, walked.first_timestamp, config)?;
        (header, Cow::Owned(bytes))
    } else if walked.in_order {
        in_place(&batch, walked.highest, log_append_time)
    } else {
        return Err(disordered(source));
    };
    if bytes.len() > config.segment_bytes {
        let (len, max) = (bytes.len(), config.segment_bytes);
        let message = format!("a batch of {len} bytes does not fit into a segment of {max}");
        return rejected(ErrorCode::RecordListTooLarge, message);
    }
    Ok(ValidBatch { header, bytes, log_append_time: log_append_time.unwrap_or(-1), now_ms })
}

/// Kafka stores loose records out of order, which no consumer can use, and fails over packed ones.
fn disordered(source: Compression) -> Rejected {
    let code = match source {
        Compression::None => ErrorCode::InvalidRecord,
        _ => ErrorCode::UnknownServerError,
    };
    Rejected::new(code, "the offsets of the records of the batch do not count from 0")
}

/// The code is Kafka's, which is taken by surprise.
fn cannot_be_unpacked(error: &std::io::Error) -> Rejected {
    Rejected::new(ErrorCode::UnknownServerError, format!("the records cannot be unpacked: {error}"))
}

/// The batch as it came, but for the times in its header: what that says of the highest one is not believed.
fn in_place<'a>(batch: &OneBatch<'a>, highest: i64, log_append_time: Option<i64>) -> (BatchHeader, Cow<'a, [u8]>) {
    let mut header = batch.header;
    if log_append_time.is_none() && !header.has_log_append_time() && highest == header.max_timestamp {
        return (header, Cow::Borrowed(batch.bytes));
    }
    header.set_timestamps(highest, log_append_time);
    let mut bytes = batch.bytes.to_vec();
    header.write(&mut bytes);
    (header, Cow::Owned(bytes))
}

/// The same records in a batch of the topic's compression, with offsets that count from 0; it may have grown.
fn packed_anew(
    source: &BatchHeader,
    target: BatchHeader,
    mut records: &[u8],
    first_timestamp: i64,
    config: &LogConfig,
) -> Result<(BatchHeader, Vec<u8>), Rejected> {
    let mut rebuild = Rebuild::new(BatchHeader { base_timestamp: first_timestamp, ..target }, records.len());
    for index in 0..source.records_count {
        if let Some(record) = RecordView::take(&mut records) {
            rebuild.push(&record, source.timestamp_of(record.timestamp_delta), index);
        }
    }
    let rebuilt = rebuild.finish(config.gzip_level).map_err(|error| {
        let message = format!("the batch cannot be packed as its topic says: {error}");
        Rejected::new(ErrorCode::UnknownServerError, message)
    })?;
    header::check_len(rebuilt.1.len(), config)?;
    Ok(rebuilt)
}
