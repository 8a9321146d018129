//! How a test makes the way between clients and the broker slow or dead, and the guard that mends it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::links::{LinkId, Trouble};
use crate::cluster::Cluster;

/// The way between the broker and its clients, or one of them; see [`EmbeddedBroker::network`](crate::EmbeddedBroker::network).
///
/// Trouble of several guards adds up. A client is known by its `client.id` from its first request on.
///
/// ```
/// use std::time::Duration;
/// use embedded_broker::EmbeddedBroker;
///
/// let broker = EmbeddedBroker::builder().start()?;
/// let far = broker.network().latency(Duration::from_millis(80));
/// let narrow = broker.network().client("mirror").bandwidth(1_000_000);
/// let cut = broker.network().client("checkout").half_open();
/// drop(cut); // Its next connection gets through.
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[must_use = "nothing changes until the last call says what is to be wrong"]
pub struct NetworkBuilder<'a> {
    cluster: &'a Arc<Cluster>,
    client_id: Option<String>,
}

impl<'a> NetworkBuilder<'a> {
    pub(crate) fn new(cluster: &'a Arc<Cluster>) -> Self {
        Self { cluster, client_id: None }
    }

    /// Only the way of clients with this `client.id`.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// A request and its answer take so much longer, together, by the broker's clock.
    pub fn latency(self, round_trip: Duration) -> NetworkFault {
        self.set(Trouble::Latency(round_trip))
    }

    /// So many bytes of requests and answers get through in a second, on each connection.
    pub fn bandwidth(self, bytes_per_second: u64) -> NetworkFault {
        self.set(Trouble::Bandwidth(bytes_per_second))
    }

    /// What is sent is swallowed, requests and answers, and neither side is told. A connection that has lost something so
    /// stays dead, also when the way is mended, until the client closes it.
    pub fn half_open(self) -> NetworkFault {
        self.set(Trouble::HalfOpen)
    }

    fn set(self, trouble: Trouble) -> NetworkFault {
        let Self { cluster, client_id } = self;
        NetworkFault { cluster: Arc::clone(cluster), id: cluster.faults.add_link(client_id, trouble) }
    }
}

impl fmt::Debug for NetworkBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkBuilder").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Trouble on the way between clients and the broker. It ends when this is dropped.
#[must_use = "the way is mended as soon as this is dropped"]
pub struct NetworkFault {
    cluster: Arc<Cluster>,
    id: LinkId,
}

impl fmt::Debug for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NetworkFault").field(&self.id).finish()
    }
}

impl Drop for NetworkFault {
    fn drop(&mut self) {
        self.cluster.faults.remove_link(self.id);
    }
}
