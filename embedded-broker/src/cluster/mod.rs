//! What all nodes of one embedded cluster share, and the only place that changes it.
//!
//! Locks, always taken in this order, none of them held while bytes are checked, copied from a socket or sent:
//!
//! 1. `changes` (who changes the set of topics, or the nodes; one at a time), 2. the moves of coordinators (one at a time),
//!    3. `topics` (the picture of all topics; only to copy or replace its `Arc`), 4. a transactional id, 5. a group of the
//!    coordinator, 6. a [`Partition`](crate::partition::Partition), 7. the list of decided transactions, 8. `timers`, 9. a
//!    [`Waiter`].
//!
//! A transactional id is locked with a group only while offsets are staged in it. Markers are written with neither lock
//! held, one partition after the other.
//!
//! The locks of nodes, lags, old pictures, of who coordinates what, of configs, features, quotas, connections,
//! telemetry, faults and recorded requests are the innermost: held for a look-up, or to replace what they guard, and
//! nothing else is taken under them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::clock::{Clock, Waiter};
use crate::config::layers::BrokerLayers;
use crate::connections::{ConnectionLimits, Connections};
use crate::coordinator::TimerKey;
use crate::coordinator::group::config::GroupConfig;
use crate::fault::Faults;
use crate::features::Features;
use crate::fetch_session::FetchSessions;
use crate::groups::Groups;
use crate::kafka_id::kafka_id;
use crate::loggers::Loggers;
use crate::open_connections::OpenConnections;
use crate::per_node::PerNode;
use crate::quotas::Quotas;
use crate::recorder::Recorder;
use crate::security::acl::authorizer::Authorizer;
use crate::security::sasl::scram::credentials::ScramCredentials;
use crate::settings::BrokerSettings;
use crate::state::{StateRecord, StateStore};
use crate::telemetry::Telemetry;
use crate::timers::Timers;
use crate::topic::Topics;
use crate::transactions::{Transactions, expire_producers};
use crate::upkeep;
use crate::violations::Violations;
use crate::watches::Watches;

mod access;
mod admin;
mod auto_creation;
pub(crate) mod balance;
mod coordinators;
#[cfg(test)]
mod crashes;
pub(crate) mod dynamic;
mod hosts;
mod internal_topics;
mod moves;
mod nodes;
mod pictures;
mod quorum;
mod recovery;
pub(crate) mod replication;
mod resource_configs;
mod storage;
mod stores;
mod topic_changes;

use coordinators::Coordinators;
use dynamic::DynamicSettings;
pub(crate) use hosts::Hosts;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use hosts::WithoutSockets;
use moves::Moves;
pub(crate) use moves::{Asked, Move};
pub(crate) use nodes::{Endpoint, Node, NodeState, Nodes};
use pictures::OldPictures;
pub(crate) use pictures::Picture;
use quorum::Quorum;
use replication::Replication;
pub(crate) use resource_configs::ResourceConfigs;
use storage::Storage;

/// As many producer ids are written down at once as given away: Kafka's controller hands out blocks of this size.
const PRODUCER_ID_BLOCK: i64 = 1000;

/// The producer ids that were not given away yet.
#[derive(Debug, Default)]
struct ProducerIds {
    next: i64,
    /// The first one that nothing was written down of.
    reserved: i64,
}

/// The shared state.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    pub(crate) clock: Clock,
    pub(crate) settings: BrokerSettings,
    /// Where everything durable but records is kept.
    pub(crate) state: Arc<StateStore>,
    storage: Option<Storage>,
    /// Partitions with followers have it, too.
    pub(crate) timers: Arc<Timers<TimerKey>>,
    pub(crate) groups: Groups,
    /// As Kafka, each broker has its own: a client that comes to another node begins a new session there.
    pub(crate) fetch_sessions: PerNode<FetchSessions>,
    /// Judges requests; absent when everybody may do everything. Its lock is a leaf.
    pub(crate) authorizer: Option<Authorizer>,
    /// Who may log in by SCRAM; a leaf lock.
    pub(crate) scram: RwLock<ScramCredentials>,
    pub(crate) transactions: Transactions,
    coordinators: Coordinators,
    /// Those that are open, and whose they are.
    pub(crate) open_connections: OpenConnections,
    /// What clients have done that they may not.
    pub(crate) violations: Violations,
    /// What tests want to go wrong.
    pub(crate) faults: Faults,
    /// What clients have asked, while a test looks at it.
    pub(crate) recorder: Recorder,
    /// As they are now; only to copy or replace its `Arc`. Changed under `changes`.
    nodes: RwLock<Arc<Nodes>>,
    old_pictures: OldPictures,
    /// There are several nodes.
    has_followers: bool,
    replication: Replication,
    moves: Moves,
    quorum: Quorum,
    /// Serialises changes of `topics`, so that a change can be prepared without holding up readers.
    changes: Mutex<()>,
    topics: RwLock<Arc<Topics>>,
    /// What was said about the brokers' configs; written under `changes`, as topics take values from there.
    configs: RwLock<Arc<BrokerLayers>>,
    /// As `configs`, for groups and client metrics.
    resource_configs: RwLock<Arc<ResourceConfigs>>,
    /// What the coordinator goes by for groups that have no configs of their own.
    group_defaults: Arc<GroupConfig>,
    pub(crate) loggers: Loggers,
    pub(crate) features: Features,
    /// How often the cluster has changed: topics, configs, features, quotas.
    metadata_offset: AtomicI64,
    pub(crate) telemetry: Telemetry,
    pub(crate) quotas: Quotas,
    /// Each node's, as its configs bound them.
    pub(crate) connections: PerNode<Connections>,
    /// What may change of the brokers' configs, typed.
    pub(crate) dynamic: DynamicSettings,
    producer_ids: Mutex<ProducerIds>,
    stopping: AtomicBool,
    /// What blocked threads wait on, so that a stop can wake them all.
    blocked: Mutex<HashMap<u64, Arc<Waiter>>>,
    next_waiter: AtomicU64,
    /// Who wants to know of every change of the topics.
    topic_watches: Watches,
}

impl Cluster {
    pub(crate) fn new(clock: Clock, settings: BrokerSettings, nodes: Vec<Node>) -> Self {
        let authorizer = settings.security.acl.clone().map(Authorizer::new);
        let layers = admin::layers_at_start(&settings.configs, &nodes);
        let seen_from = nodes.first().map_or(-1, |node| node.id);
        let ids: Vec<i32> = nodes.iter().map(|node| node.id).collect();
        let listeners: Vec<_> = settings.security.listeners.iter().map(|listener| &listener.spec.name).collect();
        let connections = |id| {
            let limits = ConnectionLimits::read(&layers, id, listeners.iter().copied());
            Connections::new(settings.quota_windows, limits)
        };
        let connections = PerNode::new(ids.iter().copied(), connections);
        Self {
            id: kafka_id(Uuid::new_v4()),
            state: Arc::default(),
            storage: None,
            timers: Arc::new(Timers::new(clock.clone())),
            connections,
            dynamic: DynamicSettings::new(&layers, seen_from),
            configs: RwLock::new(Arc::new(layers)),
            resource_configs: RwLock::default(),
            group_defaults: Arc::new(settings.group.clone()),
            loggers: Loggers::default(),
            features: Features::default(),
            // Clients take what has no positive epoch for unknown.
            metadata_offset: AtomicI64::new(1),
            telemetry: Telemetry::default(),
            quotas: Quotas::new(settings.quota_windows, settings.controller_quota_windows),
            open_connections: OpenConnections::default(),
            violations: Violations::default(),
            faults: Faults::new(settings.fault_seed),
            recorder: Recorder::default(),
            clock,
            fetch_sessions: PerNode::new(ids, |_| FetchSessions::new(settings.fetch_session_slots)),
            replication: Replication::new(settings.fault_seed),
            moves: Moves::default(),
            quorum: Quorum::default(),
            settings,
            groups: Groups::default(),
            authorizer,
            scram: RwLock::default(),
            transactions: Transactions::default(),
            coordinators: Coordinators::default(),
            has_followers: nodes.len() > 1,
            nodes: RwLock::new(Arc::new(Nodes::new(nodes))),
            old_pictures: OldPictures::default(),
            changes: Mutex::default(),
            topics: RwLock::default(),
            producer_ids: Mutex::default(),
            stopping: AtomicBool::new(false),
            blocked: Mutex::default(),
            next_waiter: AtomicU64::new(0),
            topic_watches: Watches::default(),
        }
    }

    /// All topics, as they are now.
    pub(crate) fn topics(&self) -> Arc<Topics> {
        Arc::clone(&self.topics.read())
    }

    /// How often the cluster has changed.
    pub(crate) fn metadata_offset(&self) -> i64 {
        self.metadata_offset.load(Ordering::Relaxed)
    }

    fn metadata_changed(&self) {
        self.metadata_offset.fetch_add(1, Ordering::Relaxed);
    }

    /// Wakes `waiter` at every change of the topics, until it is [unwatched](Self::unwatch_topics) by its number.
    pub(crate) fn watch_topics(&self, number: u64, waiter: &Arc<Waiter>) {
        self.topic_watches.add(number, waiter);
    }

    pub(crate) fn unwatch_topics(&self, number: u64) {
        self.topic_watches.remove(number);
    }

    /// A producer id nobody had before.
    pub(crate) fn next_producer_id(&self) -> i64 {
        let mut ids = self.producer_ids.lock();
        if ids.next == ids.reserved {
            ids.reserved += PRODUCER_ID_BLOCK;
            let next = ids.reserved;
            // If it is not kept, the store is broken, and nobody is told of the id.
            _ = self.state.keep(|| [StateRecord::ProducerIds { next }]);
        }
        ids.next += 1;
        ids.next - 1
    }

    /// Serves one deadline; called on the timer thread.
    pub(crate) fn fire(&self, key: &TimerKey, hosts: &dyn Hosts) {
        match key {
            TimerKey::Group(group_id) => self.groups.fire(group_id, self),
            TimerKey::OffsetExpiry => {
                self.groups.expire_offsets(self);
                Groups::schedule_expiry(self);
            }
            TimerKey::TransactionTimeouts => self.transactions.abort_timed_out(self),
            TimerKey::TransactionalIds => self.transactions.expire_ids(self),
            TimerKey::ProducerIds => expire_producers(self),
            TimerKey::LogRetention => upkeep::check_retention(self),
            TimerKey::LogCleaner => upkeep::clean(self),
            TimerKey::CoordinatorLoad(kind, partition) => self.load_time_over(*kind, *partition),
            TimerKey::LeaderBalance => self.balance_leaders(),
            TimerKey::NodeSession(id) => self.miss_node(*id),
            TimerKey::Replicas(topic, index) => self.tick_replicas(*topic, *index),
            TimerKey::DiskFailed(id) => self.halt(*id, hosts),
            TimerKey::Await(number) => {
                let waiter = self.blocked.lock().get(number).cloned();
                waiter.iter().for_each(|waiter| waiter.wake());
            }
        }
    }

    /// Whether the broker is going down: whoever is woken looks here before going on waiting.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Makes a waiter that a stop will end, and the number to give it back with.
    pub(crate) fn register_waiter(&self) -> (u64, Arc<Waiter>) {
        let waiter = Waiter::new();
        let number = self.next_waiter.fetch_add(1, Ordering::Relaxed);
        self.blocked.lock().insert(number, Arc::clone(&waiter));
        if self.is_stopping() {
            waiter.end();
        }
        (number, waiter)
    }

    pub(crate) fn unregister_waiter(&self, number: u64) {
        self.blocked.lock().remove(&number);
    }

    /// Ends everything that waits, and the timers.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.timers.stop();
        end_all(&self.blocked);
    }
}

/// Ends without the lock: whoever is woken may take itself off the list at once.
fn end_all(waiters: &Mutex<HashMap<u64, Arc<Waiter>>>) {
    let all: Vec<_> = waiters.lock().values().cloned().collect();
    all.iter().for_each(|waiter| waiter.end());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        Cluster::new(Clock::real(), BrokerSettings::default(), vec![Node::of(1)])
    }

    #[test]
    fn names_that_metrics_cannot_tell_apart_collide() {
        let cluster = cluster();
        cluster.auto_create_topic("a_b").unwrap();
        let refused = cluster.auto_create_topic("a.b").unwrap_err();
        assert_eq!(refused.to_string(), "Topic 'a.b' collides with existing topic: a_b");
        cluster.change_topics(|topics| Ok(topics.remove("a_b"))).unwrap();
        cluster.auto_create_topic("a.b").expect("nothing to collide with any more");
    }

    #[test]
    fn a_topic_is_found_by_name_and_by_id() {
        let cluster = cluster();
        let topic = cluster.auto_create_topic("t").unwrap();
        assert_eq!(cluster.topics().by_id(topic.id).unwrap().name.as_ref(), "t");
        assert_eq!(cluster.auto_create_topic("t").unwrap().id, topic.id);
    }
}
