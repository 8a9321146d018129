//! What clients have done that the protocol does not allow, as a test looks at it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::broker::EmbeddedBroker;
use crate::cluster::Cluster;

/// Something that a client has sent and that no client of Kafka may send: a request whose key or version is not served (a
/// [ceiling](crate::EmbeddedBrokerBuilder::version_ceiling) counts), a header or body that cannot be read, a frame that is
/// longer than allowed, a request before the login it needs. As in Kafka, its connection was closed without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// `client.id`, as the connection's first request said; empty if there was none.
    pub client_id: String,
    /// Where the client was.
    pub peer: SocketAddr,
    /// What it has done.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, peer, what } = self;
        write!(f, "client {client_id:?} at {peer}: {what}")
    }
}

/// Fails a test whose clients break the protocol: [`EmbeddedBroker::strict`].
#[must_use = "clients are watched as long as this is there"]
pub struct Strict {
    cluster: Arc<Cluster>,
    from: u64,
}

impl EmbeddedBroker {
    /// Watches the clients from now on: if one of them has broken the protocol, the returned guard panics when it is
    /// dropped, and so fails the test, with everything that was wrong.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).be_kafka("2.8").start()?;
    /// let strict = broker.strict();
    /// // … clients do their work …
    /// assert!(strict.violations().is_empty());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn strict(&self) -> Strict {
        Strict { cluster: Arc::clone(&self.cluster), from: self.cluster.violations.next() }
    }
}

impl Strict {
    /// What clients have done since, the last thousand of it.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.cluster.violations.since(self.from)
    }

    /// Ends it, and lets everything pass that it returns.
    #[must_use = "what is forgiven should be what a test expects"]
    pub fn forgive(mut self) -> Vec<Violation> {
        let violations = self.violations();
        self.from = u64::MAX;
        violations
    }
}

impl fmt::Debug for Strict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strict").field("violations", &self.violations()).finish_non_exhaustive()
    }
}

impl Drop for Strict {
    /// # Panics
    ///
    /// If a client has broken the protocol, unless the thread panics already.
    fn drop(&mut self) {
        let violations = self.violations();
        if violations.is_empty() || std::thread::panicking() {
            return;
        }
        let all: Vec<_> = violations.iter().map(ToString::to_string).collect();
        panic!("clients have broken the protocol:\n  {}", all.join("\n  "));
    }
}
