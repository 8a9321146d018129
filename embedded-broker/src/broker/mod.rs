//! The broker as its user sees it: address, topics, groups, stop. How it is started is in `builder.rs`.

mod builder;
mod listening;
mod nodes;
mod replicas;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{Clock, ManualClock};
use crate::cluster::Cluster;
use crate::coordinator::TimerKey;
use crate::error::{Error, ErrorCode};
use crate::inspect::group::ConsumerGroup;
use crate::inspect::topic::TopicView;
use crate::inspect::transactions::TransactionsView;
use crate::internal_topics::is_internal;
use crate::telemetry::PushedMetrics;
use crate::topic::{NewTopic, Topics};

pub use builder::{EmbeddedBrokerBuilder, Flush};
use nodes::Machines;
pub use nodes::{ControllerView, Isolated, NodeView};
pub use replicas::{FrozenHighWatermark, Lagging};

/// As in Kafka's CreateTopics: as many as `num.partitions` says.
const DEFAULT_PARTITIONS: i32 = -1;
/// How long [`EmbeddedBroker::ready`] waits.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// A Kafka broker inside this process, on a real TCP port of the loopback interface.
///
/// It has threads of its own, so a test that blocks cannot stall it, and it needs no async runtime. Everything it holds is
/// in memory and gone with it, unless it has a [data directory](EmbeddedBrokerBuilder::data_dir). Dropping it closes all
/// connections at once and ends its threads.
///
/// ```
/// use embedded_broker::EmbeddedBroker;
///
/// let broker = EmbeddedBroker::builder().topic("orders", 3).start()?;
/// assert!(broker.bootstrap_servers().starts_with("127.0.0.1:"));
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[derive(Debug)]
pub struct EmbeddedBroker {
    pub(crate) cluster: Arc<Cluster>,
    /// The name of each listener and where it listens, on every node.
    addresses: Vec<(Arc<str>, String)>,
    machines: Arc<Machines>,
    timer: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// A builder with the defaults: a port the system chooses, no topics, Kafka's broker configs except
    /// `group.initial.rebalance.delay.ms`, which is 0 instead of 3 s.
    pub fn builder() -> EmbeddedBrokerBuilder {
        EmbeddedBrokerBuilder::default()
    }

    /// What clients connect to: `127.0.0.1:PORT`, the address of the first listener. If there are several
    /// [nodes](EmbeddedBrokerBuilder::brokers), those of all of them, with commas between; also of those that are down.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        self.addresses.first().map_or("", |(_, address)| address)
    }

    /// What clients of this listener connect to, if there is one of this name; upper and lower case are the same.
    #[must_use]
    pub fn bootstrap_servers_of(&self, listener: &str) -> Option<&str> {
        let own = self.addresses.iter().find(|(name, _)| name.eq_ignore_ascii_case(listener));
        own.map(|(_, address)| address.as_str())
    }

    /// Every listener: its name and what its clients connect to.
    pub fn listeners(&self) -> impl Iterator<Item = (&str, &str)> {
        self.addresses.iter().map(|(name, address)| (&**name, address.as_str()))
    }

    /// Whether clients are served: every listener, of every node that is up, is asked for its versions, over a connection of
    /// its own; all have 10 s to answer. [`start`](EmbeddedBrokerBuilder::start) returns when that is so; this is for whoever
    /// wants to see it later, such as a health check.
    ///
    /// The question comes as that of any client (under the client id `embedded-broker-ready`): it is recorded, and faults
    /// strike it. A listener that wants certificates of clients answers by proving its own.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().start()?;
    /// broker.ready()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first listener that does not answer, and why: `RequestTimedOut` if it takes too long.
    pub fn ready(&self) -> Result<(), Error> {
        self.ready_within(READY_WITHIN)
    }

    /// As [`ready`](Self::ready), with another time for all listeners together: of the system's clock, whatever clock the
    /// broker runs on.
    ///
    /// ```
    /// use embedded_broker::{EmbeddedBroker, ErrorCode};
    /// use std::time::Duration;
    ///
    /// let broker = EmbeddedBroker::builder().start()?;
    /// let fault = broker.fault().silence();
    /// let late = broker.ready_within(Duration::from_millis(20)).unwrap_err();
    /// assert_eq!(late.code(), Some(ErrorCode::RequestTimedOut));
    /// drop(fault);
    /// broker.ready_within(Duration::from_secs(1))?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As there.
    pub fn ready_within(&self, patience: Duration) -> Result<(), Error> {
        let clock = Clock::real();
        self.machines.probed().iter().try_for_each(|listener| listener.ask(&clock, patience))
    }

    /// The hand of the clock that the broker runs on, where that is [one that tests move](EmbeddedBrokerBuilder::manual_clock).
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    /// use std::time::Duration;
    ///
    /// let (builder, _) = EmbeddedBroker::builder().manual_clock();
    /// let broker = builder.start()?;
    /// broker.clock()?.advance(Duration::from_secs(60));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The broker runs on the system's clock, which nobody moves.
    pub fn clock(&self) -> Result<ManualClock, Error> {
        let why = "the broker runs on the system's clock: start it with `EmbeddedBroker::builder().manual_clock()` to move its time";
        self.cluster.clock.hand().ok_or_else(|| Error::new(why))
    }

    /// A consumer group, to look at what it has committed and who is in it. It need not exist yet.
    pub fn group(&self, id: impl Into<String>) -> ConsumerGroup<'_> {
        ConsumerGroup::new(&self.cluster, id.into())
    }

    /// Drops the committed offsets whose time (`offsets.retention.minutes`) is over now, and the groups that are left with
    /// nothing, as Kafka does every `offsets.retention.check.interval.ms`.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// # use std::time::Duration;
    /// let (builder, clock) = EmbeddedBroker::builder().config("offsets.retention.minutes", 1).manual_clock();
    /// let broker = builder.start()?;
    /// clock.advance(Duration::from_secs(60));
    /// broker.expire_offsets_now();
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn expire_offsets_now(&self) {
        self.cluster.groups.expire_offsets(&self.cluster);
    }

    /// The transactional ids of the cluster, to look at where they stand and to hold their markers back.
    pub fn transactions(&self) -> TransactionsView<'_> {
        TransactionsView::new(&self.cluster)
    }

    /// A topic, to look at its records and to wait for them. It need not exist yet.
    #[must_use]
    pub fn topic(&self, name: impl Into<String>) -> TopicView {
        TopicView::new(Arc::clone(&self.cluster), name.into())
    }

    /// The names of all topics, in their order, without Kafka's own (`__consumer_offsets` and the like).
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 3).topic("invoices", 1).start()?;
    /// assert_eq!(broker.topics(), ["invoices", "orders"]);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use]
    pub fn topics(&self) -> Vec<String> {
        let topics = self.cluster.topics();
        topics.iter().map(|topic| &*topic.name).filter(|name| !is_internal(name)).map(str::to_owned).collect()
    }

    /// Configs that were set and that nothing here goes by: most mean nothing in one process (quorum voters, directories,
    /// threads). They are shown to clients that ask, as set.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().config("num.io.threads", 16).start()?;
    /// assert_eq!(broker.ignored_configs(), ["num.io.threads"]);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use]
    pub fn ignored_configs(&self) -> &[String] {
        &self.cluster.settings.ignored
    }

    /// The last metrics that clients pushed, the oldest first. Which clients push what, and how often, is what
    /// `kafka-client-metrics` or an admin client sets; without that they push nothing.
    #[must_use]
    pub fn pushed_metrics(&self) -> Vec<PushedMetrics> {
        self.cluster.telemetry.pushes()
    }

    /// Makes a topic, with the broker's defaults for everything but the number of partitions.
    ///
    /// # Errors
    ///
    /// If the name or number is not valid, or the topic exists.
    pub fn create_topic(&self, name: impl Into<String>, partitions: i32) -> Result<(), Error> {
        self.cluster.change_topics(|topics| {
            let new = new_topic(&self.cluster, topics, name.into(), partitions)?;
            self.cluster.add_topic(topics, new).map(drop)
        })
    }

    /// Closes every connection and ends every thread. Dropping the broker does the same.
    pub fn stop(self) {
        drop(self);
    }

    fn shut_down(&mut self) {
        self.cluster.stop();
        self.machines.end();
        if let Some(timer) = self.timer.take()
            && timer.join().is_err()
        {
            tracing::error!("the timer thread of the embedded broker has panicked");
        }
        self.cluster.close();
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Serves a deadline. A mistake of ours in one of them must not take all others with it.
fn fire(cluster: &Cluster, machines: &Machines, key: &TimerKey) {
    let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cluster.fire(key, machines)));
    if served.is_err() {
        tracing::error!(?key, "serving a deadline of the embedded broker has panicked");
    }
}

fn new_topic(cluster: &Cluster, topics: &Topics, name: String, partitions: i32) -> Result<NewTopic, Error> {
    let partitions = if partitions == DEFAULT_PARTITIONS { cluster.settings.num_partitions } else { partitions };
    if partitions < 1 {
        let message = format!("topic {name} must have at least 1 partition, not {partitions}");
        return Err(Error::with_code(ErrorCode::InvalidPartitions, message));
    }
    let replicas = cluster.place(topics, partitions, cluster.settings.default_replication_factor)?;
    Ok(NewTopic { name, replicas, configs: BTreeMap::new() })
}
