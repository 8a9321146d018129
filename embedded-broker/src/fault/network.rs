//! How a test makes the way between clients and the broker slow or dead.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::guard::Fault;
use super::links::{Link, Trouble, Way};
use crate::cluster::Cluster;

/// The way between the broker and its clients, or one of them; see [`EmbeddedBroker::network`](crate::EmbeddedBroker::network).
///
/// Trouble of several guards adds up. A client is known by its `client.id` from its first request on. Both ways are meant
/// unless one is [named](Self::requests_only).
///
/// ```
/// use std::time::Duration;
/// use embedded_broker::EmbeddedBroker;
///
/// let broker = EmbeddedBroker::builder().start()?;
/// let far = broker.network().jitter(Duration::from_millis(10)).latency(Duration::from_millis(80));
/// let narrow = broker.network().client("mirror").answers_only().bandwidth(1_000_000);
/// let flaky = broker.network().client("probe").probability(0.01).reset();
/// let cut = broker.network().client("checkout").half_open();
/// drop(cut); // Its next connection gets through.
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[must_use = "nothing changes until the last call says what is to be wrong"]
pub struct NetworkBuilder<'a> {
    cluster: &'a Arc<Cluster>,
    client_id: Option<String>,
    way: Option<Way>,
    probability: f64,
    jitter: Duration,
}

impl<'a> NetworkBuilder<'a> {
    pub(crate) fn new(cluster: &'a Arc<Cluster>) -> Self {
        Self { cluster, client_id: None, way: None, probability: 1.0, jitter: Duration::ZERO }
    }

    /// Only the way of clients with this `client.id`.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.client_id = Some(id.into());
        self
    }

    /// Only the way from clients to the broker.
    pub fn requests_only(mut self) -> Self {
        self.way = Some(Way::ToBroker);
        self
    }

    /// Only the way from the broker to clients.
    pub fn answers_only(mut self) -> Self {
        self.way = Some(Way::ToClient);
        self
    }

    /// Happens by chance to each request and each answer, or each connection that comes: 0.1 is once in ten times. With the
    /// same [seed](crate::EmbeddedBrokerBuilder::fault_seed) it happens to the same ones in their order each time.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Makes a [latency](Self::latency) by chance so much longer or shorter, at most.
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// A request and its answer take so much longer, together, by the broker's clock; if only one way is meant, what goes
    /// that way does. Requests of one connection are served one after the other, so several in flight wait for each other.
    pub fn latency(self, round_trip: Duration) -> Fault {
        let trouble = Trouble::Latency { time: round_trip, jitter: self.jitter };
        self.set(trouble)
    }

    /// So many bytes of requests and answers get through in a second, on each connection.
    pub fn bandwidth(self, bytes_per_second: u64) -> Fault {
        self.set(Trouble::Bandwidth(bytes_per_second))
    }

    /// Answers come in pieces of so many bytes, with a pause of the broker's clock behind each: clients have to put them
    /// together.
    pub fn slices(self, len: usize, pause: Duration) -> Fault {
        self.set(Trouble::Slices { len, pause })
    }

    /// So many bytes get through on each connection, counted from now on. What is beyond is lost, though it be the end of an
    /// answer, and the connection is closed.
    pub fn byte_limit(self, bytes: u64) -> Fault {
        self.set(Trouble::ByteLimit(bytes))
    }

    /// What is sent is swallowed, and neither side is told. A connection that has lost something so stays dead, also when
    /// the way is mended, until the client closes it. If only answers are meant, requests are served.
    pub fn half_open(self) -> Fault {
        self.set(Trouble::HalfOpen)
    }

    /// As [`half_open`](Self::half_open), and the broker closes the connection after this time of its clock.
    pub fn black_hole(self, closes_after: Duration) -> Fault {
        self.set(Trouble::BlackHole(closes_after))
    }

    /// The connection is reset (`RST`) in place of the next request being served; if only answers are meant, in place of
    /// the answer.
    pub fn reset(self) -> Fault {
        self.set(Trouble::Reset)
    }

    /// Connections are closed, and new ones as soon as they come: at once, or with their first request if only one client is
    /// meant.
    pub fn down(self) -> Fault {
        let (cluster, client_id) = (Arc::clone(self.cluster), self.client_id.clone());
        let fault = self.set(Trouble::Down);
        cluster.open_connections.of(client_id.as_deref()).iter().for_each(|connection| connection.shut_down());
        fault
    }

    /// A connection whose end has come is kept open for so long.
    pub fn slow_close(self, time: Duration) -> Fault {
        self.set(Trouble::SlowClose(time))
    }

    /// New connections, of whatever client, wait in the listener's queue: they can be made and sent to, and nobody answers
    /// until this is over.
    pub fn pause_accept(self) -> Fault {
        self.set(Trouble::PausedAccept)
    }

    /// While so many connections are open, of whatever client, others are closed as they come.
    pub fn max_connections(self, max: usize) -> Fault {
        self.set(Trouble::MaxConnections(max))
    }

    /// TLS handshakes of new connections, of whatever client, fail with an alert (`handshake_failure`). Listeners without TLS
    /// have none.
    pub fn fail_tls_handshake(self) -> Fault {
        self.set(Trouble::FailedHandshake)
    }

    fn set(self, trouble: Trouble) -> Fault {
        let Self { cluster, client_id, way, probability, .. } = self;
        Fault::of_link(cluster, Link { client_id, way, probability, trouble })
    }
}

impl fmt::Debug for NetworkBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, way, probability, .. } = self;
        f.debug_struct("NetworkBuilder")
            .field("client_id", client_id)
            .field("way", way)
            .field("probability", probability)
            .finish_non_exhaustive()
    }
}
