//! A disk that fails when a test wants it to.

use super::guard::Fault;
use crate::broker::{EmbeddedBroker, NodeView};
use crate::persist::disk::DiskFault;

impl EmbeddedBroker {
    /// Makes the disk under the [data directory](crate::EmbeddedBrokerBuilder::data_dir) fail until the guard is dropped;
    /// without a data directory nothing happens.
    ///
    /// As in Kafka, a partition whose log cannot be written is offline until the broker is started again: produces and
    /// fetches answer `KAFKA_STORAGE_ERROR`. A change of topics, configs, groups or transactions that cannot be written
    /// stops the whole broker from answering, since there is no second directory that it could go on with. Of several nodes,
    /// all fail; for one of them there is [`NodeView::fail_disk`](crate::NodeView::fail_disk).
    ///
    /// ```
    /// use embedded_broker::{DiskFault, EmbeddedBroker};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let broker = EmbeddedBroker::builder().data_dir(dir.path()).topic("orders", 1).start()?;
    /// let full = broker.fail_disk(DiskFault::Full);
    /// // Whatever is produced now is refused.
    /// drop(full);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail_disk(&self, fault: DiskFault) -> Fault {
        Fault::of_disk(&self.cluster, None, fault)
    }
}

impl NodeView<'_> {
    /// Makes the disk under this node's directory fail until the guard is dropped; without a data directory nothing happens.
    ///
    /// As a broker of Kafka, which has no other directory either, the node halts when it cannot write: what it was asked to
    /// append is refused with `KAFKA_STORAGE_ERROR`, others lead and are in sync, and its connections are closed. It can be
    /// [started again](crate::EmbeddedBroker::restart) when the disk works. What all nodes share (topics, configs, groups,
    /// transactions) is not on its disk; and the only node there is goes on with its other partitions, as
    /// [`EmbeddedBroker::fail_disk`] says.
    ///
    /// ```
    /// use embedded_broker::{DiskFault, EmbeddedBroker};
    ///
    /// # let dir = tempfile::tempdir()?;
    /// let broker = EmbeddedBroker::builder()
    ///     .brokers(3)
    ///     .config("default.replication.factor", 3)
    ///     .data_dir(dir.path())
    ///     .topic("orders", 1)
    ///     .start()?;
    /// let leader = broker.topic("orders").replicas(0)?.leader.ok_or("it has one")?;
    /// let full = broker.node(leader)?.fail_disk(DiskFault::Full);
    /// assert!(broker.topic("orders").append(0, ["refused"]).is_err());
    /// broker.topic("orders").append(0, ["kept by the others"])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail_disk(&self, fault: DiskFault) -> Fault {
        Fault::of_disk(self.cluster, Some(self.id), fault)
    }
}
