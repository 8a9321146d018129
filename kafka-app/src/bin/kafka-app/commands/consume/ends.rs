//! [`Ends`]: how far partitions are read that are read to where they ended at the start: pure.

use std::collections::{BTreeMap, BTreeSet};

use kafka_app::{RawRecord, TopicPartition};

/// Where partitions ended, and which of them are not read up to there yet.
#[derive(Debug)]
pub(crate) struct Ends {
    ends: BTreeMap<TopicPartition, i64>,
    open: BTreeSet<TopicPartition>,
    /// Which partitions are to be read is known.
    is_assigned: bool,
}

impl Ends {
    /// Of partitions that are all read, without a group.
    pub(crate) fn of_all(ends: BTreeMap<TopicPartition, i64>) -> Self {
        let open = ends.keys().cloned().collect();
        Self { ends, open, is_assigned: true }
    }

    /// Of partitions of which a group says which are read.
    pub(crate) fn of_group(ends: BTreeMap<TopicPartition, i64>) -> Self {
        Self { ends, open: BTreeSet::new(), is_assigned: false }
    }

    /// The group has given these.
    pub(crate) fn assigned(&mut self, partitions: &[TopicPartition]) {
        let known = partitions.iter().filter(|at| self.ends.contains_key(*at)).cloned();
        self.open.extend(known);
        self.is_assigned = true;
    }

    /// The group has taken these, and has left none or some: without any it will say anew which are read.
    pub(crate) fn revoked(&mut self, partitions: &[TopicPartition], leaves_none: bool) {
        partitions.iter().for_each(|at| {
            self.open.remove(at);
        });
        self.is_assigned &= !leaves_none;
    }

    /// Those of the next records of a partition that lie before its end.
    pub(crate) fn take(&mut self, at: &TopicPartition, records: &mut Vec<RawRecord>) {
        let Some(&end) = self.ends.get(at) else { return records.clear() };
        if records.last().is_some_and(|last| last.offset() + 1 >= end) {
            self.open.remove(at);
            records.truncate(records.partition_point(|record| record.offset() < end));
        }
    }

    /// There is no more of a partition for now, and this offset is read next: what lies before it and was not seen is no
    /// record, as the markers of transactions are none. Gives where reading has come to, as what lies behind the end was not
    /// taken.
    pub(crate) fn reached(&mut self, at: &TopicPartition, offset: i64) -> i64 {
        let Some(&end) = self.ends.get(at) else { return offset };
        if offset >= end {
            self.open.remove(at);
        }
        offset.min(end)
    }

    /// Whether everything is read.
    pub(crate) fn is_done(&self) -> bool {
        self.is_assigned && self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use kafka_app::OwnedRecord;

    use super::*;

    fn at(partition: i32) -> TopicPartition {
        TopicPartition::new("orders", partition)
    }

    fn records(offsets: &[i64]) -> Vec<RawRecord> {
        offsets.iter().map(|&offset| OwnedRecord { offset, ..OwnedRecord::default() }.into()).collect()
    }

    #[track_caller]
    fn check(ends: &mut Ends, partition: i32, offsets: &[i64], taken: &[i64], is_done: bool) {
        let mut records = records(offsets);
        ends.take(&at(partition), &mut records);
        assert_eq!(records.iter().map(RawRecord::offset).collect::<Vec<_>>(), taken);
        assert_eq!(ends.is_done(), is_done);
    }

    fn ends() -> BTreeMap<TopicPartition, i64> {
        [(at(0), 3), (at(1), 5)].into()
    }

    #[test]
    fn nothing_is_read_beyond_the_ends_and_all_that_lies_before_them() {
        let mut ends = Ends::of_all(ends());
        check(&mut ends, 0, &[0, 1], &[0, 1], false);
        check(&mut ends, 1, &[4, 5, 6], &[4], false);
        check(&mut ends, 1, &[7], &[], false);
        check(&mut ends, 0, &[2], &[2], true);
    }

    #[test]
    fn offsets_without_records_are_passed_where_the_client_says_so() {
        let mut ends = Ends::of_all(ends());
        check(&mut ends, 0, &[1], &[1], false);
        assert_eq!((ends.reached(&at(0), 2), ends.reached(&at(1), 5)), (2, 5));
        assert!(!ends.is_done());
        assert_eq!(ends.reached(&at(0), 4), 3);
        assert!(ends.is_done());
    }

    #[test]
    fn a_group_says_what_is_read() {
        let mut ends = Ends::of_group(ends());
        assert!(!ends.is_done());
        ends.assigned(&[at(0), at(1)]);
        check(&mut ends, 0, &[0, 1, 2], &[0, 1, 2], false);
        ends.revoked(&[at(0), at(1)], true);
        assert!(!ends.is_done(), "it will say anew");
        ends.assigned(&[at(1)]);
        assert!(!ends.is_done());
        ends.revoked(&[at(1)], false);
        assert!(ends.is_done());
    }
}
