//! How a test sets a fault of requests.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::api_name::Api;
use super::guard::Fault;
use super::outcome::{Effect, InterceptedRequest, Outcome};
use super::rules::{Filter, Rule};
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
/// makes way for the next. So a row of faults with `times(1)` happens one after the other; [`in_turn`](Self::in_turn) says
/// such a row at once.
///
/// A fault can be for some of what a request asks about: a [`topic`](Self::topic), a [`partition`](Self::partition), a
/// [`group`](Self::group), a [`transactional_id`](Self::transactional_id). An error is then told of these alone, and the rest
/// of the request is served; whatever else happens, happens to the request as a whole.
///
/// ```
/// use embedded_broker::{Api, EmbeddedBroker, ErrorCode, Outcome};
///
/// # let broker = EmbeddedBroker::builder().topic("orders", 3).start()?;
/// // Partition 2 is not led from here for a while; the others are written and read.
/// let moving = broker.fault().topic("orders").partition(2).error(ErrorCode::NotLeaderOrFollower);
/// let shaky = broker.fault().on(Api::EndTxn).transactional_id("billing-0").in_turn([
///     Outcome::Error(ErrorCode::ConcurrentTransactions),
///     Outcome::DisconnectAfter,
/// ]);
/// # Ok::<(), embedded_broker::Error>(())
/// ```
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

    /// Only what requests ask of this topic, whether they name it or know its id. Metadata of all topics names none.
    pub fn topic(mut self, name: impl Into<String>) -> Self {
        self.filter.target.topic = Some(name.into());
        self
    }

    /// Only what requests ask of this partition, of the [topic](Self::topic) or of all.
    pub fn partition(mut self, index: i32) -> Self {
        self.filter.target.partition = Some(index);
        self
    }

    /// Only requests of this group, or what they ask of it.
    pub fn group(mut self, id: impl Into<String>) -> Self {
        self.filter.target.group = Some(id.into());
        self
    }

    /// Only requests of the producer with this `transactional.id`, or what they ask of it.
    pub fn transactional_id(mut self, id: impl Into<String>) -> Self {
        self.filter.target.transactional_id = Some(id.into());
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
        self.happens(Outcome::Error(code))
    }

    /// The request is served, but its answer says that it was not: a client that tries again does it twice.
    pub fn apply_then_error(self, code: ErrorCode) -> Fault {
        self.happens(Outcome::ApplyThenError(code))
    }

    /// The request, and what comes after it on its connection, is served after this time of the broker's clock.
    pub fn delay(self, by: Duration) -> Fault {
        self.happens(Outcome::Delay(by))
    }

    /// The request is not served, and its connection is closed.
    pub fn disconnect_before(self) -> Fault {
        self.happens(Outcome::DisconnectBefore)
    }

    /// The request is served, and its connection is closed before the answer: the client cannot know what became of it.
    pub fn disconnect_after(self) -> Fault {
        self.happens(Outcome::DisconnectAfter)
    }

    /// The request is not served, and nothing is answered on its connection any more, as by a broker that hangs. The
    /// connection stays open until the client closes it.
    pub fn silence(self) -> Fault {
        self.happens(Outcome::Silence)
    }

    /// The request is served, and nothing is answered on its connection any more. The connection stays open until the
    /// client closes it.
    pub fn silence_after(self) -> Fault {
        self.happens(Outcome::SilenceAfter)
    }

    /// The answer says (`throttle_time_ms`) that the client has used up its quota, and for so long nothing more is read
    /// from its connection. As in Kafka, a fetch that is held up brings no records.
    pub fn throttle(self, time: Duration) -> Fault {
        self.happens(Outcome::Throttle(time))
    }

    /// The records that a fetch brings do not match their checksums. Other requests are served as ever.
    pub fn corrupt_crc(mut self) -> Fault {
        self.filter.keys = vec![Api::Fetch.key()];
        self.happens(Outcome::CorruptCrc)
    }

    /// The body of the answer ends after so many bytes, though its length says that it is whole.
    pub fn truncate(self, len: usize) -> Fault {
        self.happens(Outcome::Truncate(len))
    }

    /// The answer says that it is one to another request.
    pub fn wrong_correlation_id(self) -> Fault {
        self.happens(Outcome::WrongCorrelationId)
    }

    /// The answer comes twice.
    pub fn duplicate(self) -> Fault {
        self.happens(Outcome::Duplicate)
    }

    /// What happens, by name.
    pub fn happens(self, outcome: Outcome) -> Fault {
        self.set(Effect::Always(outcome))
    }

    /// These happen one after the other, each to one request; then nothing more does.
    pub fn in_turn(self, outcomes: impl IntoIterator<Item = Outcome>) -> Fault {
        self.set(Effect::InTurn(outcomes.into_iter().collect()))
    }

    /// A function decides what becomes of each request, on the thread of its connection, before it is served. It may look
    /// at it and [pass](Outcome::Pass), and it may block: other connections go on. Should it panic, its connection ends.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use std::sync::Arc;
    /// use embedded_broker::{Api, EmbeddedBroker, ErrorCode, Outcome};
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let bytes = Arc::new(AtomicUsize::new(0));
    /// let sum = Arc::clone(&bytes);
    /// let full = broker.fault().on(Api::Produce).intercept(move |request| {
    ///     let before = sum.fetch_add(request.body.len(), Ordering::Relaxed);
    ///     if before < 1_000_000 { Outcome::Pass } else { Outcome::Error(ErrorCode::PolicyViolation) }
    /// });
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn intercept(self, decide: impl Fn(&InterceptedRequest<'_>) -> Outcome + Send + Sync + 'static) -> Fault {
        self.set(Effect::Intercept(Arc::new(decide)))
    }

    /// Requests are served, and a function makes another answer of the body of each true one, which is what follows the
    /// header. A produce with `acks=0` has none.
    ///
    /// ```
    /// use embedded_broker::{Api, EmbeddedBroker};
    ///
    /// let broker = EmbeddedBroker::builder().start()?;
    /// // Heartbeats are answered with a field that no client knows behind their end.
    /// let newer = broker.fault().on(Api::Heartbeat).rewrite(|_request, mut answer| {
    ///     answer.push(0);
    ///     answer
    /// });
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn rewrite(
        self,
        answer: impl Fn(&InterceptedRequest<'_>, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Fault {
        self.set(Effect::Rewrite(Arc::new(answer)))
    }

    fn set(self, effect: Effect) -> Fault {
        let Self { cluster, filter, skipped, times, probability } = self;
        let rule = Rule { filter, skipped, times, probability, effect };
        Fault::of_rule(cluster, rule)
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
