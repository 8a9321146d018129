//! What is remembered of replicas while no node is up, and what is made of it when they start again.
//!
//! As Kafka's controllers, which write down who leads and who is in sync: whoever was in sync still counts as such, and
//! leads on if it led. Different: if the logs that are found are not what they were (a disk has lost the end of one, or a
//! whole directory is gone), the most complete of those that were in sync is gone on with. A Kafka that starts as a whole
//! goes by the order in which its brokers come back.

use serde::{Deserialize, Serialize};

use super::assignment::Assignment;
use super::replicas::Replicas;

/// Who leads, and who may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) assignment: Assignment,
    pub(crate) leader: Option<i32>,
    pub(crate) leader_epoch: i32,
    pub(crate) in_sync: Vec<i32>,
    /// Not in sync, but nothing is acknowledged that they lack.
    pub(crate) eligible: Vec<i32>,
    /// Who led when the last one in sync went.
    pub(crate) last_leader: Option<i32>,
}

/// What is found of one replica's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) node: i32,
    /// The leader epoch of its last batch; -1 if it has none.
    pub(crate) newest_epoch: i32,
    pub(crate) end: i64,
}

/// What a cluster that starts goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Absent when nobody can lead who is there.
    pub(crate) leader: Option<i32>,
    /// Whose log is that of the partition; absent if none is there.
    pub(crate) log_of: Option<i32>,
}

impl Remembered {
    /// Of a partition that was made and has not changed since.
    pub(crate) fn of_new(assignment: Assignment) -> Self {
        let mut in_sync = assignment.replicas.clone();
        in_sync.retain(|id| !assignment.adding.contains(id));
        Self {
            leader: in_sync.first().copied(),
            assignment,
            leader_epoch: 0,
            in_sync,
            eligible: Vec::new(),
            last_leader: None,
        }
    }

    /// Chooses among the logs that are there; they come in the order of the assignment.
    pub(crate) fn choose(&self, found: &[Found]) -> Choice {
        let may_lead = |id: i32| match (self.in_sync.is_empty(), self.eligible.is_empty()) {
            (true, true) => self.last_leader == Some(id),
            _ => self.in_sync.contains(&id) || self.eligible.contains(&id),
        };
        let in_sync = self.most_complete(found.iter().filter(|one| self.in_sync.contains(&one.node)));
        let leader = in_sync.or_else(|| self.most_complete(found.iter().filter(|one| may_lead(one.node))));
        Choice { leader, log_of: leader.or_else(|| self.most_complete(found.iter())) }
    }

    /// As [`choose`](Self::choose), where there is nothing in the logs: the leader there was, or the first that may lead.
    pub(crate) fn choose_of_none(&self) -> Option<i32> {
        let found: Vec<_> =
            self.assignment.replicas.iter().map(|node| Found { node: *node, newest_epoch: -1, end: 0 }).collect();
        self.choose(&found).leader
    }

    /// As in every log that is replicated by epochs: of two, the one whose last batch is of the newer epoch has more, and of
    /// the same epoch the longer one. Of equals the one that led.
    fn most_complete<'a>(&self, found: impl Iterator<Item = &'a Found>) -> Option<i32> {
        let rank = |one: &Found| (one.newest_epoch, one.end, self.leader == Some(one.node));
        let mut best: Option<&Found> = None;
        for one in found {
            if best.is_none_or(|best| rank(one) > rank(best)) {
                best = Some(one);
            }
        }
        best.map(|one| one.node)
    }

    /// What becomes of it with this leader, in its next epoch: whoever was in sync still is, unless it has less.
    pub(crate) fn next(&self, leader: Option<i32>, leader_epoch: i32, is_complete: impl Fn(i32) -> bool) -> Self {
        let Some(leader) = leader else { return Self { leader: None, leader_epoch, ..self.clone() } };
        let mut in_sync = self.in_sync.clone();
        in_sync.retain(|id| *id == leader || is_complete(*id));
        if !in_sync.contains(&leader) {
            in_sync = vec![leader];
        }
        let eligible = self.eligible.iter().copied().filter(|id| !in_sync.contains(id)).collect();
        let assignment = self.assignment.clone();
        Self { assignment, leader: Some(leader), leader_epoch, in_sync, eligible, last_leader: None }
    }
}

impl Replicas {
    /// What has to be known of them after a restart.
    pub(crate) fn remembered(&self) -> Remembered {
        Remembered {
            assignment: self.assignment.clone(),
            leader: self.leader,
            leader_epoch: self.leader_epoch,
            in_sync: self.in_sync.clone(),
            eligible: self.eligible.clone(),
            last_leader: self.last_leader,
        }
    }
}
