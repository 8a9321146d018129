//! A log as whoever copies it reads it: segment by segment, batch by batch.

use super::batch::{self, BatchHeader};
use super::partition_log::PartitionLog;

impl PartitionLog {
    /// Where each segment begins; the last one is active.
    pub(crate) fn segment_bases(&self) -> impl Iterator<Item = i64> {
        self.segments.iter().map(|segment| segment.base_offset)
    }

    /// Has [`segment_batches`](Self::segment_batches) and [`batches_from`](Self::batches_from) show everything.
    pub(crate) fn show_all(&mut self) {
        self.freeze_tail();
    }

    /// The batches that begin at `offset` or later, each with its header and where its segment begins.
    pub(crate) fn batches_from(&self, offset: i64) -> impl Iterator<Item = (i64, BatchHeader, &[u8])> {
        let first = self.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1);
        let groups = self.segments.iter().skip(first).flat_map(move |segment| {
            segment.since(offset).iter().map(move |group| (segment.base_offset, &group.bytes))
        });
        groups.flat_map(move |(base, bytes)| {
            let batches = batch::headers(bytes).filter(move |(_, header)| header.base_offset >= offset);
            batches.filter_map(move |(at, header)| Some((base, header, bytes.get(at..at + header.total_len())?)))
        })
    }

    /// The leader epoch of its last batch; -1 if it has none.
    pub(crate) fn newest_batch_epoch(&self) -> i32 {
        let last = self.segments.iter().rev().find_map(|segment| segment.groups.last());
        let frozen = last.and_then(|group| batch::headers(&group.bytes).last());
        let open = self.tail.open().and_then(|open| batch::headers(open.bytes).last());
        open.or(frozen).map_or(-1, |(_, header)| header.leader_epoch)
    }

    /// How many bytes of it lie before `offset`.
    pub(crate) fn len_until(&self, offset: i64) -> usize {
        if offset >= self.end_offset {
            return self.len();
        }
        let until = |bytes: &[u8]| {
            let before = batch::headers(bytes).take_while(|(_, header)| header.base_offset < offset);
            before.map(|(_, header)| header.total_len()).sum::<usize>()
        };
        let groups = self.segments.iter().flat_map(|segment| &segment.groups);
        let groups = groups.take_while(|group| {
            batch::headers(&group.bytes).next().is_some_and(|(_, first)| first.base_offset < offset)
        });
        groups
            .map(|group| if group.last_offset < offset { group.bytes.len() } else { until(&group.bytes) })
            .sum::<usize>()
            + self.tail.open().map_or(0, |open| until(open.bytes))
    }
}
