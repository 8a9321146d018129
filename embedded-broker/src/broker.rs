//! The broker as its user sees it: start, address, stop.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use crate::clock::{Clock, ManualClock};
use crate::cluster::{Cluster, Node};
use crate::coordinator::TimerKey;
use crate::error::{Error, ErrorCode};
use crate::inspect::group::ConsumerGroup;
use crate::server::Server;
use crate::settings::BrokerSettings;
use crate::topic::NewTopic;
use crate::topic_view::TopicView;

/// A Kafka broker inside this process, on a real TCP port of the loopback interface.
///
/// It has threads of its own, so a test that blocks cannot stall it, and it needs no async runtime. Everything it holds is
/// in memory and gone with it. Dropping it closes all connections at once and ends its threads.
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
    bootstrap_servers: String,
    servers: Vec<Server>,
    timer: Option<JoinHandle<()>>,
}

/// What an [`EmbeddedBroker`] starts with.
#[derive(Debug, Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct EmbeddedBrokerBuilder {
    port: u16,
    topics: Vec<(String, i32)>,
    configs: BTreeMap<String, String>,
    clock: Option<Clock>,
}

impl EmbeddedBroker {
    /// A builder with the defaults: a port the system chooses, no topics, Kafka's broker configs except
    /// `group.initial.rebalance.delay.ms`, which is 0 instead of 3 s.
    pub fn builder() -> EmbeddedBrokerBuilder {
        EmbeddedBrokerBuilder::default()
    }

    /// What clients connect to: `127.0.0.1:PORT`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// A consumer group, to look at what it has committed and who is in it. It need not exist yet.
    pub fn group(&self, id: impl Into<String>) -> ConsumerGroup<'_> {
        ConsumerGroup::new(&self.cluster, id.into())
    }

    /// A topic, to look at its records and to wait for them. It need not exist yet.
    #[must_use]
    pub fn topic(&self, name: impl Into<String>) -> TopicView {
        TopicView::new(Arc::clone(&self.cluster), name.into())
    }

    /// Makes a topic, with the broker's defaults for everything but the number of partitions.
    ///
    /// # Errors
    ///
    /// If the name or number is not valid, or the topic exists.
    pub fn create_topic(&self, name: impl Into<String>, partitions: i32) -> Result<(), Error> {
        self.cluster.create_topic(new_topic(&self.cluster, name.into(), partitions)?).map(drop)
    }

    /// Closes every connection and ends every thread. Dropping the broker does the same.
    pub fn stop(self) {
        drop(self);
    }

    fn shut_down(&mut self) {
        self.cluster.stop();
        self.servers.iter_mut().for_each(Server::stop);
        if let Some(timer) = self.timer.take()
            && timer.join().is_err()
        {
            tracing::error!("the timer thread of the embedded broker has panicked");
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl EmbeddedBrokerBuilder {
    /// Listens on this port instead of one the system chooses.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Makes a topic before the first client connects.
    pub fn topic(mut self, name: impl Into<String>, partitions: i32) -> Self {
        self.topics.push((name.into(), partitions));
        self
    }

    /// Sets a broker config by Kafka's name, such as `num.partitions` or `auto.create.topics.enable`.
    #[expect(clippy::needless_pass_by_value, reason = "a number or a bool is written without ceremony")]
    pub fn config(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.configs.insert(key.into(), value.to_string());
        self
    }

    /// Runs the broker on a clock that stands still until the test moves it.
    pub fn manual_clock(mut self) -> (Self, ManualClock) {
        // Some day in 2023: tests that print timestamps are the same every day.
        let (clock, hand) = Clock::manual(1_700_000_000_000);
        self.clock = Some(clock);
        (self, hand)
    }

    /// Starts the broker; it serves clients when this returns.
    ///
    /// # Errors
    ///
    /// If the port is taken, a config or topic is not valid, or a thread cannot be started.
    pub fn start(self) -> Result<EmbeddedBroker, Error> {
        let settings = BrokerSettings::resolve(&self.configs)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))
            .map_err(|error| Error::io(format!("cannot listen on 127.0.0.1:{}", self.port), error))?;
        let address = listener.local_addr().map_err(|error| Error::io("cannot read the address", error))?;
        let node = Node { id: 1, host: address.ip().to_string(), port: address.port(), rack: None };
        let cluster = Arc::new(Cluster::new(self.clock.unwrap_or_else(Clock::real), settings, vec![node]));
        for (name, partitions) in self.topics {
            cluster.create_topic(new_topic(&cluster, name, partitions)?)?;
        }
        let no_thread = |error| Error::io("cannot start a thread of the broker", error);
        let server = Server::start(listener, 1, Arc::clone(&cluster)).map_err(no_thread)?;
        let mut broker = EmbeddedBroker {
            cluster: Arc::clone(&cluster),
            bootstrap_servers: address.to_string(),
            servers: vec![server],
            timer: None,
        };
        let run_timers = move || cluster.timers.run(|key| fire(&cluster, &key));
        let timer = Builder::new().name("kafka-timer".to_owned()).stack_size(256 << 10).spawn(run_timers);
        broker.timer = Some(timer.map_err(no_thread)?);
        Ok(broker)
    }
}

/// Serves a deadline. A mistake of ours in one of them must not take all others with it.
fn fire(cluster: &Cluster, key: &TimerKey) {
    let served = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cluster.fire(key)));
    if served.is_err() {
        tracing::error!(?key, "serving a deadline of the embedded broker has panicked");
    }
}

fn new_topic(cluster: &Cluster, name: String, partitions: i32) -> Result<NewTopic, Error> {
    if partitions < 1 {
        let message = format!("topic {name} must have at least 1 partition, not {partitions}");
        return Err(Error::with_code(ErrorCode::InvalidPartitions, message));
    }
    let replicas = cluster.place(partitions, cluster.settings.default_replication_factor)?;
    Ok(NewTopic { name, replicas, configs: BTreeMap::new() })
}
