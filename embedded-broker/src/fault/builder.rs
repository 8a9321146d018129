//! How a test sets a fault, and the guard that ends it.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::api_name::Api;
use super::rules::{Filter, Outcome, Rule, RuleId};
use crate::cluster::Cluster;
use crate::error::ErrorCode;

/// A fault that is being described: first which requests it is for, then what happens to them.
///
/// What is not narrowed down is left open: without [`on`](Self::on) it is for every request, without
/// [`times`](Self::times) it happens again and again. The last call says what happens, and sets the fault:
///
/// ```
/// use std::time::Duration;
/// use embedded_broker::{Api, EmbeddedBroker, ErrorCode};
///
/// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
/// // The next two produce requests of this client fail, and nothing is written.
/// let refused = broker.fault().on(Api::Produce).client("checkout").times(2).error(ErrorCode::NotEnoughReplicas);
/// // Every tenth heartbeat or so is late.
/// let late = broker.fault().on(Api::Heartbeat).probability(0.1).delay(Duration::from_secs(5));
/// assert_eq!(refused.times_happened(), 0);
/// drop(late); // From here on heartbeats are served as they come.
/// # Ok::<(), embedded_broker::Error>(())
/// ```
///
/// If several faults are for a request, the one that was set first happens; one that has happened as often as it may
/// makes way for the next. So a row of faults with `times(1)` happens one after the other.
#[must_use = "nothing happens until the last call says what is to happen"]
pub struct FaultBuilder<'a> {
    cluster: &'a Arc<Cluster>,
    filter: Filter,
    skipped: u32,
    times: Option<u32>,
    probability: f64,
}

impl<'a> FaultBuilder<'a> {
    pub(crate) fn new(cluster: &'a Arc<Cluster>) -> Self {
        Self { cluster, filter: Filter::default(), skipped: 0, times: None, probability: 1.0 }
    }

    /// Only requests of this kind; call it again for further ones.
    pub fn on(mut self, api: Api) -> Self {
        self.filter.keys.push(api.key());
        self
    }

    /// Only requests of these versions.
    pub fn versions(mut self, versions: RangeInclusive<i16>) -> Self {
        self.filter.versions = Some(versions);
        self
    }

    /// Only requests of clients with this `client.id`.
    pub fn client(mut self, id: impl Into<String>) -> Self {
        self.filter.client_id = Some(id.into());
        self
    }

    /// Only requests to this node.
    pub fn node(mut self, id: i32) -> Self {
        self.filter.node_id = Some(id);
        self
    }

    /// Lets the first `n` of these requests through.
    pub fn after(mut self, n: u32) -> Self {
        self.skipped = n;
        self
    }

    /// Happens `n` times at most.
    pub fn times(mut self, n: u32) -> Self {
        self.times = Some(n);
        self
    }

    /// Happens by chance: 0.1 is once in ten requests. With the same
    /// [seed](crate::EmbeddedBrokerBuilder::fault_seed) it happens to the same ones in their order each time.
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// The request is not served; its answer has this code wherever clients look for it. A produce with `acks=0`, which
    /// has no answer, loses its connection, as in Kafka.
    pub fn error(self, code: ErrorCode) -> Fault {
        self.set(Outcome::Error(code))
    }

    /// The request is served, but its answer says that it was not: a client that tries again does it twice.
    pub fn apply_then_error(self, code: ErrorCode) -> Fault {
        self.set(Outcome::ApplyThenError(code))
    }

    /// The request, and what comes after it on its connection, is served after this time of the broker's clock.
    pub fn delay(self, by: Duration) -> Fault {
        self.set(Outcome::Delay(by))
    }

    /// The request is not served, and its connection is closed.
    pub fn disconnect_before(self) -> Fault {
        self.set(Outcome::DisconnectBefore)
    }

    /// The request is served, and its connection is closed before the answer: the client cannot know what became of it.
    pub fn disconnect_after(self) -> Fault {
        self.set(Outcome::DisconnectAfter)
    }

    /// The request is not served, and nothing is answered on its connection any more, as by a broker that hangs. The
    /// connection stays open until the client closes it.
    pub fn silence(self) -> Fault {
        self.set(Outcome::Silence)
    }

    /// The request is served, and nothing is answered on its connection any more. The connection stays open until the
    /// client closes it.
    pub fn silence_after(self) -> Fault {
        self.set(Outcome::SilenceAfter)
    }

    /// The answer says (`throttle_time_ms`) that the client has used up its quota, and for so long nothing more is read
    /// from its connection. As in Kafka, a fetch that is held up brings no records.
    pub fn throttle(self, time: Duration) -> Fault {
        self.set(Outcome::Throttle(time))
    }

    /// The records that a fetch brings do not match their checksums. Other requests are served as ever.
    pub fn corrupt_crc(mut self) -> Fault {
        self.filter.keys = vec![Api::Fetch.key()];
        self.set(Outcome::CorruptCrc)
    }

    fn set(self, outcome: Outcome) -> Fault {
        let Self { cluster, filter, skipped, times, probability } = self;
        let rule = Rule { filter, skipped, times, probability, outcome };
        Fault { cluster: Arc::clone(cluster), id: cluster.faults.add(rule) }
    }
}

impl fmt::Debug for FaultBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { filter, times, probability, .. } = self;
        f.debug_struct("FaultBuilder")
            .field("filter", filter)
            .field("times", times)
            .field("probability", probability)
            .finish_non_exhaustive()
    }
}

/// A fault that is set. It ends when this is dropped; what it has done to a request by then stays done.
#[must_use = "the fault ends as soon as this is dropped"]
pub struct Fault {
    cluster: Arc<Cluster>,
    id: RuleId,
}

impl Fault {
    /// How many requests it has happened to.
    #[must_use]
    pub fn times_happened(&self) -> u32 {
        self.cluster.faults.times_happened(self.id)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("times_happened", &self.times_happened()).finish_non_exhaustive()
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.cluster.faults.remove(self.id);
    }
}
