//! A small cluster that one thread drives.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::{Clock, Driver, Timestamp};
use crate::cluster::{Cluster, Endpoint, Node, WithoutSockets};
use crate::groups::Groups;
use crate::security::settings::ListenerSettings;
use crate::settings::BrokerSettings;
use crate::state::TopicFacts;
use crate::{transactions, upkeep};

/// Some day in 2023: the same every time.
const STARTED_AT_MS: i64 = 1_700_000_000_000;
/// What is done again and again is done seldom: a request may wait for weeks, and they pass in no time.
const SELDOM_MS: &str = "86400000";

type TopicConfigs = &'static [(&'static str, &'static str)];

/// The name, the id, the number of partitions and the configs of each topic; ids are known, so that requests can name them.
const TOPICS: [(&str, u128, usize, TopicConfigs); 2] =
    [("t", 1, 2, &[]), ("c", 2, 1, &[("cleanup.policy", "compact,delete"), ("segment.bytes", "1048576")])];

/// A cluster of one node with two topics, a listener for everybody and one for those who log in.
#[derive(Debug)]
pub(super) struct World {
    pub(super) cluster: Arc<Cluster>,
}

impl World {
    pub(super) fn new() -> Self {
        let (clock, settings, node) = surroundings();
        let world = Self::of(Cluster::new(clock, settings, vec![node]));
        for (name, id, partitions, configs) in TOPICS {
            world.add_topic(name, id, partitions, configs);
        }
        world
    }

    /// The cluster that a directory holds, if it can be opened.
    pub(super) fn open(dir: &Path) -> Option<Self> {
        let (clock, settings, node) = surroundings();
        Cluster::open(clock, settings, vec![node], dir).ok().map(Self::of)
    }

    fn of(cluster: Cluster) -> Self {
        let cluster = Arc::new(cluster);
        let driver: Arc<dyn Driver> = Arc::<Cluster>::clone(&cluster);
        cluster.clock.drive_by(Arc::downgrade(&driver));
        Groups::schedule_expiry(&cluster);
        transactions::start(&cluster);
        upkeep::start(&cluster);
        Self { cluster }
    }

    fn add_topic(&self, name: &str, id: u128, partitions: usize, configs: &[(&str, &str)]) {
        let facts = topic_facts(name, id, partitions, configs);
        let log_config = self.cluster.log_config(&facts.configs).expect("its configs are legal");
        let added = self.cluster.change_topics(|topics| Ok(topics.insert(self.cluster.new_topic(facts, &log_config)?)));
        added.expect("a topic in memory can be made");
    }

    pub(super) fn listeners(&self) -> &[ListenerSettings] {
        &self.cluster.settings.security.listeners
    }
}

/// What the state log says of a topic on this node.
pub(super) fn topic_facts(name: &str, id: u128, partitions: usize, configs: &[(&str, &str)]) -> TopicFacts {
    let configs = configs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    let (name, replicas) = (Arc::from(name), vec![vec![1]; partitions]);
    TopicFacts { id: Uuid::from_u128(id), name, replicas, moving: BTreeMap::new(), configs }
}

fn surroundings() -> (Clock, BrokerSettings, Node) {
    let configs = [
        ("listeners", "PLAINTEXT://127.0.0.1:9092,SASL_PLAINTEXT://127.0.0.1:9093"),
        ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,OAUTHBEARER"),
        ("log.cleaner.backoff.ms", SELDOM_MS),
        ("log.retention.check.interval.ms", SELDOM_MS),
        ("offsets.retention.check.interval.ms", SELDOM_MS),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "3600000"),
    ];
    let configs: BTreeMap<_, _> = configs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let mut settings = BrokerSettings::resolve(&configs).expect("the configs are legal");
    settings.security.add_users(&[("alice".to_owned(), "secret".to_owned())]);
    let endpoints = settings.security.listeners.iter().map(|listener| Endpoint {
        listener: Arc::clone(&listener.spec.name),
        host: Some("127.0.0.1".to_owned()),
        port: listener.spec.port,
    });
    let node = Node { id: settings.node_id, rack: None, endpoints: endpoints.collect() };
    (Clock::manual(STARTED_AT_MS).0, settings, node)
}

impl Driver for Cluster {
    fn pass_time(&self, deadline: Option<Timestamp>) {
        let mut served = false;
        let next = self.timers.run_due(|key| {
            served = true;
            self.fire(&key, &WithoutSockets);
        });
        if !served {
            let next = [next, deadline].into_iter().flatten().min();
            self.clock.pass_until(next.expect("what somebody waits for comes by a deadline"));
        }
    }
}
