//! At which offset each leader epoch began.

use std::collections::BTreeMap;

/// The epochs of one partition, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct LeaderEpochs(Vec<(i32, i64)>);

impl LeaderEpochs {
    /// Notes that `epoch` begins at `offset`, unless it has begun already. An epoch without records leaves no trace.
    pub(crate) fn begin(&mut self, epoch: i32, offset: i64) {
        if self.0.last().is_none_or(|(newest, _)| epoch > *newest) {
            self.truncate_to(offset);
            self.0.push((epoch, offset));
        }
    }

    /// Takes up what was written down of epochs, in a log that ends at `end`: batches do not tell of those whose records are
    /// gone, nor where one began whose first records are.
    pub(crate) fn take_up(&mut self, written: &[(i32, i64)], end: i64) {
        let mut all: BTreeMap<i32, i64> = self.0.drain(..).collect();
        for &(epoch, start) in written.iter().filter(|(epoch, start)| *epoch >= 0 && *start >= 0) {
            let first = all.entry(epoch).or_insert(i64::MAX);
            *first = start.min(end).min(*first);
        }
        all.into_iter().for_each(|(epoch, start)| self.begin(epoch, start));
    }

    /// Each epoch and its first offset, the oldest first.
    pub(crate) fn entries(&self) -> &[(i32, i64)] {
        &self.0
    }

    pub(crate) fn newest(&self) -> Option<i32> {
        self.0.last().map(|(epoch, _)| *epoch)
    }

    /// Forgets what was before `start`, which is the log's first offset from now on: an epoch that began before begins
    /// there.
    pub(crate) fn start_at(&mut self, start: i64) {
        let after = self.0.partition_point(|(_, offset)| *offset <= start);
        if after > 0 {
            self.0.drain(..after - 1);
            self.0[0].1 = start;
        }
    }

    /// Forgets epochs that begin at `end` or later, which is the log's end from now on.
    pub(crate) fn truncate_to(&mut self, end: i64) {
        let kept = self.0.partition_point(|(_, offset)| *offset < end);
        self.0.truncate(kept);
    }

    /// The newest epoch; -1 if there is none.
    pub(crate) fn latest(&self) -> i32 {
        self.0.last().map_or(-1, |(epoch, _)| *epoch)
    }

    /// The epoch the record at `offset` was appended in; -1 if it was before all of them.
    pub(crate) fn of_offset(&self, offset: i64) -> i32 {
        let after = self.0.partition_point(|(_, start)| *start <= offset);
        self.0[..after].last().map_or(-1, |(epoch, _)| *epoch)
    }

    /// The largest epoch that is not newer than `epoch`, and where it ended; (-1, -1) if nothing is known of it.
    pub(crate) fn end_of(&self, epoch: i32, log_end: i64) -> (i32, i64) {
        let after = self.0.partition_point(|(known, _)| *known <= epoch);
        let is_future = self.0.last().is_none_or(|(newest, _)| epoch > *newest);
        match self.0[..after].last() {
            Some((known, _)) if !is_future => (*known, self.0.get(after).map_or(log_end, |(_, start)| *start)),
            // As Kafka: an epoch older than all that are known ended where the first one began.
            None if epoch != -1 && !is_future => (epoch, self.0.first().map_or(log_end, |(_, start)| *start)),
            _ => (-1, -1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in [(0, 0), (2, 10), (2, 15), (5, 20)] {
            epochs.begin(epoch, start);
        }
        assert_eq!(epochs.end_of(0, 30), (0, 10));
        assert_eq!(epochs.end_of(1, 30), (0, 10));
        assert_eq!(epochs.end_of(2, 30), (2, 20));
        assert_eq!(epochs.end_of(5, 30), (5, 30));
        assert_eq!(epochs.end_of(6, 30), (-1, -1), "a future epoch");
        assert_eq!((epochs.of_offset(9), epochs.of_offset(10), epochs.of_offset(99)), (0, 2, 5));
    }

    #[test]
    fn what_was_written_down_tells_of_epochs_that_have_no_batches_any_more() {
        let batches = || LeaderEpochs(vec![(2, 20), (4, 30)]);
        let with = |written: &[(i32, i64)]| {
            let mut epochs = batches();
            epochs.take_up(written, 40);
            epochs.0
        };
        assert_eq!(with(&[(1, 11), (2, 15), (4, 30)]), [(1, 11), (2, 15), (4, 30)]);
        assert_eq!(with(&[(5, 35), (7, 900)]), [(2, 20), (4, 30), (5, 35), (7, 40)], "the end was cut off");
        assert_eq!(with(&[(-1, 0), (3, -5)]), batches().0, "these are none");
        assert_eq!(with(&[(9, 0)]), [(9, 0)], "in order, whatever is written");
    }

    #[test]
    fn an_epoch_without_records_leaves_no_trace() {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in [(0, 0), (1, 10), (2, 10), (3, 10)] {
            epochs.begin(epoch, start);
        }
        assert_eq!(epochs.0, [(0, 0), (3, 10)]);
        assert_eq!(epochs.end_of(1, 30), (0, 10));
    }

    #[test]
    fn the_first_epoch_begins_where_the_log_does() {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in [(0, 0), (2, 10), (5, 20)] {
            epochs.begin(epoch, start);
        }
        epochs.start_at(0);
        assert_eq!(epochs.0, [(0, 0), (2, 10), (5, 20)]);
        epochs.start_at(15);
        assert_eq!(epochs.0, [(2, 15), (5, 20)]);
        assert_eq!(epochs.end_of(0, 30), (0, 15), "as Kafka: it ended where the log begins");
        epochs.start_at(40);
        assert_eq!(epochs.0, [(5, 40)]);
    }

    #[test]
    fn what_is_cut_off_has_never_been() {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in [(0, 0), (2, 10), (5, 20)] {
            epochs.begin(epoch, start);
        }
        epochs.truncate_to(20);
        assert_eq!(epochs.end_of(5, 20), (-1, -1));
        assert_eq!(epochs.end_of(2, 20), (2, 20));
        epochs.truncate_to(10);
        assert_eq!(epochs.0, [(0, 0)]);
    }
}
