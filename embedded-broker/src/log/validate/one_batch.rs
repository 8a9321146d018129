//! What is looked at before it matters which partition a batch is for: that it is one batch, of magic 2.

use super::{Rejected, rejected};
use crate::error::ErrorCode;
use crate::log::batch::{self, BatchHeader, HEADER_LEN};
use crate::log::compression::Compression;

/// What the smallest record of the oldest magic is long, behind its length.
const SMALLEST_LENGTH: i32 = 14;

/// Bytes that are one batch by its header's account; nothing in it is checked yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneBatch<'a> {
    pub(super) header: BatchHeader,
    pub(super) bytes: &'a [u8],
}

impl<'a> OneBatch<'a> {
    /// Reads what a Produce request of some version carries for one partition.
    pub(crate) fn read(records: &'a [u8], version: i16) -> Result<Self, Rejected> {
        let header = header_of(records)?;
        if version < 7 && header.compression() == Some(Compression::Zstd) {
            let message = format!("zstd needs version 7 of the produce request, not {version}");
            return rejected(ErrorCode::UnsupportedCompressionType, message);
        }
        Ok(Self { header, bytes: records })
    }
}

fn header_of(records: &[u8]) -> Result<BatchHeader, Rejected> {
    let invalid = |message: &str| rejected(ErrorCode::InvalidRecord, message);
    check_outline(records)?;
    let Some(header) = BatchHeader::read(records) else {
        return invalid("a produce request must hold exactly one record batch for a partition, and this is none");
    };
    if header.magic != 2 {
        return invalid(&format!("a record batch must have magic 2, this one has {}", header.magic));
    }
    match header.total_len() {
        len if len == records.len() => Ok(header),
        len if len < HEADER_LEN => {
            rejected(ErrorCode::CorruptMessage, format!("the batch says it is {len} bytes long: its header is longer"))
        }
        len if len > records.len() => {
            invalid(&format!("the batch says it is {len} bytes long, but {} were sent", records.len()))
        }
        len if batch::checksum(&records[..len]) != header.crc => {
            rejected(ErrorCode::CorruptMessage, "the batch's length or checksum is wrong")
        }
        _ => invalid("a produce request must hold exactly one record batch for a partition, and this is more"),
    }
}

/// What must be right of records of any magic, if there are enough bytes to tell; Kafka says these two in words.
fn check_outline(records: &[u8]) -> Result<(), Rejected> {
    let corrupt = |message: String| Err(Rejected::told(ErrorCode::CorruptMessage, message));
    if let Some(length) = records.get(8..).and_then(<[u8]>::first_chunk) {
        let length = i32::from_be_bytes(*length);
        if length < SMALLEST_LENGTH {
            return corrupt(format!(
                "Record size {length} is less than the minimum record overhead ({SMALLEST_LENGTH})"
            ));
        }
    }
    match records.get(16).map(|magic| magic.cast_signed()) {
        Some(magic) if !(0..=2).contains(&magic) => corrupt(format!("Invalid magic found in record: {magic}")),
        _ => Ok(()),
    }
}
