//! The replicas of a topic as a test looks at them, and what elections have cost.

use std::ops::Range;

use super::topic::TopicView;
use crate::error::Error;

/// Who leads a partition, and who follows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionReplicas {
    /// The node that leads; `None` while no replica can.
    pub leader: Option<i32>,
    /// How often that has changed.
    pub leader_epoch: i32,
    /// All replicas, the preferred leader first.
    pub replicas: Vec<i32>,
    /// Those of them that are new, while the partition moves to other nodes: it has moved once they are in sync.
    pub adding: Vec<i32>,
    /// Those of them that go then.
    pub removing: Vec<i32>,
    /// Those that have everything, or had it a moment ago.
    pub in_sync: Vec<i32>,
    /// Those out of sync that may be elected all the same, as nothing is acknowledged that they lack (KIP-966).
    pub eligible: Vec<i32>,
}

/// The end of a partition's log that was lost when another replica became the leader, which had not got it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostRecords {
    /// The partition's number.
    pub partition: i32,
    /// The offsets that are lost; others have them, or will.
    pub offsets: Range<i64>,
    /// Those of them that consumers could read. Empty unless the election was unclean: what is lost otherwise was acknowledged to
    /// producers only that did not wait for all replicas.
    pub read: Range<i64>,
    /// The new leader.
    pub leader: i32,
    /// Its epoch, which began with the first offset that is lost.
    pub leader_epoch: i32,
    /// The new leader was not in sync: `unclean.leader.election.enable` is set, or somebody asked for it.
    pub unclean: bool,
}

impl TopicView {
    /// Who leads a partition, and who follows.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).config("default.replication.factor", 3).topic("orders", 1).start()?;
    /// assert_eq!(broker.topic("orders").replicas(0)?.in_sync.len(), 3);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic or partition.
    pub fn replicas(&self, partition: i32) -> Result<PartitionReplicas, Error> {
        let now = self.partition(partition)?.leadership();
        Ok(PartitionReplicas {
            leader: Some(now.leader).filter(|leader| *leader >= 0),
            leader_epoch: now.leader_epoch,
            replicas: now.replicas,
            adding: now.adding,
            removing: now.removing,
            in_sync: now.in_sync,
            eligible: now.eligible,
        })
    }

    /// What elections have cost so far, by partition, the oldest first: records that a leader had appended and the next one had
    /// not got. Nothing is said of records that [`truncate`](Self::truncate) has cut off.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// # use std::time::Duration;
    /// let broker = EmbeddedBroker::builder().brokers(2).config("default.replication.factor", 2).topic("orders", 1).start()?;
    /// let orders = broker.topic("orders");
    /// let replicas = orders.replicas(0)?;
    /// let slow = broker.lag(replicas.replicas[1], Duration::from_secs(1))?;
    /// orders.append(0, ["acknowledged by one"])?;
    /// broker.crash(replicas.replicas[0])?;
    /// assert_eq!(orders.lost_records()?[0].offsets, 0..1);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such topic.
    pub fn lost_records(&self) -> Result<Vec<LostRecords>, Error> {
        let topic = self.topic()?;
        let of_each = (0..).zip(&topic.partitions).flat_map(|(partition, found)| {
            found.losses().into_iter().map(move |loss| LostRecords {
                partition,
                offsets: loss.offsets,
                read: loss.read,
                leader: loss.leader,
                leader_epoch: loss.leader_epoch,
                unclean: loss.unclean,
            })
        });
        Ok(of_each.collect())
    }
}
