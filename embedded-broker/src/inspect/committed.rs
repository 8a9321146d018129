//! A topic as a consumer with `isolation.level=read_committed` sees it.

use crate::error::Error;
use crate::inspect::record::Record;
use crate::inspect::topic::TopicView;
use crate::log::BatchHeader;
use crate::partition::{Isolation, Partition, ReadFrom, Reader};

/// A transaction that was aborted, as far as one partition is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbortedRange {
    /// The partition it wrote to.
    pub partition: i32,
    /// Whose it was: everything of this producer in the range is to be skipped.
    pub producer_id: i64,
    /// Of its first record.
    pub first_offset: i64,
    /// Of the marker that ended it.
    pub last_offset: i64,
}

impl TopicView {
    /// The records that readers of committed ones see now, by partition and offset: nothing aborted, and nothing behind the
    /// first transaction that is still open. What a producer was told to be committed is committed here.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("invoices", 1).start()?;
    /// assert!(broker.topic("invoices").committed_records()?.is_empty());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic, or a compressed batch cannot be unpacked.
    pub fn committed_records(&self) -> Result<Vec<Record>, Error> {
        self.settle_transactions();
        // Looked at before the records are: what is decided by now stays so.
        let visible: Vec<_> = self.topic()?.partitions.iter().map(|partition| Visible::of(partition)).collect();
        let mut records = self.records()?;
        records.retain(|record| {
            let of_partition = usize::try_from(record.partition).ok().and_then(|index| visible.get(index));
            of_partition.is_some_and(|visible| visible.shows(record.offset))
        });
        Ok(records)
    }

    /// The aborted transactions of each partition whose records can still be read, by partition and first offset.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn aborted_ranges(&self) -> Result<Vec<AbortedRange>, Error> {
        self.settle_transactions();
        let topic = self.topic()?;
        let ranges = topic.partitions.iter().zip(0..).flat_map(|(one, partition)| {
            let aborted = one.look(Reader::INSIDE, |log, _| log.aborted()).unwrap_or_default();
            aborted.into_iter().map(move |aborted| AbortedRange {
                partition,
                producer_id: aborted.producer_id,
                first_offset: aborted.first_offset,
                last_offset: aborted.last_offset,
            })
        });
        Ok(ranges.collect())
    }

    /// The offset of each partition from which on nothing is decided: where readers of committed records come to the end.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn last_stable_offsets(&self) -> Result<Vec<i64>, Error> {
        self.settle_transactions();
        Ok(self.topic()?.partitions.iter().map(|partition| partition.offsets().last_stable).collect())
    }
}

/// Which offsets of a partition are shown.
struct Visible {
    last_stable: i64,
    /// First and last offset of each aborted batch, in order.
    aborted: Vec<(i64, i64)>,
}

impl Visible {
    fn of(partition: &Partition) -> Self {
        let offset = partition.offsets().log_start;
        let mut pieces = Vec::new();
        let stable = ReadFrom::everything(offset, Isolation::ReadCommitted);
        // What was deleted in this moment is not shown.
        let Ok(read) = partition.read(stable, &mut pieces) else { return Self { last_stable: 0, aborted: Vec::new() } };
        let is_aborted = |header: &BatchHeader| {
            header.is_transactional()
                && read.aborted.iter().any(|aborted| {
                    aborted.producer_id == header.producer_id
                        && (aborted.first_offset..aborted.last_offset).contains(&header.base_offset)
                })
        };
        let headers = pieces.iter().flat_map(|piece| crate::log::batch::headers(piece)).map(|(_, header)| header);
        let aborted = headers.filter(is_aborted).map(|header| (header.base_offset, header.last_offset())).collect();
        Self { last_stable: read.offsets.last_stable, aborted }
    }

    fn shows(&self, offset: i64) -> bool {
        let at = self.aborted.partition_point(|(_, last)| *last < offset);
        offset < self.last_stable && self.aborted.get(at).is_none_or(|(first, _)| offset < *first)
    }
}
