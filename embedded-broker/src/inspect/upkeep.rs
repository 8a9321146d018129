//! What time, or a failure, would do to a topic's log, at a test's word.

use crate::error::Error;
use crate::inspect::topic::TopicView;

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
        self.partition(partition)?.truncate(offset).map_err(|code| {
            let message =
                format!("topic {} cannot be cut off at offset {offset} of partition {partition}", self.name());
            Error::with_code(code, message)
        })
    }

    /// Deletes the records of a partition before `offset`, as DeleteRecords does; -1 stands for all there are. Returns where
    /// the log begins then.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// broker.topic("orders").append(0, ["old", "new"])?;
    /// assert_eq!(broker.topic("orders").delete_records(0, 1)?, 1);
    /// assert_eq!(broker.topic("orders").records()?.len(), 1);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic, partition or offset.
    pub fn delete_records(&self, partition: i32, offset: i64) -> Result<i64, Error> {
        self.partition(partition)?.delete_records(None, offset).map_err(|code| {
            let message = format!("topic {} has no offset {offset} in partition {partition}", self.name());
            Error::with_code(code, message)
        })
    }

    /// Turns a bit of the batch that holds `offset`, where it lies in the [data
    /// directory](crate::EmbeddedBrokerBuilder::data_dir), as a disk that rots. What is in memory stays as it is, so it shows
    /// after a restart: a broker that was killed before has its log cut off there, else clients get the batch and see that its
    /// checksum is wrong.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// # let dir = tempfile::tempdir()?;
    /// let broker = EmbeddedBroker::builder().data_dir(dir.path()).topic("orders", 1).start()?;
    /// broker.topic("orders").append(0, ["first"])?;
    /// broker.topic("orders").corrupt_on_disk(0, 0)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic, partition or offset, or no data directory.
    pub fn corrupt_on_disk(&self, partition: i32, offset: i64) -> Result<(), Error> {
        let damaged = self.partition(partition)?.corrupt_on_disk(offset);
        damaged
            .map_err(|error| Error::io(format!("cannot damage partition {partition} of topic {}", self.name()), error))
    }
}
