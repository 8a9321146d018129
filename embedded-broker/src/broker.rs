//! The broker as its user sees it: start, address, stop.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::clock::{Clock, ManualClock};
use crate::cluster::{Cluster, Endpoint, Node};
use crate::coordinator::TimerKey;
use crate::error::{Error, ErrorCode};
use crate::fault::api_name::Api;
use crate::groups::Groups;
use crate::inspect::group::ConsumerGroup;
use crate::inspect::transactions::TransactionsView;
use crate::security::acl::settings::STANDARD_AUTHORIZER;
use crate::security::listeners::{self, ListenerSpec, builder::Listener};
use crate::security::settings::{ListenerSettings, SecuritySettings};
use crate::server::{self, Door, Server};
use crate::settings::BrokerSettings;
use crate::telemetry::PushedMetrics;
use crate::topic::NewTopic;
use crate::topic_view::TopicView;
use crate::transactions;
use crate::upkeep;

/// As in Kafka's CreateTopics: as many as `num.partitions` says.
const DEFAULT_PARTITIONS: i32 = -1;

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
    /// The name of each listener and where it listens.
    addresses: Vec<(Arc<str>, String)>,
    servers: Vec<Server>,
    timer: Option<JoinHandle<()>>,
}

const FLUSH_MESSAGES: &str = "log.flush.interval.messages";
const FLUSH_MS: &str = "log.flush.interval.ms";

/// How soon the disk has to confirm what a broker with a data directory acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flush {
    /// Not at all: the system writes when it likes. A broker that is killed loses nothing, a machine without power may.
    #[default]
    Never,
    /// With the first batch after this time; what was acknowledged before that may be lost with the machine's power.
    Interval(Duration),
    /// Before it is acknowledged.
    Always,
}

/// What an [`EmbeddedBroker`] starts with.
#[derive(Default)]
#[must_use = "a builder does nothing until it is started"]
pub struct EmbeddedBrokerBuilder {
    port: Option<u16>,
    listeners: Vec<Listener>,
    topics: Vec<(String, i32)>,
    configs: BTreeMap<String, String>,
    users: Vec<(String, String)>,
    clock: Option<Clock>,
    data_dir: Option<PathBuf>,
    receives_client_metrics: bool,
    pub(crate) fault_seed: u64,
    pub(crate) release: Option<String>,
    pub(crate) version_ceilings: Vec<(Api, i16)>,
}

impl EmbeddedBroker {
    /// A builder with the defaults: a port the system chooses, no topics, Kafka's broker configs except
    /// `group.initial.rebalance.delay.ms` and `connection.failed.authentication.delay.ms`, which are 0 instead of 3 s and
    /// 100 ms.
    pub fn builder() -> EmbeddedBrokerBuilder {
        EmbeddedBrokerBuilder::default()
    }

    /// What clients connect to: `127.0.0.1:PORT`, the address of the first listener.
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
        self.cluster.close();
    }
}

/// Without the values of configs and passwords.
impl fmt::Debug for EmbeddedBrokerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedBrokerBuilder")
            .field("listeners", &self.listeners)
            .field("topics", &self.topics)
            .field("configs", &self.configs.keys())
            .finish_non_exhaustive()
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl EmbeddedBrokerBuilder {
    /// Listens on this port of the loopback interface, in plain text, instead of one the system chooses.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Adds a listener. The first one takes the place of the one that a broker has by itself.
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Makes a topic before the first client connects, unless a data directory has it; with -1 partitions it has as many as
    /// `num.partitions` says.
    pub fn topic(mut self, name: impl Into<String>, partitions: i32) -> Self {
        self.topics.push((name.into(), partitions));
        self
    }

    /// Sets a broker config by Kafka's name, such as `num.partitions` or `auto.create.topics.enable`. Whatever a
    /// `server.properties` may hold is taken; what has no meaning here is [named](EmbeddedBroker::ignored_configs) and
    /// logged once, and an unknown name keeps the broker from starting.
    #[expect(clippy::needless_pass_by_value, reason = "a number or a bool is written without ceremony")]
    pub fn config(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.configs.insert(key.into(), value.to_string());
        self
    }

    /// Tells clients that they may push their metrics (KIP-714), as a Kafka with a telemetry plugin does; those that know
    /// how will do it. [`EmbeddedBroker::pushed_metrics`] has what they pushed.
    pub fn receive_client_metrics(mut self) -> Self {
        self.receives_client_metrics = true;
        self
    }

    /// Lets a user in with this password, by PLAIN and by SCRAM, wherever a listener asks for a login.
    ///
    /// ```
    /// use embedded_broker::{EmbeddedBroker, Listener};
    ///
    /// let broker = EmbeddedBroker::builder()
    ///     .listener(Listener::sasl_plaintext())
    ///     .user("alice", "alice-secret")
    ///     .start()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.users.push((name.into(), password.into()));
        self
    }

    /// Has every request checked against ACLs, as Kafka's `StandardAuthorizer` does, and lets this user do anything.
    ///
    /// Others may do nothing until somebody makes ACLs for them, and those who do not log in are `ANONYMOUS`.
    ///
    /// ```
    /// use embedded_broker::{EmbeddedBroker, Listener};
    ///
    /// let broker = EmbeddedBroker::builder()
    ///     .listener(Listener::sasl_plaintext())
    ///     .user("admin", "admin-secret")
    ///     .super_user("admin")
    ///     .start()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn super_user(mut self, name: impl AsRef<str>) -> Self {
        self.configs.insert("authorizer.class.name".to_owned(), STANDARD_AUTHORIZER.to_owned());
        let users = self.configs.entry("super.users".to_owned()).or_default();
        if !users.is_empty() {
            users.push(';');
        }
        users.push_str("User:");
        users.push_str(name.as_ref());
        self
    }

    /// Sets several broker configs, as [`config`](Self::config) does.
    pub fn configs<K: Into<String>, V: Into<String>>(mut self, configs: impl IntoIterator<Item = (K, V)>) -> Self {
        self.configs.extend(configs.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Keeps everything in this directory, and begins with what is there: segments in Kafka's own files, and one log of
    /// topics, configs, groups and transactions. Without it everything is in memory and no file is touched.
    ///
    /// What was acknowledged survives a broker that is killed; a machine that loses its power only with
    /// [`flush`](Self::flush). Records are held in memory as well. One broker can have the directory at a time.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// # let dir = tempfile::tempdir()?;
    /// let broker = EmbeddedBroker::builder().data_dir(dir.path()).topic("orders", 3).start()?;
    /// broker.stop();
    /// let broker = EmbeddedBroker::builder().data_dir(dir.path()).start()?;
    /// assert_eq!(broker.topic("orders").end_offsets()?.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// How soon the disk has to confirm what is acknowledged, with a [data directory](Self::data_dir); by default never, as
    /// Kafka, which leaves it to the system and to replicas. Sets Kafka's `log.flush.interval.messages` and
    /// `log.flush.interval.ms`.
    pub fn flush(mut self, flush: Flush) -> Self {
        for key in [FLUSH_MESSAGES, FLUSH_MS] {
            self.configs.remove(key);
        }
        match flush {
            Flush::Never => self,
            Flush::Interval(interval) => self.config(FLUSH_MS, interval.as_millis()),
            Flush::Always => self.config(FLUSH_MESSAGES, 1),
        }
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
    /// If a port is taken, a config or topic is not valid, or a thread cannot be started.
    pub fn start(mut self) -> Result<EmbeddedBroker, Error> {
        listeners::builder::write(&self.listeners, &mut self.configs)?;
        let mut settings = BrokerSettings::resolve(&self.configs)?;
        if let Some(port) = self.port {
            if self.configs.contains_key("listeners") {
                let why = "`port` is of the listener that a broker has by itself, and there are others: leave it out";
                return Err(Error::with_code(ErrorCode::InvalidConfig, why));
            }
            settings.security = SecuritySettings::on_loopback(port);
        }
        settings.receives_client_metrics = self.receives_client_metrics;
        settings.fault_seed = self.fault_seed;
        settings.ceilings = self.ceilings()?;
        if !settings.ignored.is_empty() {
            tracing::info!(
                configs = settings.ignored.join(", "),
                "broker configs that have no meaning here are ignored"
            );
        }
        settings.security.add_users(&self.users);
        let bound = settings.security.listeners.iter().map(bind).collect::<Result<Vec<_>, Error>>()?;
        let node_id = settings.node_id;
        let node = Node { id: node_id, rack: None, endpoints: bound.iter().filter_map(Bound::endpoint).collect() };
        let clock = self.clock.unwrap_or_else(Clock::real);
        let cluster = Arc::new(match &self.data_dir {
            Some(path) => Cluster::open(clock, settings, vec![node], path)?,
            None => Cluster::new(clock, settings, vec![node]),
        });
        Groups::schedule_expiry(&cluster);
        cluster.add_scram_users(&self.users);
        let kept = cluster.topics();
        for (name, partitions) in self.topics {
            if kept.by_name(&name).is_none() {
                cluster.create_topic(new_topic(&cluster, name, partitions)?)?;
            }
        }
        let no_thread = |error| Error::io("cannot start a thread of the broker", error);
        let mut broker =
            EmbeddedBroker { cluster: Arc::clone(&cluster), addresses: Vec::new(), servers: Vec::new(), timer: None };
        for bound in bound {
            let name = Arc::clone(&bound.listener.spec.name);
            broker.addresses.push((name, bound.reachable_at()));
            let door = Door { node_id, listener: bound.listener, cluster: Arc::clone(&cluster) };
            broker.servers.push(Server::start(bound.socket, door).map_err(no_thread)?);
        }
        transactions::start(&cluster);
        upkeep::start(&cluster);
        let run_timers = move || cluster.timers.run(|key| fire(&cluster, &key));
        let timer = Builder::new().name("kafka-timer".to_owned()).stack_size(1 << 20).spawn(run_timers);
        broker.timer = Some(timer.map_err(no_thread)?);
        Ok(broker)
    }
}

/// A listener that has its port.
struct Bound {
    listener: ListenerSettings,
    socket: TcpListener,
    address: SocketAddr,
}

fn bind(listener: &ListenerSettings) -> Result<Bound, Error> {
    let ListenerSpec { host, port, .. } = &listener.spec;
    let no_socket = |error| Error::io(format!("cannot listen on {host}:{port}"), error);
    let socket = server::bind(host, *port).map_err(no_socket)?;
    let address = socket.local_addr().map_err(|error| Error::io("cannot read the address", error))?;
    Ok(Bound { listener: listener.clone(), socket, address })
}

impl Bound {
    /// Where a client on this machine finds it, by the name that was said: a certificate may be for that name.
    fn reachable_at(&self) -> String {
        let host = &self.listener.spec.host;
        if self.address.ip().is_unspecified() {
            format!("localhost:{}", self.address.port())
        } else if host.parse::<IpAddr>().is_ok() {
            self.address.to_string()
        } else {
            format!("{host}:{}", self.address.port())
        }
    }

    /// What clients are told, with the port that the system chose where none was said.
    fn endpoint(&self) -> Option<Endpoint> {
        let spec = &self.listener.spec;
        let told = spec.advertised.as_ref()?;
        Some(Endpoint {
            listener: Arc::clone(&spec.name),
            host: Some(told.host.clone()).filter(|host| !host.is_empty()),
            port: if told.port == 0 { self.address.port() } else { told.port },
        })
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
    let partitions = if partitions == DEFAULT_PARTITIONS { cluster.settings.num_partitions } else { partitions };
    if partitions < 1 {
        let message = format!("topic {name} must have at least 1 partition, not {partitions}");
        return Err(Error::with_code(ErrorCode::InvalidPartitions, message));
    }
    let replicas = cluster.place(partitions, cluster.settings.default_replication_factor)?;
    Ok(NewTopic { name, replicas, configs: BTreeMap::new() })
}
