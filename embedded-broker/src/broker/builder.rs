//! What a broker starts with, and its start.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use crate::api;
use crate::ceilings::Ceilings;
use crate::clock::{Clock, ManualClock};
use crate::cluster::{Cluster, Node};
use crate::error::{Error, ErrorCode};
use crate::fault::api_name::Api;
use crate::groups::Groups;
use crate::security::acl::settings::STANDARD_AUTHORIZER;
use crate::security::listeners::{self, builder::Listener};
use crate::security::settings::SecuritySettings;
use crate::settings::BrokerSettings;
use crate::transactions;
use crate::upkeep;

use super::listening::Listening;
use super::nodes::{Machine, Machines};
use super::{EmbeddedBroker, fire, new_topic};

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
    brokers: Option<u16>,
    racks: Vec<String>,
    coordinator_load_time: Duration,
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

impl EmbeddedBrokerBuilder {
    /// Listens on this port of the loopback interface, in plain text, instead of one the system chooses.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Starts a cluster of so many nodes instead of one, each with its own address; `node.id` is that of the first one (1), and
    /// the others count on from there. What clients see of one node is what they see of a Kafka of as many brokers: leaders,
    /// replicas, coordinators and a controller that are here and there, and that move when a node is
    /// [stopped](EmbeddedBroker::stop_node).
    ///
    /// A [port](Self::port) that is said is the first node's, and the others have those behind it. As in Kafka, topics have one
    /// replica each unless `default.replication.factor`, or whoever makes them, says otherwise.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// assert_eq!(broker.bootstrap_servers().split(',').count(), 3);
    /// broker.stop_node(2)?;
    /// broker.restart(2)?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn brokers(mut self, brokers: u16) -> Self {
        self.brokers = Some(brokers);
        self
    }

    /// Where the nodes stand, in their order, as `broker.rack` says it for one; if there are more nodes than racks, the racks are
    /// taken in turn. With a rack, replicas are spread over racks, and consumers may read from a replica nearby.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().brokers(4).racks(["left", "right"]).start()?;
    /// assert_eq!(broker.node(4)?.rack().as_deref(), Some("right"));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn racks(mut self, racks: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.racks = racks.into_iter().map(Into::into).collect();
        self
    }

    /// How long a node that takes over groups or transactional ids from another reads what it has to know of them, by the
    /// broker's clock; by default no time. Meanwhile clients are told `COORDINATOR_LOAD_IN_PROGRESS`, as by a Kafka with a long
    /// `__consumer_offsets`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).coordinator_load_time(Duration::from_millis(300)).start()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn coordinator_load_time(mut self, time: Duration) -> Self {
        self.coordinator_load_time = time;
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

    /// Lets a user in with this password, by PLAIN and by SCRAM, wherever a listener asks for a login. A SCRAM credential that
    /// a client has stored for the user, and that a [data directory](Self::data_dir) has kept, is left as it is.
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
    /// topics, configs, groups, transactions, quotas, credentials and ACLs. Without it everything is in memory and no
    /// file is touched.
    ///
    /// Of several [nodes](Self::brokers) each has a directory below it, `node-1` and so on, as a Kafka broker has it: with the
    /// logs of its own replicas, each as far as that replica has it. What the nodes share lies beside them, once: it is one
    /// state of one process, which stands for what Kafka's controllers keep. A cluster that starts again has the leaders and
    /// the replicas in sync that it had; if of the logs in sync one is shorter than it was, or a node's whole directory is
    /// gone, the others have it, and what only that one had is gone and logged as an error. The files of a node that is down
    /// are left alone until it is [back](EmbeddedBroker::restart).
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
        settings.coordinator_load_time = self.coordinator_load_time;
        settings.ceilings = ceilings(self.release.as_deref(), &self.version_ceilings)?;
        if !settings.ignored.is_empty() {
            tracing::info!(
                configs = settings.ignored.join(", "),
                "broker configs that have no meaning here are ignored"
            );
        }
        settings.security.add_users(&self.users);
        let machines = machines(self.brokers.unwrap_or(1), &settings)?;
        let nodes = nodes(&machines, &settings, &self.racks);
        let clock = self.clock.unwrap_or_else(Clock::real);
        let cluster = Arc::new(match &self.data_dir {
            Some(path) => Cluster::open(clock, settings, nodes, path)?,
            None => Cluster::new(clock, settings, nodes),
        });
        Groups::schedule_expiry(&cluster);
        cluster.add_scram_users(&self.users);
        let kept = cluster.topics();
        cluster.change_topics(|topics| {
            self.topics.into_iter().filter(|(name, _)| kept.by_name(name).is_none()).try_for_each(
                |(name, partitions)| {
                    let new = new_topic(&cluster, topics, name, partitions)?;
                    cluster.add_topic(topics, new).map(drop)
                },
            )
        })?;
        let no_thread = |error| Error::io("cannot start a thread of the broker", error);
        let machines = Arc::new(Machines::new(machines));
        let addresses = machines.addresses();
        let of_timer = Arc::clone(&machines);
        let mut broker = EmbeddedBroker { cluster: Arc::clone(&cluster), addresses, machines, timer: None };
        broker.machines.start(&cluster).map_err(no_thread)?;
        transactions::start(&cluster);
        upkeep::start(&cluster);
        cluster.schedule_balance();
        let run_timers = move || cluster.timers.run(|key| fire(&cluster, &of_timer, &key));
        let timer = Builder::new().name("kafka-timer".to_owned()).stack_size(1 << 20).spawn(run_timers);
        broker.timer = Some(timer.map_err(no_thread)?);
        Ok(broker)
    }
}

/// The nodes of a cluster, with their ports.
fn machines(brokers: u16, settings: &BrokerSettings) -> Result<Vec<Machine>, Error> {
    if brokers == 0 {
        return Err(Error::with_code(ErrorCode::InvalidConfig, "a cluster must have at least 1 broker"));
    }
    let listeners = &settings.security.listeners;
    let ports_of_one = u16::try_from(listeners.len()).unwrap_or(u16::MAX);
    let machine = |index: u16| {
        let ports_before = index.saturating_mul(ports_of_one);
        let listeners = listeners.iter().map(|listener| Listening::bind(listener.clone(), ports_before));
        let id = settings.node_id.checked_add(i32::from(index));
        let id =
            id.ok_or_else(|| Error::with_code(ErrorCode::InvalidConfig, "node.id leaves no ids for more nodes"))?;
        Ok(Machine { id, listeners: listeners.collect::<Result<_, Error>>()? })
    };
    (0..brokers).map(machine).collect()
}

/// What clients are told of them.
fn nodes(machines: &[Machine], settings: &BrokerSettings, racks: &[String]) -> Vec<Node> {
    let racks = racks.iter().map(Some).cycle().take(machines.len()).chain(std::iter::repeat(settings.rack.as_ref()));
    let node = |(machine, rack): (&Machine, Option<&String>)| Node {
        id: machine.id,
        rack: rack.cloned(),
        endpoints: machine.listeners.iter().filter_map(Listening::endpoint).collect(),
    };
    machines.iter().zip(racks).map(node).collect()
}

/// Up to which versions a broker serves that passes for a release, if any, and has these ceilings of its own.
fn ceilings(release: Option<&str>, own: &[(Api, i16)]) -> Result<Ceilings, Error> {
    let mut ceilings = release.map_or_else(|| Ok(Ceilings::default()), Ceilings::of_release)?;
    for &(api, version) in own {
        let is_none = version == -1;
        if api::api(api.key()).is_none_or(|row| !is_none && !row.serves(version, &Ceilings::default())) {
            let message = format!("version_ceiling({api:?}, {version}): this version is not served");
            return Err(Error::with_code(ErrorCode::InvalidConfig, message));
        }
        ceilings.lower(api, version);
    }
    Ok(ceilings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_is_not_served_anyway_cannot_be_a_ceiling() {
        let refused = ceilings(None, &[(Api::Produce, 2)]).unwrap_err();
        assert_eq!(refused.to_string(), "version_ceiling(Produce, 2): this version is not served");
    }

    #[test]
    fn a_request_can_be_served_not_at_all() {
        let none = ceilings(None, &[(Api::OffsetForLeaderEpoch, -1)]).unwrap();
        let row = api::api(Api::OffsetForLeaderEpoch.key()).unwrap();
        assert!(!(-1..=i16::MAX).any(|version| row.serves(version, &none)));
    }

    #[test]
    fn a_release_can_be_lowered_and_not_raised() {
        let lowered = ceilings(Some("2.8"), &[(Api::Fetch, 11), (Api::Produce, 13)]).unwrap();
        assert_eq!((lowered.of(Api::Fetch.key()), lowered.of(Api::Produce.key())), (11, 9));
    }
}
