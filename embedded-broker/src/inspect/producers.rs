//! Producers as the partitions of a topic remember them.

use crate::error::Error;
use crate::inspect::topic::TopicView;

/// What a partition remembers of a producer that is idempotent or transactional.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionProducer {
    /// The partition.
    pub partition: i32,
    /// The producer.
    pub producer_id: i64,
    /// Of its last batch, or of the marker that fenced it.
    pub epoch: i16,
    /// Of its last record; `None` if no batch of this epoch is remembered.
    pub last_sequence: Option<i32>,
    /// Where its open transaction began; `None` if there is none.
    pub open_since: Option<i64>,
}

impl TopicView {
    /// The producers that each partition remembers, by partition and producer id.
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn producers(&self) -> Result<Vec<PartitionProducer>, Error> {
        let topic = self.topic()?;
        let all = topic.partitions.iter().zip(0..).flat_map(|(one, partition)| {
            let known = one.producers(None).unwrap_or_default();
            known.into_iter().map(move |producer| PartitionProducer {
                partition,
                producer_id: producer.producer_id,
                epoch: producer.epoch,
                last_sequence: (producer.last_sequence >= 0).then_some(producer.last_sequence),
                open_since: (producer.open_since >= 0).then_some(producer.open_since),
            })
        });
        Ok(all.collect())
    }
}
