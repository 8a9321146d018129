//! What a partition with followers needs of the cluster: the time, and to be called when it is due.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::{Clock, Timestamp};
use crate::coordinator::TimerKey;
use crate::replication::{Assignment, Remembered, Rules, Standing};
use crate::state::{StateRecord, StateStore};
use crate::timers::Timers;

/// Calls a partition's attention to its replicas.
#[derive(Debug)]
pub(crate) struct Alarm {
    pub(crate) clock: Clock,
    pub(crate) timers: Arc<Timers<TimerKey>>,
    pub(crate) key: TimerKey,
}

impl Alarm {
    pub(super) fn set(&self, at: Timestamp) {
        self.timers.schedule(self.key.clone(), at);
    }

    /// Has a node halt, whose directory cannot be written.
    pub(super) fn halt(&self, node: i32) {
        self.timers.schedule(TimerKey::DiskFailed(node), self.clock.now());
    }
}

/// Where a partition of a cluster with data directories writes down who leads it, before anybody goes by it.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) store: Arc<StateStore>,
    pub(crate) topic: Uuid,
    pub(crate) partition: i32,
    /// As it was written down last, or goes without saying.
    pub(crate) last: Remembered,
}

impl Keeper {
    /// What is to be written down, if anything is.
    pub(crate) fn next(&mut self, now: Remembered) -> Option<StateRecord> {
        if now == self.last {
            return None;
        }
        self.last = now.clone();
        Some(StateRecord::Replicas { topic: self.topic, partition: self.partition, remembered: now })
    }

    /// Whether all that was to be written down is.
    pub(super) fn has_kept(&self) -> bool {
        !self.store.is_broken()
    }

    pub(super) fn keep(&mut self, now: Remembered) {
        if let Some(fact) = self.next(now) {
            // If it is not kept, the store is broken, and nobody is told of anything any more.
            _ = self.store.keep(|| [fact]);
        }
    }
}

/// Which nodes hold a partition, and what goes for them.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) assignment: Assignment,
    pub(crate) rules: Rules,
    pub(crate) standing: Arc<dyn Standing>,
    /// Without one, time does not pass for the partition.
    pub(crate) alarm: Option<Alarm>,
    /// Without one, nothing is written down.
    pub(crate) keeper: Option<Keeper>,
}
