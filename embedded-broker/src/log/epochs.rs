//! At which offset each leader epoch began.

/// The epochs of one partition, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct LeaderEpochs(Vec<(i32, i64)>);

impl LeaderEpochs {
    /// Notes that `epoch` begins at `offset`, unless it has begun already.
    pub(crate) fn begin(&mut self, epoch: i32, offset: i64) {
        if self.0.last().is_none_or(|(newest, _)| epoch > *newest) {
            self.0.push((epoch, offset));
        }
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
}
