//! One partition's log in memory: append, read by offset, find by time, delete from either end. What becomes of segments
//! later is in `retention.rs` and `compaction/`.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;

use super::LogConfig;
use super::aborted::{AbortedTransaction, AbortedTransactions};
use super::batch::{self, BatchHeader};
use super::change::{LogChange, LogChanges};
use super::epochs::LeaderEpochs;
use super::marker::EndMarker;
use super::producer_state::{ProducerEntry, ProducerStates, Proof, Verdict};
use super::segment::{Arriving, Segment};
use super::tail::Tail;
use super::validate::{Rejected, ValidBatch};

/// The log. Whoever owns it serialises access; nothing in here waits.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    /// Never empty. The last one is active: what is in the tail belongs to it.
    pub(super) segments: VecDeque<Segment>,
    tail: Tail,
    pub(super) start_offset: i64,
    pub(super) end_offset: i64,
    producers: ProducerStates,
    pub(super) aborted: AbortedTransactions,
    epochs: LeaderEpochs,
    /// Everything before was compacted.
    pub(super) compacted_until: i64,
    /// Counts what becomes of closed segments: a compaction of what they were before is not put in.
    pub(super) version: u64,
    /// Makes segments end at different times, log by log.
    jitter: RandomState,
    pub(super) changes: LogChanges,
}

/// Where a batch lies now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) log_append_time: i64,
    /// It was here before: nothing was appended.
    pub(crate) duplicate: bool,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Appended(Appended),
    /// Nothing was appended: the batch would begin a transaction, and nothing shows that the coordinator knows of it.
    Unverified,
}

/// An offset that the log does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfRange;

impl PartitionLog {
    pub(crate) fn new(leader_epoch: i32) -> Self {
        let mut log = Self::empty();
        log.epochs.begin(leader_epoch, 0);
        log
    }

    /// A log that has no epoch yet.
    pub(super) fn empty() -> Self {
        Self {
            segments: VecDeque::from([Segment::new(0)]),
            tail: Tail::new(),
            start_offset: 0,
            end_offset: 0,
            producers: ProducerStates::default(),
            aborted: AbortedTransactions::default(),
            epochs: LeaderEpochs::default(),
            compacted_until: 0,
            version: 0,
            jitter: RandomState::new(),
            changes: LogChanges::default(),
        }
    }

    /// What becomes of segments, for whoever keeps a copy.
    pub(crate) fn changes_mut(&mut self) -> &mut LogChanges {
        &mut self.changes
    }

    /// The first offset that can be read.
    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    /// The offset the next record will get.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    pub(crate) fn epochs(&self) -> &LeaderEpochs {
        &self.epochs
    }

    pub(crate) fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    pub(crate) fn producers_mut(&mut self) -> &mut ProducerStates {
        &mut self.producers
    }

    /// Where the undecided part begins: readers of committed records see nothing from here on. Never goes back.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        // A transaction may have begun in front of what was deleted.
        self.producers.first_undecided().map_or(self.end_offset, |first| first.max(self.start_offset))
    }

    /// The aborted transactions that a reader must know of, to whom `read` is given when it asks for `offset`.
    pub(crate) fn aborted_in(&self, offset: i64, read: &[Bytes]) -> Vec<AbortedTransaction> {
        let Some(last) = read.last().filter(|_| !self.aborted.is_empty()) else { return Vec::new() };
        let until = batch::headers(last).last().map_or(offset, |(_, header)| header.last_offset() + 1);
        self.aborted.overlapping(offset, until)
    }

    /// All aborted transactions of what can be read.
    pub(crate) fn aborted(&self) -> Vec<AbortedTransaction> {
        self.aborted.overlapping(self.start_offset, self.end_offset)
    }

    /// All bytes held.
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Appends a batch, unless its producer has sent it before. One that begins a transaction needs `proof`.
    pub(crate) fn append(
        &mut self,
        batch: &ValidBatch<'_>,
        proof: Proof,
        leader_epoch: i32,
        config: &LogConfig,
    ) -> Result<Outcome, Rejected> {
        let header = &batch.header;
        match self.producers.check(header, proof)? {
            Verdict::Append => {}
            Verdict::Unverified => return Ok(Outcome::Unverified),
            Verdict::Duplicate { base_offset, max_timestamp } => {
                let seen = Appended { base_offset, log_append_time: max_timestamp, duplicate: true };
                return Ok(Outcome::Appended(seen));
            }
        }
        let base_offset = self.write(batch, leader_epoch, config);
        self.producers.appended(header, base_offset);
        let appended = Appended { base_offset, log_append_time: batch.log_append_time, duplicate: false };
        Ok(Outcome::Appended(appended))
    }

    /// Ends a producer's transaction; `batch` is the marker as it goes into the log.
    ///
    /// # Errors
    ///
    /// A newer epoch of the producer, or of the coordinator, was heard of.
    pub(crate) fn append_marker(
        &mut self,
        marker: &EndMarker,
        batch: &ValidBatch<'_>,
        leader_epoch: i32,
        config: &LogConfig,
    ) -> Result<i64, Rejected> {
        self.producers.check_marker(marker)?;
        let offset = self.write(batch, leader_epoch, config);
        self.end_transaction(marker, offset, batch.header.max_timestamp);
        Ok(offset)
    }

    /// Puts a batch at the end. Returns its offset.
    fn write(&mut self, batch: &ValidBatch<'_>, leader_epoch: i32, config: &LogConfig) -> i64 {
        let base_offset = self.end_offset;
        self.epochs.begin(leader_epoch, base_offset);
        self.store(batch, (base_offset, leader_epoch), config);
        self.end_offset = base_offset + i64::from(batch.header.last_offset_delta) + 1;
        base_offset
    }

    fn store(&mut self, batch: &ValidBatch<'_>, place: (i64, i32), config: &LogConfig) {
        let arriving = Arriving {
            len: batch.bytes.len(),
            last_offset: place.0 + i64::from(batch.header.last_offset_delta),
            max_timestamp: batch.header.max_timestamp,
            now_ms: batch.now_ms,
        };
        let segment_ms = config.segment_ms - self.jitter_ms(config);
        if self.segments.back().is_none_or(|last| last.is_full_for(&arriving, segment_ms, config)) {
            self.roll();
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.appended(&batch.header, arriving.len, batch.now_ms, config);
            self.tail.append(&batch.bytes, &batch.header, place, &mut segment.groups);
        }
    }

    /// Closes the active segment, if there is anything in it: what follows goes to a new one.
    pub(crate) fn roll(&mut self) {
        let Some(last) = self.segments.back_mut().filter(|last| last.len > 0) else { return };
        last.groups.extend(self.tail.freeze());
        self.segments.push_back(Segment::new(self.end_offset));
        self.changes.note(LogChange::Rolled { base_offset: self.end_offset });
    }

    /// Brings what is in the tail to the groups of the active segment.
    pub(super) fn freeze_tail(&mut self) {
        if let Some(last) = self.segments.back_mut() {
            last.groups.extend(self.tail.freeze());
        }
    }

    /// Forgets what is remembered of records at `end` and after it: producers and their transactions are what the records
    /// that are left say.
    pub(super) fn forget_from(&mut self, end: i64) {
        self.epochs.truncate_to(end);
        self.producers = ProducerStates::default();
        self.aborted = AbortedTransactions::default();
        for segment in std::mem::take(&mut self.segments) {
            for bytes in segment.groups.iter().map(|group| &group.bytes) {
                for (at, header) in batch::headers(bytes) {
                    self.note(&header, bytes.get(at..).unwrap_or_default());
                }
            }
            self.segments.push_back(segment);
        }
    }

    /// Notes what a batch that is in the log says of its producer.
    fn note(&mut self, header: &BatchHeader, batch: &[u8]) {
        match EndMarker::read(header, batch) {
            Some(marker) => self.end_transaction(&marker, header.base_offset, header.max_timestamp),
            None if header.is_control() => {}
            None => self.producers.appended(header, header.base_offset),
        }
    }

    fn end_transaction(&mut self, marker: &EndMarker, offset: i64, timestamp: i64) {
        let began = self.producers.ended(marker, timestamp);
        if let Some(began) = began.filter(|_| !marker.committed) {
            // Not the end of the log, which lies further on while it is made again.
            let stable = self.producers.first_undecided().map_or(offset + 1, |first| first.max(self.start_offset));
            self.aborted.push(marker.producer_id, began, offset, stable);
        }
    }

    /// Puts a batch at the end that has its place already: it was kept.
    pub(super) fn restore_batch(&mut self, header: &BatchHeader, batch: &[u8], now_ms: i64, config: &LogConfig) {
        self.epochs.begin(header.leader_epoch, header.base_offset);
        if let Some(segment) = self.segments.back_mut() {
            segment.appended(header, batch.len(), now_ms, config);
            self.tail.append(batch, header, (header.base_offset, header.leader_epoch), &mut segment.groups);
        }
        self.end_offset = header.last_offset() + 1;
        self.note(header, batch);
    }

    /// Takes up what the batches do not say: where epochs began, and producers that none of them tells of.
    pub(super) fn complete(&mut self, epochs: &[(i32, i64)], producers: &[ProducerEntry]) {
        for &(epoch, start) in epochs {
            self.epochs.begin(epoch, start.min(self.end_offset));
        }
        self.producers.take_up(producers);
    }

    pub(super) fn begin_epoch(&mut self, leader_epoch: i32) {
        self.epochs.begin(leader_epoch, self.end_offset);
    }

    fn drop_first(&mut self) {
        if let Some(gone) = self.segments.pop_front() {
            self.changes.note(LogChange::Dropped { base_offset: gone.base_offset });
        }
    }

    /// The batches of the segment that begins at `base_offset`, whole.
    pub(crate) fn segment_batches(&self, base_offset: i64) -> impl Iterator<Item = (BatchHeader, &[u8])> {
        let is_it = move |segment: &&Segment| segment.base_offset == base_offset;
        let groups = self.segments.iter().filter(is_it).flat_map(|segment| &segment.groups);
        groups.flat_map(|group| {
            batch::headers(&group.bytes)
                .filter_map(|(at, header)| Some((header, group.bytes.get(at..at + header.total_len())?)))
        })
    }

    /// How much earlier than `segment.ms` the active segment is closed.
    fn jitter_ms(&self, config: &LogConfig) -> i64 {
        let most = config.segment_jitter_ms.min(config.segment_ms);
        if most == 0 {
            return 0;
        }
        let base_offset = self.segments.back().map_or(0, |last| last.base_offset);
        i64::try_from(self.jitter.hash_one(base_offset) % most.unsigned_abs()).unwrap_or_default()
    }

    /// Whole batches from the one that holds `offset` on, at most `max_bytes` of them; with `at_least_one` the first batch
    /// however long it is; nothing of batches that begin at `until` or later. Returns how many bytes were added to `out`.
    pub(crate) fn read(
        &self,
        offset: i64,
        until: i64,
        max_bytes: usize,
        at_least_one: bool,
        out: &mut Vec<Bytes>,
    ) -> Result<usize, OutOfRange> {
        if offset < self.start_offset || offset > self.end_offset {
            return Err(OutOfRange);
        }
        let mut taken = 0;
        for group in self.groups_from(offset) {
            let bytes = before(&group.bytes, group.last_offset, until);
            let range = whole_batches(bytes, offset, max_bytes - taken, at_least_one && taken == 0);
            let complete = range.end == group.bytes.len();
            taken += range.len();
            if !range.is_empty() {
                out.push(group.bytes.slice(range));
            }
            if !complete || taken >= max_bytes {
                return Ok(taken);
            }
        }
        if let Some(open) = self.tail.open() {
            let bytes = before(open.bytes, open.last_offset, until);
            let range = whole_batches(bytes, offset, max_bytes - taken, at_least_one && taken == 0);
            taken += range.len();
            if !range.is_empty() {
                out.push(Bytes::copy_from_slice(&open.bytes[range]));
            }
        }
        Ok(taken)
    }

    /// Where the log of a client whose last record before `offset` is of `epoch` parts from this one: the last epoch both
    /// have and its end; `None` if it does not.
    pub(crate) fn diverges(&self, epoch: i32, offset: i64) -> Result<Option<(i32, i64)>, OutOfRange> {
        let (found, end) = self.epochs.end_of(epoch, self.end_offset);
        if found < 0 || offset < self.start_offset {
            return Err(OutOfRange);
        }
        Ok((found < epoch || end < offset).then_some((found, end)))
    }

    fn groups_from(&self, offset: i64) -> impl Iterator<Item = &super::tail::Group> {
        // The last segment that begins at or before the offset may hold it; a gap leads on to the next one.
        let first = self.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1);
        self.segments.iter().skip(first).flat_map(move |segment| segment.since(offset))
    }

    /// The first batch from `offset` on that has a record of `timestamp` or later, as far as its header says.
    pub(crate) fn batch_of_time(&self, timestamp: i64, offset: i64) -> Option<Bytes> {
        let wanted = |header: &BatchHeader| header.max_timestamp >= timestamp && header.last_offset() >= offset;
        let mut groups = self.groups_from(offset).filter(|group| group.max_timestamp >= timestamp);
        if let Some(found) = groups.find_map(|group| {
            let range = find_batch(&group.bytes, wanted)?;
            Some(group.bytes.slice(range))
        }) {
            return Some(found);
        }
        let open = self.tail.open().filter(|open| open.max_timestamp >= timestamp && open.last_offset >= offset)?;
        find_batch(open.bytes, wanted).map(|range| Bytes::copy_from_slice(&open.bytes[range]))
    }

    /// The highest timestamp of the batches that begin at the log's start or behind it; `None` if there are none. With it
    /// comes the batch that the start lies inside of, if it does: some of its records were deleted.
    pub(crate) fn max_timestamp(&self) -> (Option<i64>, Option<Bytes>) {
        let start = self.start_offset;
        let whole = |bytes: &[u8]| {
            let headers = batch::headers(bytes).filter(|(_, header)| header.base_offset >= start);
            headers.map(|(_, header)| header.max_timestamp).max()
        };
        let frozen = self.groups_from(start).enumerate().filter_map(|(n, group)| match n {
            0 => whole(&group.bytes),
            _ => Some(group.max_timestamp),
        });
        let highest = frozen.chain(self.tail.open().and_then(|open| whole(open.bytes))).max();
        let first = self.batch_of_time(i64::MIN, start);
        let is_cut = |batch: &Bytes| BatchHeader::read(batch).is_some_and(|header| header.base_offset < start);
        (highest, first.filter(is_cut))
    }

    /// Makes `offset` the first one that can be read, and frees what lies before it.
    pub(crate) fn delete_before(&mut self, offset: i64) -> Result<i64, OutOfRange> {
        if offset > self.end_offset || offset < 0 {
            return Err(OutOfRange);
        }
        if offset <= self.start_offset {
            return Ok(self.start_offset);
        }
        self.start_offset = offset;
        self.version += 1;
        self.epochs.start_at(offset);
        self.aborted.delete_before(offset);
        if let Some(open) = self.tail.open().filter(|open| open.last_offset < offset) {
            let len = open.bytes.len();
            self.tail.clear();
            if let Some(last) = self.segments.back_mut() {
                last.len -= len;
            }
        }
        for segment in &mut self.segments {
            segment.drop_before(offset);
        }
        while self.segments.len() > 1 && self.segments.front().is_some_and(|first| first.len == 0) {
            self.drop_first();
        }
        if self.segments.front().is_some_and(|only| only.len == 0 && only.base_offset < self.end_offset) {
            // Nothing is left: what comes has nothing to do with the times of what was there.
            self.segments.push_back(Segment::new(self.end_offset));
            self.changes.note(LogChange::Rolled { base_offset: self.end_offset });
            self.drop_first();
        }
        Ok(offset)
    }
}

/// The batches of a group that begin before `until`.
fn before(bytes: &[u8], last_offset: i64, until: i64) -> &[u8] {
    if last_offset < until {
        return bytes;
    }
    let end = batch::headers(bytes).find(|(_, header)| header.base_offset >= until).map_or(bytes.len(), |(at, _)| at);
    &bytes[..end]
}

/// The stretch of `bytes` that begins with the batch that holds `offset` (or the first one after it) and is at most `max`
/// bytes long; its first batch is taken however long it is if `at_least_one` says so.
fn whole_batches(bytes: &[u8], offset: i64, max: usize, at_least_one: bool) -> std::ops::Range<usize> {
    let mut batches = batch::headers(bytes);
    let Some((start, first)) = batches.find(|(_, header)| header.last_offset() >= offset) else {
        return bytes.len()..bytes.len();
    };
    if bytes.len() - start <= max {
        return start..bytes.len();
    }
    let mut end = start;
    if at_least_one || first.total_len() <= max {
        end = start + first.total_len();
        for (at, header) in batches {
            if at + header.total_len() - start > max {
                break;
            }
            end = at + header.total_len();
        }
    }
    start..end
}

fn find_batch(bytes: &[u8], mut wanted: impl FnMut(&BatchHeader) -> bool) -> Option<std::ops::Range<usize>> {
    batch::headers(bytes).find(|(_, header)| wanted(header)).map(|(at, header)| at..at + header.total_len())
}
