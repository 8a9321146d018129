//! A disk that fails when a test wants it to.

use super::guard::Fault;
use crate::broker::EmbeddedBroker;
use crate::persist::disk::DiskFault;

impl EmbeddedBroker {
    /// Makes the disk under the [data directory](crate::EmbeddedBrokerBuilder::data_dir) fail until the guard is dropped;
    /// without a data directory nothing happens.
    ///
    /// As in Kafka, a partition whose log cannot be written is offline until the broker is started again: produces and
    /// fetches answer `KAFKA_STORAGE_ERROR`. A change of topics, configs, groups or transactions that cannot be written
    /// stops the whole broker from answering, since there is no second directory that it could go on with.
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
        self.cluster.disk().iter().for_each(|disk| disk.set_fault(Some(fault)));
        Fault::of_disk(&self.cluster)
    }
}
