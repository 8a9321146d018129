//! Reading a log: whole batches from an offset on, and batches by their time.

use bytes::Bytes;

use super::batch::{self, BatchHeader};
use super::partition_log::{OutOfRange, PartitionLog};
use super::tail::Group;

impl PartitionLog {
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

    fn groups_from(&self, offset: i64) -> impl Iterator<Item = &Group> {
        // The last segment that begins at or before the offset may hold it; a gap leads on to the next one.
        let first = self.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1);
        self.segments.iter().skip(first).flat_map(move |segment| segment.since(offset))
    }

    /// Where the first batch begins that has `offset` or a later one; the end, if none has.
    pub(super) fn batch_that_reaches(&self, offset: i64) -> i64 {
        let begin =
            |bytes| batch::headers(bytes).map(|(_, header)| header).find(|header| header.last_offset() >= offset);
        let found = self.groups_from(offset).find_map(|group| begin(&group.bytes));
        let found = found.or_else(|| self.tail.open().and_then(|open| begin(open.bytes)));
        found.map_or(self.end_offset, |header| header.base_offset)
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
