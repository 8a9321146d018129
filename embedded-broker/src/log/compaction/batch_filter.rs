//! What is kept of one batch.

use std::collections::HashMap;
use std::io;

use super::cleanable::Cleanable;
use super::latest::{LatestOffsets, malformed, unpacked};
use super::transactions::CleanedTransactions;
use crate::log::batch::{BatchHeader, HEADER_LEN};
use crate::log::compression::{Compression, Unpacker};
use crate::log::marker::EndMarker;
use crate::log::producer_state::LastRecord;
use crate::log::rebuild::Rebuild;
use crate::log::record::RecordView;

/// What is left of a batch.
pub(super) enum Kept {
    Nothing,
    /// All of it, byte for byte.
    Whole,
    Rewritten(BatchHeader, Vec<u8>),
}

/// Goes over the batches of a log from front to back.
pub(super) struct BatchFilter<'a> {
    latest: &'a LatestOffsets,
    last_records: &'a HashMap<i64, LastRecord>,
    transactions: CleanedTransactions,
    until: i64,
    now_ms: i64,
    delete_retention_ms: i64,
    markers_gone: Vec<i64>,
}

/// What a look at the records of a batch has found.
struct Found<'a> {
    kept: Vec<RecordView<'a>>,
    all: bool,
    has_tombstones: bool,
}

impl<'a> BatchFilter<'a> {
    pub(super) fn new(
        cleanable: &'a Cleanable,
        latest: &'a LatestOffsets,
        delete_retention_ms: i64,
        now_ms: i64,
    ) -> Self {
        Self {
            latest,
            last_records: &cleanable.last_records,
            transactions: CleanedTransactions::new(&cleanable.aborted, 0),
            until: cleanable.until,
            now_ms,
            delete_retention_ms,
            markers_gone: Vec::new(),
        }
    }

    /// The offsets of the abort markers that were dropped.
    pub(super) fn into_markers_gone(self) -> Vec<i64> {
        self.markers_gone
    }

    pub(super) fn filter(&mut self, header: &BatchHeader, whole: &[u8], unpacker: &mut Unpacker) -> io::Result<Kept> {
        if header.is_control() {
            return Ok(self.control(header, whole));
        }
        if self.transactions.data(header) {
            return Ok(self.emptied(header));
        }
        let found = self.look(header, unpacked(header, whole, unpacker)?)?;
        if found.kept.is_empty() {
            return Ok(self.emptied(header));
        }
        let horizon = self.horizon(header, found.has_tombstones);
        if found.all && horizon == header.delete_horizon() {
            return Ok(Kept::Whole);
        }
        let (header, bytes) = rewritten(header, &found.kept, horizon, whole.len())?;
        Ok(Kept::Rewritten(header, bytes))
    }

    fn look<'r>(&self, header: &BatchHeader, mut records: &'r [u8]) -> io::Result<Found<'r>> {
        let mut found = Found { kept: Vec::new(), all: true, has_tombstones: false };
        for _ in 0..header.records_count {
            let record = RecordView::take(&mut records).ok_or_else(|| malformed(header))?;
            if self.keeps(header, &record) {
                found.has_tombstones |= record.value.is_none();
                found.kept.push(record);
            } else {
                found.all = false;
            }
        }
        Ok(found)
    }

    /// The latest of its key, unless it is a tombstone whose time is over. A record without a key has no place here.
    fn keeps(&self, header: &BatchHeader, record: &RecordView<'_>) -> bool {
        let offset = header.base_offset + i64::from(record.offset_delta);
        let Some(key) = record.key else { return false };
        let is_over = || header.delete_horizon().is_some_and(|horizon| self.now_ms >= horizon);
        !self.latest.has_later(key, offset) && (record.value.is_some() || !is_over())
    }

    /// When the tombstones of a batch may go: said once, by the first compaction that finds some.
    fn horizon(&self, header: &BatchHeader, is_wanted: bool) -> Option<i64> {
        let said = header.delete_horizon();
        said.or_else(|| is_wanted.then(|| self.now_ms.saturating_add(self.delete_retention_ms)))
    }

    fn control(&mut self, header: &BatchHeader, whole: &[u8]) -> Kept {
        if !self.transactions.control(header, whole) {
            return Kept::Whole;
        }
        if header.delete_horizon().is_some_and(|horizon| horizon <= self.now_ms) || header.records_count == 0 {
            let is_abort = EndMarker::read(header, whole).is_some_and(|marker| !marker.committed);
            self.markers_gone.extend(is_abort.then_some(header.base_offset));
            return self.emptied(header);
        }
        let horizon = self.horizon(header, true);
        if horizon == header.delete_horizon() {
            return Kept::Whole;
        }
        let mut records = whole.get(HEADER_LEN..).unwrap_or_default();
        let records: Vec<_> = RecordView::take(&mut records).into_iter().collect();
        match rewritten(header, &records, horizon, whole.len()) {
            Ok((header, bytes)) => Kept::Rewritten(header, bytes),
            // It is not packed, so this cannot be.
            Err(_) => Kept::Whole,
        }
    }

    /// A batch without records stays for what its header says.
    fn emptied(&self, header: &BatchHeader) -> Kept {
        if !self.is_last_of_producer(header) && header.last_offset() + 1 != self.until {
            return Kept::Nothing;
        }
        let mut header =
            BatchHeader { base_timestamp: -1, records_count: 0, ..header.rewritten(Compression::None, None) };
        let mut bytes = vec![0; HEADER_LEN];
        header.write(&mut bytes);
        Kept::Rewritten(header, bytes)
    }

    /// A producer's last sequence must not be lost, nor its epoch if that is all there is.
    fn is_last_of_producer(&self, header: &BatchHeader) -> bool {
        let last = self.last_records.get(&header.producer_id).filter(|_| header.has_producer_id());
        last.is_some_and(|last| match last.last_offset {
            Some(offset) => header.last_offset() == offset,
            None => header.is_control() && header.producer_epoch == last.epoch,
        })
    }
}

/// A batch with some of its records, at their offsets and times. With a horizon, that takes the place of the base
/// timestamp.
fn rewritten(
    header: &BatchHeader,
    kept: &[RecordView<'_>],
    horizon: Option<i64>,
    len: usize,
) -> io::Result<(BatchHeader, Vec<u8>)> {
    let compression = header.compression().unwrap_or(Compression::None);
    let time = |record: &RecordView<'_>| header.timestamp_of(record.timestamp_delta);
    let mut target = header.rewritten(compression, horizon);
    if horizon.is_none() {
        target.base_timestamp = kept.first().map_or(-1, time);
    }
    if !header.has_log_append_time() {
        target.max_timestamp = kept.iter().map(time).max().unwrap_or(-1);
    }
    let mut rebuild = Rebuild::new(target, len);
    for record in kept {
        rebuild.push(record, time(record), record.offset_delta);
    }
    rebuild.finish(-1)
}
