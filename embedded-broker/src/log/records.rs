//! The records of batches as the log holds them, with their own offsets and timestamps.

use super::batch::{BatchHeader, HEADER_LEN, headers};
use super::compression::{Compression, unpack};
use super::record::RecordView;

/// A record and where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordAt<'a> {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) record: RecordView<'a>,
}

/// Calls `each` with the records of all batches in `bytes`, until it says `false`. Control batches have no records.
///
/// Fails if a batch cannot be unpacked or is malformed, which only a compressed one can be: the others were checked when
/// they were appended.
pub(crate) fn for_each_record(bytes: &[u8], mut each: impl FnMut(RecordAt<'_>) -> bool) -> std::io::Result<()> {
    for (at, header) in headers(bytes) {
        if header.is_control() {
            continue;
        }
        let records = bytes.get(at + HEADER_LEN..at + header.total_len()).unwrap_or_default();
        let unpacked;
        let records = match header.compression() {
            Some(Compression::None) => records,
            Some(compression) => {
                unpacked = unpack(compression, records)?;
                &unpacked
            }
            None => return Err(std::io::Error::other("the compression of a batch is not known")),
        };
        if !records_of(&header, records, &mut each)? {
            return Ok(());
        }
    }
    Ok(())
}

fn records_of(
    header: &BatchHeader,
    mut bytes: &[u8],
    each: &mut impl FnMut(RecordAt<'_>) -> bool,
) -> std::io::Result<bool> {
    for _ in 0..header.records_count {
        let Some(record) = RecordView::take(&mut bytes) else {
            let offset = header.base_offset;
            return Err(std::io::Error::other(format!("the batch at offset {offset} holds a malformed record")));
        };
        let timestamp = header.timestamp_of(record.timestamp_delta);
        let offset = header.base_offset + i64::from(record.offset_delta);
        if !each(RecordAt { offset, timestamp, leader_epoch: header.leader_epoch, record }) {
            return Ok(false);
        }
    }
    Ok(true)
}
