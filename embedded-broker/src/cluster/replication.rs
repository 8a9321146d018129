//! What partitions do when nodes come and go, lag behind, or when time passes for their replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::{Cluster, NodeState, Nodes};
use crate::coordinator::TimerKey;
use crate::fault::random::Random;
use crate::features::ELIGIBLE_LEADER_REPLICAS;
use crate::log::LogConfig;
use crate::partition::{Alarm, Keeper, Partition, Placed};
use crate::replication::{Assignment, Remembered, Rules, Standing};
use crate::topic::Topic;

/// What replicas go by beside the nodes. Its lock is a leaf; what changes it holds `changes` as well.
#[derive(Debug)]
pub(super) struct Replication {
    state: Mutex<State>,
    next_lag: AtomicU64,
    /// How many high watermarks are held.
    holds: AtomicUsize,
    /// Drawn from where leaders are chosen by chance.
    random: Mutex<Random>,
}

impl Replication {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            state: Mutex::default(),
            next_lag: AtomicU64::new(0),
            holds: AtomicUsize::new(0),
            random: Mutex::new(Random::of_elections(seed)),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// Nodes that lag, by the number of the wish and by how much.
    lags: BTreeMap<u64, (i32, Duration)>,
    /// Nodes that are down, and have not stopped in order.
    crashed: BTreeSet<i32>,
}

/// The nodes as partitions see them.
#[derive(Debug)]
struct NodesNow {
    nodes: Arc<Nodes>,
    lags: BTreeMap<i32, Duration>,
}

impl Standing for NodesNow {
    fn is_up(&self, id: i32) -> bool {
        self.nodes.runs(id)
    }

    fn is_electable(&self, id: i32) -> bool {
        self.nodes.is_up(id)
    }

    fn reach(&self, one: i32, other: i32) -> bool {
        self.nodes.reach(one, other)
    }

    fn lag(&self, id: i32) -> Duration {
        self.lags.get(&id).copied().unwrap_or_default()
    }
}

impl Cluster {
    /// Tells partitions that nodes have come, gone or been cut off from each other: `after` is what `nodes()` shows already.
    /// Called with `changes` locked, and nothing else.
    pub(super) fn replication_after_node_change(&self, before: &Nodes, after: &Nodes) {
        let mut unclean = None;
        {
            let crashed = &mut self.replication.state.lock().crashed;
            for id in after.every().map(|node| node.id) {
                match (before.state(id), after.state(id)) {
                    (Some(NodeState::Lost), Some(NodeState::Down)) => _ = crashed.insert(id),
                    (_, Some(NodeState::Up)) if crashed.remove(&id) => unclean = Some(id),
                    // Nobody remembers how it stopped.
                    (_, Some(NodeState::Up)) if !before.is_registered(id) => unclean = Some(id),
                    _ => {}
                }
            }
        }
        self.tell_partitions(unclean);
    }

    /// Has every partition look at the nodes again; `unclean` is back from a crash. Called with `changes` locked.
    pub(super) fn tell_partitions(&self, unclean: Option<i32>) {
        let (standing, tracks) = (self.standing(), self.tracks_eligible());
        for topic in self.topics().iter() {
            for partition in &topic.partitions {
                partition.nodes_changed(&standing, tracks, unclean);
            }
        }
    }

    /// What follows from partitions that have changed: clients see it, coordinators follow their leaders, and what waited for a
    /// leader is written. Called without any lock.
    pub(super) fn after_partition_changes(&self) {
        self.metadata_changed();
        self.keep_moves();
        self.leaders_changed();
        self.transactions.write_postponed(self);
    }

    /// Serves the alarm of a partition; called on the timer thread.
    pub(super) fn tick_replicas(&self, topic: Uuid, index: i32) {
        let topics = self.topics();
        let Some(partition) = topics.by_id(topic).and_then(|topic| topic.partition(index)) else { return };
        if partition.tick() {
            self.after_partition_changes();
        }
    }

    /// What a partition has to know that is made, or made again of what is remembered.
    pub(super) fn placed(
        &self,
        topic: Uuid,
        index: usize,
        assignment: Assignment,
        config: &LogConfig,
        past: Option<&Remembered>,
    ) -> Placed {
        let rules = Rules {
            min_in_sync: config.min_in_sync,
            max_lag: self.settings.replica_max_lag,
            elects_unclean: config.elects_unclean,
            tracks_eligible: self.tracks_eligible(),
        };
        let partition = i32::try_from(index).unwrap_or(i32::MAX);
        // One node has nobody to wait for.
        let alarm = self.has_followers.then(|| Alarm {
            clock: self.clock.clone(),
            timers: Arc::clone(&self.timers),
            key: TimerKey::Replicas(topic, partition),
        });
        let keeper = self.storage.as_ref().filter(|storage| storage.is_of_several()).map(|_| Keeper {
            store: Arc::clone(&self.state),
            topic,
            partition,
            last: past.cloned().unwrap_or_else(|| Remembered::of_new(assignment.clone())),
        });
        Placed { assignment, rules, standing: self.standing(), alarm, keeper }
    }

    /// Whether an append may have to wait for anybody.
    pub(crate) fn may_wait_for_replicas(&self) -> bool {
        self.has_followers || self.replication.holds.load(Ordering::Relaxed) > 0
    }

    /// Has a node lag until [`catch_up`](Self::catch_up) is called with the number that is returned.
    pub(crate) fn lag(&self, id: i32, by: Duration) -> u64 {
        let number = self.replication.next_lag.fetch_add(1, Ordering::Relaxed);
        self.change_lags(|lags| _ = lags.insert(number, (id, by)));
        number
    }

    /// Ends a lag.
    pub(crate) fn catch_up(&self, number: u64) {
        self.change_lags(|lags| _ = lags.remove(&number));
    }

    fn change_lags(&self, change: impl FnOnce(&mut BTreeMap<u64, (i32, Duration)>)) {
        let one_at_a_time = self.changes.lock();
        change(&mut self.replication.state.lock().lags);
        self.tell_partitions(None);
        drop(one_at_a_time);
        self.after_partition_changes();
    }

    /// Holds the high watermark of a partition until [`release_high_watermark`](Self::release_high_watermark) is called as
    /// often.
    pub(crate) fn hold_high_watermark(&self, partition: &Partition) {
        self.replication.holds.fetch_add(1, Ordering::SeqCst);
        partition.hold_high_watermark();
    }

    pub(crate) fn release_high_watermark(&self, partition: &Partition) {
        partition.release_high_watermark();
        self.replication.holds.fetch_sub(1, Ordering::SeqCst);
        self.after_partition_changes();
    }

    /// Has partitions elect, one change at a time; whether anything has changed.
    pub(crate) fn elect(&self, elect: impl FnOnce() -> bool) -> bool {
        let one_at_a_time = self.changes.lock();
        let changed = elect();
        drop(one_at_a_time);
        if changed {
            self.after_partition_changes();
        }
        changed
    }

    /// One of several by chance.
    pub(crate) fn draw(&self, several: &[i32]) -> Option<i32> {
        self.replication.random.lock().one_of(several)
    }

    fn standing(&self) -> Arc<dyn Standing> {
        let mut lags = BTreeMap::<i32, Duration>::new();
        for (id, by) in self.replication.state.lock().lags.values() {
            let longest = lags.entry(*id).or_default();
            *longest = by.max(longest).to_owned();
        }
        Arc::new(NodesNow { nodes: self.nodes(), lags })
    }

    fn tracks_eligible(&self) -> bool {
        self.features.level(ELIGIBLE_LEADER_REPLICAS) > 0
    }
}

impl Nodes {
    /// Those of a partition's replicas that clients are told are offline.
    pub(crate) fn offline_among(&self, replicas: &[i32]) -> Vec<i32> {
        let is_listed = |id: i32| self.listed().any(|node| node.id == id);
        replicas.iter().copied().filter(|id| !is_listed(*id)).collect()
    }
}

/// Every partition of these topics, with its topic and index.
pub(crate) fn each_partition<'a>(
    topics: impl Iterator<Item = &'a Arc<Topic>>,
) -> impl Iterator<Item = (&'a Topic, i32, &'a Arc<Partition>)> {
    topics.flat_map(|topic| (0..).zip(&topic.partitions).map(move |(index, partition)| (&**topic, index, partition)))
}
