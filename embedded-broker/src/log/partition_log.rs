//! One partition's log in memory: append, and delete from the front. Reading is in `reading.rs`; what becomes of segments
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
use super::replicated::Replicated;
use super::segment::{Arriving, Segment};
use super::tail::Tail;
use super::validate::{Rejected, ValidBatch};

/// The log. Whoever owns it serialises access; nothing in here waits.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    /// Never empty. The last one is active: what is in the tail belongs to it.
    pub(super) segments: VecDeque<Segment>,
    pub(super) tail: Tail,
    pub(super) start_offset: i64,
    pub(super) end_offset: i64,
    producers: ProducerStates,
    pub(super) aborted: AbortedTransactions,
    pub(super) epochs: LeaderEpochs,
    pub(super) replicated: Replicated,
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
            replicated: Replicated::default(),
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

    /// What is before this offset all followers in sync have. Without followers nobody says so, and it is all there is.
    pub(crate) fn set_replicated_until(&mut self, high_watermark: i64) {
        self.replicated.set_until(high_watermark);
    }

    /// Where the undecided part begins: readers of committed records see nothing from here on. Never goes back, unless the
    /// log is cut off. Before the log's start, where that is in the middle of a batch of which nothing is decided.
    pub(crate) fn last_stable_offset(&self) -> i64 {
        self.replicated.bound(self.first_undecided_offset())
    }

    fn first_undecided_offset(&self) -> i64 {
        match self.producers.first_undecided() {
            // It began in front of what was deleted. As Kafka, which looks for the start in the log and takes what it finds.
            Some(first) if first < self.start_offset => self.batch_that_reaches(self.start_offset),
            Some(first) => first,
            None => self.end_offset,
        }
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

    /// The aborted transactions in the order of their markers, for whoever keeps a copy.
    pub(crate) fn aborted_by_marker(&self) -> &[AbortedTransaction] {
        self.aborted.all()
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
        self.begin_segment();
    }

    fn begin_segment(&mut self) {
        let base_offset = self.end_offset;
        self.segments.push_back(Segment::new(base_offset));
        if self.changes.are_wanted() {
            self.changes.note(LogChange::Rolled { base_offset, producers: self.producers.entries() });
        }
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
        self.replicated.forget();
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
            // A batch without a sequence is no producer's, whatever else it says.
            None if header.is_control() || header.base_sequence < 0 => {}
            None => self.producers.appended(header, header.base_offset),
        }
    }

    fn end_transaction(&mut self, marker: &EndMarker, offset: i64, timestamp: i64) {
        let began = self.producers.ended(marker, timestamp);
        if let Some(began) = began {
            self.replicated.ended(began, offset);
        }
        if let Some(began) = began.filter(|_| !marker.committed) {
            // Not the end of the log, which lies further on while it is made again.
            let stable = self.producers.first_undecided().map_or(offset + 1, |first| first.max(self.start_offset));
            self.aborted.push(marker.producer_id, began, offset, stable);
        }
    }

    /// Puts a batch at the end that has its place already: it was kept.
    pub(super) fn restore_batch(&mut self, header: &BatchHeader, batch: &[u8], now_ms: i64, config: &LogConfig) {
        if header.leader_epoch >= 0 {
            self.epochs.begin(header.leader_epoch, header.base_offset);
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.appended(header, batch.len(), now_ms, config);
            self.tail.append(batch, header, (header.base_offset, header.leader_epoch), &mut segment.groups);
        }
        self.end_offset = header.last_offset() + 1;
        self.note(header, batch);
    }

    /// Takes up what the batches do not say: where epochs began, and producers that none of them tells of.
    pub(super) fn complete(&mut self, epochs: &[(i32, i64)], producers: &[ProducerEntry]) {
        self.epochs.take_up(epochs, self.end_offset);
        self.producers.take_up(producers);
    }

    /// Has what follows belong to this epoch.
    pub(crate) fn begin_epoch(&mut self, leader_epoch: i32) {
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
            self.begin_segment();
            self.drop_first();
        }
        Ok(offset)
    }
}
