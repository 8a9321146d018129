//! Where the latest record of each key lies.

use std::collections::HashMap;
use std::io;

use super::cleanable::Cleanable;
use super::transactions::CleanedTransactions;
use crate::log::batch::{self, BatchHeader, HEADER_LEN};
use crate::log::compression::{Compression, Unpacker};
use crate::log::record::RecordView;

/// The latest offset of each key in the uncompacted part of a picture.
pub(super) struct LatestOffsets(HashMap<Box<[u8]>, i64>);

impl LatestOffsets {
    pub(super) fn of(cleanable: &Cleanable, unpacker: &mut Unpacker) -> io::Result<Self> {
        let mut latest = Self(HashMap::new());
        let mut transactions = CleanedTransactions::new(&cleanable.aborted, cleanable.first_dirty);
        let groups = cleanable.segments.iter().flat_map(|segment| &segment.groups);
        for bytes in groups.filter(|group| group.last_offset >= cleanable.first_dirty).map(|group| &group.bytes) {
            for (at, header) in batch::headers(bytes) {
                let whole = bytes.get(at..at + header.total_len()).unwrap_or_default();
                let is_aborted = !header.is_control() && transactions.data(&header);
                if header.is_control() {
                    transactions.control(&header, whole);
                } else if !is_aborted {
                    latest.add(&header, whole, cleanable.first_dirty, unpacker)?;
                }
            }
        }
        Ok(latest)
    }

    fn add(&mut self, header: &BatchHeader, whole: &[u8], from: i64, unpacker: &mut Unpacker) -> io::Result<()> {
        let mut records = unpacked(header, whole, unpacker)?;
        for _ in 0..header.records_count {
            let record = RecordView::take(&mut records).ok_or_else(|| malformed(header))?;
            let offset = header.base_offset + i64::from(record.offset_delta);
            let Some(key) = record.key.filter(|_| offset >= from) else { continue };
            match self.0.get_mut(key) {
                Some(known) => *known = offset,
                None => drop(self.0.insert(key.into(), offset)),
            }
        }
        Ok(())
    }

    /// Whether a record with this key comes after `offset`.
    pub(super) fn has_later(&self, key: &[u8], offset: i64) -> bool {
        self.0.get(key).is_some_and(|latest| *latest > offset)
    }
}

/// The records of a batch that lies in the log.
pub(super) fn unpacked<'a>(header: &BatchHeader, whole: &'a [u8], unpacker: &'a mut Unpacker) -> io::Result<&'a [u8]> {
    let records = whole.get(HEADER_LEN..).unwrap_or_default();
    match header.compression() {
        Some(Compression::None) => Ok(records),
        Some(_) if records.is_empty() => Ok(records),
        Some(compression) => unpacker.unpack(compression, records),
        None => Err(malformed(header)),
    }
}

pub(super) fn malformed(header: &BatchHeader) -> io::Error {
    io::Error::other(format!("the batch at offset {} is malformed", header.base_offset))
}
