//! What is looked at before it matters which partition a batch is for: that it is one batch, of magic 2.

use super::{Rejected, rejected};
use crate::error::ErrorCode;
use crate::log::batch::BatchHeader;
use crate::log::compression::Compression;

/// What the smallest record of the oldest magic is long, behind its length.
const SMALLEST_LENGTH: i32 = 14;
/// Where the length ends that counts what follows it, and where the magic is.
const LENGTH_END: usize = 12;
const MAGIC_AT: usize = 16;

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
        check_rest(records.get(header.total_len()..).unwrap_or_default())?;
        Ok(Self { header, bytes: records })
    }

    pub(crate) fn header(&self) -> BatchHeader {
        self.header
    }

    /// Whether bytes begin with a batch of a transaction, whatever else is wrong with it.
    ///
    /// # Errors
    ///
    /// Not even that can be told.
    pub(crate) fn is_transactional(records: &[u8]) -> Result<bool, Rejected> {
        check_outline(records)?;
        let header = BatchHeader::read(records);
        let whole = header.filter(|header| header.magic == 2 && header.total_len() <= records.len());
        Ok(whole.is_some_and(|header| header.is_transactional()))
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
    let len = header.total_len();
    if len > records.len() {
        return invalid(&format!("the batch says it is {len} bytes long, but {} were sent", records.len()));
    }
    Ok(header)
}

/// What follows the batch may not be another one; what else is wrong with it is told later.
fn check_rest(rest: &[u8]) -> Result<(), Rejected> {
    check_outline(rest).map_err(|rejected| Rejected { tells: false, ..rejected })?;
    let length = rest.get(8..12).and_then(<[u8]>::first_chunk).filter(|_| rest.len() > MAGIC_AT);
    let len = length.and_then(|length| usize::try_from(i32::from_be_bytes(*length)).ok());
    if len.is_some_and(|len| len.saturating_add(LENGTH_END) <= rest.len()) {
        let message = "a produce request must hold exactly one record batch for a partition, and this is more";
        return rejected(ErrorCode::InvalidRecord, message);
    }
    Ok(())
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
    match records.get(MAGIC_AT).map(|magic| magic.cast_signed()) {
        Some(magic) if !(0..=2).contains(&magic) => corrupt(format!("Invalid magic found in record: {magic}")),
        _ => Ok(()),
    }
}
