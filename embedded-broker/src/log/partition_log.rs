//! One partition's log in memory: append, read by offset, find by time, delete from the front.
//!
//! Left out for now: retention and compaction. Segments are there so that retention can drop them.

use std::collections::VecDeque;

use bytes::Bytes;

use super::batch::{self, BatchHeader};
use super::epochs::LeaderEpochs;
use super::producer_state::{ProducerStates, Verdict};
use super::segment::Segment;
use super::tail::Tail;
use super::validate::{Rejected, ValidBatch};

/// The log. Whoever owns it serialises access; nothing in here waits.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    segments: VecDeque<Segment>,
    tail: Tail,
    start_offset: i64,
    end_offset: i64,
    producers: ProducerStates,
    epochs: LeaderEpochs,
}

/// Where a batch lies now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    pub(crate) log_append_time: i64,
    /// It was here before: nothing was appended.
    pub(crate) duplicate: bool,
}

/// An offset that the log does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfRange;

impl PartitionLog {
    pub(crate) fn new(leader_epoch: i32) -> Self {
        let mut epochs = LeaderEpochs::default();
        epochs.begin(leader_epoch, 0);
        Self {
            segments: VecDeque::from([Segment::new(0)]),
            tail: Tail::new(),
            start_offset: 0,
            end_offset: 0,
            producers: ProducerStates::default(),
            epochs,
        }
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

    /// All bytes held.
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.len).sum()
    }

    /// Appends a batch, unless its producer has sent it before.
    pub(crate) fn append(
        &mut self,
        batch: &ValidBatch<'_>,
        leader_epoch: i32,
        segment_bytes: usize,
    ) -> Result<Appended, Rejected> {
        let header = &batch.header;
        if let Verdict::Duplicate { base_offset, max_timestamp } = self.producers.check(header)? {
            return Ok(Appended { base_offset, log_append_time: max_timestamp, duplicate: true });
        }
        let base_offset = self.end_offset;
        self.epochs.begin(leader_epoch, base_offset);
        self.store(&batch.bytes, header, (base_offset, leader_epoch), segment_bytes);
        self.producers.appended(header, base_offset);
        self.end_offset = base_offset + i64::from(header.last_offset_delta) + 1;
        Ok(Appended { base_offset, log_append_time: batch.log_append_time, duplicate: false })
    }

    fn store(&mut self, bytes: &[u8], header: &BatchHeader, place: (i64, i32), segment_bytes: usize) {
        if self.segments.back().is_none_or(|last| last.len > 0 && last.len + bytes.len() > segment_bytes) {
            if let (Some(group), Some(last)) = (self.tail.freeze(), self.segments.back_mut()) {
                last.groups.push(group);
            }
            self.segments.push_back(Segment::new(place.0));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.len += bytes.len();
            self.tail.append(bytes, header, place, &mut segment.groups);
        }
    }

    /// Whole batches from the one that holds `offset` on, at most `max_bytes` of them; with `at_least_one` the first batch
    /// however long it is. Returns how many bytes were added to `out`.
    pub(crate) fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
        out: &mut Vec<Bytes>,
    ) -> Result<usize, OutOfRange> {
        if offset < self.start_offset || offset > self.end_offset {
            return Err(OutOfRange);
        }
        let mut taken = 0;
        for group in self.groups_from(offset) {
            let bytes = &group.bytes[..];
            let range = whole_batches(bytes, offset, max_bytes - taken, at_least_one && taken == 0);
            let complete = range.end == bytes.len();
            taken += range.len();
            if !range.is_empty() {
                out.push(group.bytes.slice(range));
            }
            if !complete || taken >= max_bytes {
                return Ok(taken);
            }
        }
        if let Some(open) = self.tail.open() {
            let range = whole_batches(open.bytes, offset, max_bytes - taken, at_least_one && taken == 0);
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

    /// The highest timestamp of all batches; `None` of an empty log.
    pub(crate) fn max_timestamp(&self) -> Option<i64> {
        let frozen = self.groups_from(self.start_offset).map(|group| group.max_timestamp);
        frozen.chain(self.tail.open().map(|open| open.max_timestamp)).max()
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
            self.segments.pop_front();
        }
        Ok(offset)
    }
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
