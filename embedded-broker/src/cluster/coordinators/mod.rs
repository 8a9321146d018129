//! Which node coordinates which groups and transactional ids, and what becomes of those when that changes.

use std::collections::HashSet;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::Cluster;
use crate::coordinator::shards::{Handover, Leader, Shards};
use crate::coordinator::{CoordinatorKind, TimerKey};
use crate::error::{Error, ErrorCode};
use crate::internal_topics::{self, InternalTopic};
use crate::replication::Election;
use crate::topic::Topic;

/// The coordinators of all groups and transactional ids.
#[derive(Debug, Default)]
pub(crate) struct Coordinators {
    groups: RwLock<Shards>,
    transactions: RwLock<Shards>,
    /// Held while they follow their leaders; one at a time.
    moves: Mutex<()>,
}

impl Coordinators {
    fn shards(&self, kind: CoordinatorKind) -> &RwLock<Shards> {
        match kind {
            CoordinatorKind::Groups => &self.groups,
            CoordinatorKind::Transactions => &self.transactions,
        }
    }
}

impl Cluster {
    /// Checks that a node coordinates a group or transactional id.
    ///
    /// # Errors
    ///
    /// `NOT_COORDINATOR`, or `COORDINATOR_LOAD_IN_PROGRESS` while it reads what it has to know.
    pub(crate) fn check_coordinator(&self, kind: CoordinatorKind, key: &str, node: i32) -> Result<(), ErrorCode> {
        let partition = self.topic_of(kind).partition_of(key);
        // Before Kafka's topic is made nobody can know of a coordinator; a node that is alone is one anyway.
        let unled = || if !self.has_followers { Ok(()) } else { Err(ErrorCode::NotCoordinator) };
        self.coordinators.shards(kind).read().ask(partition, node, unled)
    }

    /// The node that coordinates a group or transactional id, or will when it has read what it has to know.
    pub(crate) fn coordinator_of(&self, kind: CoordinatorKind, key: &str) -> Option<i32> {
        let partition = self.topic_of(kind).partition_of(key);
        self.coordinators.shards(kind).read().leader(partition)
    }

    /// Has another node coordinate a group or transactional id, and whatever else belongs to the same partition.
    ///
    /// # Errors
    ///
    /// The node has no replica of the partition that is in sync and may lead.
    pub(crate) fn move_coordinator(&self, kind: CoordinatorKind, key: &str, node: i32) -> Result<(), Error> {
        self.ensure_internal_topic(topic_name(kind))?;
        let (topics, index) = (self.topics(), self.topic_of(kind).partition_of(key));
        let found = topics.by_name(topic_name(kind)).and_then(|topic| topic.partition(index));
        if let Some(partition) = found {
            self.elect(|| partition.elect(Election::Of(node)));
        }
        if self.coordinator_of(kind, key) == Some(node) {
            return Ok(());
        }
        let why = format!("node {node} has no replica of {}-{index} that is in sync and may lead", topic_name(kind));
        Err(Error::with_code(ErrorCode::EligibleLeadersNotAvailable, why))
    }

    /// Finds whoever coordinates a transactional id, as the nodes do among themselves: in which epoch it does.
    ///
    /// # Errors
    ///
    /// `COORDINATOR_NOT_AVAILABLE`, `COORDINATOR_LOAD_IN_PROGRESS`.
    pub(crate) fn transaction_coordinator_epoch(&self, transactional_id: &str) -> Result<i32, ErrorCode> {
        let partition = self.settings.transactions_topic.partition_of(transactional_id);
        self.coordinators.transactions.read().active(partition)
    }

    /// Checks that a node has read all that it coordinates, so that it can list it.
    ///
    /// # Errors
    ///
    /// `COORDINATOR_LOAD_IN_PROGRESS`.
    pub(crate) fn check_loaded(&self, kind: CoordinatorKind, node: i32) -> Result<(), ErrorCode> {
        let is_loading = self.coordinators.shards(kind).read().is_loading(node);
        if is_loading { Err(ErrorCode::CoordinatorLoadInProgress) } else { Ok(()) }
    }

    /// Has coordinators follow the leaders of their topics. To be called after each change of leaders, with no lock held; it
    /// looks for itself what has changed.
    pub(crate) fn leaders_changed(&self) {
        for kind in [CoordinatorKind::Groups, CoordinatorKind::Transactions] {
            self.follow(kind, self.topics().by_name(topic_name(kind)).map(|topic| &**topic));
        }
    }

    fn follow(&self, kind: CoordinatorKind, topic: Option<&Topic>) {
        let Some(topic) = topic else { return self.coordinators.shards(kind).write().clear() };
        let leaders = topic.partitions.iter().zip(0..).map(|(partition, index)| {
            let leadership = partition.leadership();
            (index, Leader { node: leadership.leader, epoch: leadership.leader_epoch })
        });
        self.hand_over(kind, leaders);
    }

    /// Makes it so that these nodes coordinate what belongs to these partitions.
    fn hand_over(&self, kind: CoordinatorKind, leaders: impl Iterator<Item = (i32, Leader)>) {
        let _one_at_a_time = self.coordinators.moves.lock();
        let now = self.clock.now();
        let mut moving = HashSet::new();
        let mut loading = Vec::new();
        {
            let mut shards = self.coordinators.shards(kind).write();
            for (partition, leader) in leaders {
                match shards.lead(partition, leader, now, self.settings.coordinator_load_time) {
                    Handover::None => {}
                    Handover::Unload => _ = moving.insert(partition),
                    Handover::Load { until } => {
                        moving.insert(partition);
                        loading.push((partition, until));
                    }
                }
            }
        }
        if moving.is_empty() {
            return;
        }
        // From here on nobody is let in, so nothing is held any more once it was let go.
        if kind == CoordinatorKind::Groups {
            self.groups.unload(&moving, self);
        }
        let (later, at_once): (Vec<_>, Vec<_>) = loading.into_iter().partition(|(_, until)| *until > now);
        for (partition, until) in later {
            self.timers.schedule(TimerKey::CoordinatorLoad(kind, partition), until);
        }
        self.loaded(kind, &at_once.into_iter().map(|(partition, _)| partition).collect(), now);
    }

    /// A coordinator may have read one of its partitions; called on the timer thread.
    pub(crate) fn load_time_over(&self, kind: CoordinatorKind, partition: i32) {
        let _one_at_a_time = self.coordinators.moves.lock();
        self.loaded(kind, &HashSet::from([partition]), self.clock.now());
    }

    fn loaded(&self, kind: CoordinatorKind, partitions: &HashSet<i32>, now: Duration) {
        let shards = self.coordinators.shards(kind);
        let loaded: HashSet<i32> = {
            let shards = shards.read();
            partitions.iter().copied().filter(|partition| shards.is_loaded(*partition, now)).collect()
        };
        if loaded.is_empty() {
            return;
        }
        if kind == CoordinatorKind::Groups {
            self.groups.loaded(&loaded, self);
        }
        {
            let mut shards = shards.write();
            loaded.iter().for_each(|partition| shards.activate(*partition));
        }
        if kind == CoordinatorKind::Transactions {
            // What the one before has decided and not written.
            self.transactions.write_postponed(self);
        }
    }

    fn topic_of(&self, kind: CoordinatorKind) -> &InternalTopic {
        match kind {
            CoordinatorKind::Groups => &self.settings.offsets_topic,
            CoordinatorKind::Transactions => &self.settings.transactions_topic,
        }
    }
}

fn topic_name(kind: CoordinatorKind) -> &'static str {
    match kind {
        CoordinatorKind::Groups => internal_topics::OFFSETS,
        CoordinatorKind::Transactions => internal_topics::TRANSACTIONS,
    }
}

#[cfg(test)]
mod tests;
