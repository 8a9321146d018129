//! What time, or a failure, would do to a topic's log, at a test's word.

use crate::error::{Error, ErrorCode};
use crate::topic_view::TopicView;

impl TopicView {
    /// Applies the topic's retention (`retention.ms`, `retention.bytes`) now, instead of at the next look of the broker,
    /// which takes one every `log.retention.check.interval.ms`. As in Kafka, segments go as a whole.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// broker.topic("orders").expire_now()?;
    /// assert_eq!(broker.topic("orders").start_offsets()?, [0]);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn expire_now(&self) -> Result<(), Error> {
        let now_ms = self.cluster.clock.wall_ms();
        for partition in &self.topic()?.partitions {
            partition.expire(now_ms);
        }
        Ok(())
    }

    /// Compacts the topic now, instead of when the broker's cleaner finds it worth it: the active segment is closed first,
    /// so that everything sent so far is gone over. `min.compaction.lag.ms` and `delete.retention.ms` hold. A topic without
    /// `cleanup.policy=compact` stays as it is.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("customers", 1).config("log.cleanup.policy", "compact").start()?;
    /// broker.topic("customers").compact_now()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic, or a compressed batch cannot be unpacked.
    pub fn compact_now(&self) -> Result<(), Error> {
        let now_ms = self.cluster.clock.wall_ms();
        let topic = self.topic()?;
        for (partition, index) in topic.partitions.iter().zip(0..) {
            partition.compact(now_ms, true).map_err(|error| {
                Error::io(format!("cannot compact partition {index} of topic {}", topic.name), error)
            })?;
        }
        Ok(())
    }

    /// Loses the records of a partition from `offset` on, as an election of a replica does that was not in sync: the log
    /// ends there, and a new leader epoch begins. Clients that have read farther are told where their log parts from this
    /// one. A batch that `offset` lies in goes whole.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// broker.topic("orders").truncate(0, 0)?;
    /// assert!(broker.topic("orders").truncate(0, 1).is_err(), "there is no such offset");
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic, partition or offset.
    pub fn truncate(&self, partition: i32, offset: i64) -> Result<(), Error> {
        let topic = self.topic()?;
        let refused = |code| {
            let message = format!("topic {} cannot be cut off at offset {offset} of partition {partition}", topic.name);
            Error::with_code(code, message)
        };
        let found = topic.partition(partition).ok_or_else(|| refused(ErrorCode::UnknownTopicOrPartition))?;
        found.truncate(offset).map_err(refused)
    }
}
