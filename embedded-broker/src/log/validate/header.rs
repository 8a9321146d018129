//! What the 61 bytes in front of the records must say.

use super::{OneBatch, Rejected, rejected};
use crate::error::ErrorCode;
use crate::log::LogConfig;
use crate::log::batch::{self, BatchHeader, HEADER_LEN};

/// In Kafka's order: what is wrong first is told.
pub(super) fn check(batch: &OneBatch<'_>, config: &LogConfig) -> Result<(), Rejected> {
    let header = &batch.header;
    if header.base_offset != 0 {
        let message = format!("the base offset of a produced batch must be 0, not {}", header.base_offset);
        return rejected(ErrorCode::InvalidRecord, message);
    }
    let len = header.total_len();
    check_len(len, config)?;
    if len < HEADER_LEN {
        let message = format!("the batch says it is {len} bytes long: its header is longer");
        return rejected(ErrorCode::CorruptMessage, message);
    }
    let crc = batch::checksum(&batch.bytes[..len]);
    if crc != header.crc {
        let message = format!("the batch's checksum is {crc:#010x}, its header says {:#010x}", header.crc);
        return rejected(ErrorCode::CorruptMessage, message);
    }
    if batch.bytes.len() > len {
        let message = format!("{} bytes follow the batch", batch.bytes.len() - len);
        return rejected(ErrorCode::InvalidRecord, message);
    }
    check_claims(header)
}

pub(super) fn check_len(len: usize, config: &LogConfig) -> Result<(), Rejected> {
    let max = config.max_message_bytes;
    if len > max {
        let message = format!("a batch of {len} bytes is larger than the {max} that max.message.bytes allows");
        return rejected(ErrorCode::MessageTooLarge, message);
    }
    Ok(())
}

fn check_claims(header: &BatchHeader) -> Result<(), Rejected> {
    let invalid = |message: String| rejected(ErrorCode::InvalidRecord, message);
    let count = header.records_count;
    if count <= 0 || header.last_offset_delta.checked_add(1) != Some(count) {
        let span = i64::from(header.last_offset_delta) + 1;
        return invalid(format!("a batch of {count} records cannot span {span} offsets"));
    }
    if header.is_control() {
        return invalid("only the broker writes control batches".to_owned());
    }
    if header.has_producer_id() && header.base_sequence < 0 {
        let sequence = header.base_sequence;
        return invalid(format!("the sequence {sequence} of an idempotent batch must not be negative"));
    }
    if header.compression().is_none() {
        return invalid(format!("the compression of attributes {:#06x} is not known", header.attributes));
    }
    Ok(())
}
