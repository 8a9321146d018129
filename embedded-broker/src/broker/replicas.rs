//! The replicas of partitions as a test moves them: leaders elsewhere, followers that lag, high watermarks that stand still.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::EmbeddedBroker;
use crate::cluster::Cluster;
use crate::cluster::replication::each_partition;
use crate::error::{Error, ErrorCode};
use crate::partition::Partition;
use crate::replication::Election;

impl EmbeddedBroker {
    /// Has a node lag until the returned guard is dropped: as a follower it gets what is appended this much later. A node that
    /// lags for longer than `replica.lag.time.max.ms` (30 s) falls out of sync; until then whoever waits for all replicas
    /// waits for it. The longest of several lags counts, and appends may reach it up to a millisecond early.
    ///
    /// ```
    /// use std::time::Duration;
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// let slow = broker.lag(3, Duration::from_millis(200))?;
    /// drop(slow);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub fn lag(&self, id: i32, by: Duration) -> Result<Lagging, Error> {
        let _there = self.node(id)?;
        Ok(Lagging { cluster: Arc::clone(&self.cluster), number: self.cluster.lag(id, by) })
    }

    /// Has the high watermark of a partition stand still until the returned guard is dropped: consumers see nothing of what is
    /// appended meanwhile, and who waits for all replicas waits.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let frozen = broker.freeze_high_watermark("orders", 0)?;
    /// broker.topic("orders").append(0, ["not seen yet"])?;
    /// assert!(broker.topic("orders").records()?.is_empty());
    /// drop(frozen);
    /// assert_eq!(broker.topic("orders").records()?.len(), 1);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such topic or partition.
    pub fn freeze_high_watermark(&self, topic: &str, partition: i32) -> Result<FrozenHighWatermark, Error> {
        let partition = self.topic(topic).partition(partition)?;
        self.cluster.hold_high_watermark(&partition);
        Ok(FrozenHighWatermark { cluster: Arc::clone(&self.cluster), partition })
    }

    /// Makes another replica the leader of a partition, as an election does: a new epoch begins, and what the new leader has
    /// not got yet is lost.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).config("default.replication.factor", 3).topic("orders", 1).start()?;
    /// let replicas = broker.topic("orders").replicas(0)?;
    /// broker.move_leader("orders", 0, replicas.in_sync[2])?;
    /// assert_eq!(broker.topic("orders").replicas(0)?.leader, Some(replicas.in_sync[2]));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such topic or partition, or the node has no replica that may lead.
    pub fn move_leader(&self, topic: &str, partition: i32, id: i32) -> Result<(), Error> {
        let found = self.topic(topic).partition(partition)?;
        self.cluster.elect(|| found.elect(Election::Of(id)));
        if found.leader().0 != id {
            let message = format!("node {id} has no replica of {topic}-{partition} that is in sync and may lead");
            return Err(Error::with_code(ErrorCode::EligibleLeadersNotAvailable, message));
        }
        Ok(())
    }

    /// Makes another replica in sync the leader of every partition that has one, each by chance, drawn from the
    /// [seed](super::EmbeddedBrokerBuilder::fault_seed).
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).config("default.replication.factor", 2).topic("orders", 4).start()?;
    /// broker.shuffle_leaders();
    /// assert_eq!(broker.topic("orders").replicas(3)?.leader_epoch, 1);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn shuffle_leaders(&self) {
        self.cluster.elect(|| {
            let mut moved = false;
            for (_, _, partition) in each_partition(self.cluster.topics().iter()) {
                let now = partition.leadership();
                let others: Vec<i32> = now.in_sync.iter().copied().filter(|id| *id != now.leader).collect();
                let chosen = self.cluster.draw(&others);
                moved |= chosen.is_some_and(|id| partition.elect(Election::Of(id)));
            }
            moved
        });
    }
}

/// A node that lags, until this is dropped: see [`EmbeddedBroker::lag`].
#[must_use = "the node has caught up as soon as this is dropped"]
pub struct Lagging {
    cluster: Arc<Cluster>,
    number: u64,
}

impl fmt::Debug for Lagging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lagging").field(&self.number).finish()
    }
}

impl Drop for Lagging {
    fn drop(&mut self) {
        self.cluster.catch_up(self.number);
    }
}

/// A high watermark that stands still, until this is dropped: see [`EmbeddedBroker::freeze_high_watermark`].
#[must_use = "the high watermark goes on as soon as this is dropped"]
pub struct FrozenHighWatermark {
    cluster: Arc<Cluster>,
    partition: Arc<Partition>,
}

impl fmt::Debug for FrozenHighWatermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FrozenHighWatermark").field(&self.partition.offsets().high_watermark).finish()
    }
}

impl Drop for FrozenHighWatermark {
    fn drop(&mut self) {
        self.cluster.release_high_watermark(&self.partition);
    }
}
