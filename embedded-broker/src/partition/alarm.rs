//! What a partition with followers needs of the cluster: the time, and to be called when it is due.

use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::coordinator::TimerKey;
use crate::replication::{Assignment, Rules, Standing};
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
}

/// Which nodes hold a partition, and what goes for them.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) assignment: Assignment,
    pub(crate) rules: Rules,
    pub(crate) standing: Arc<dyn Standing>,
    /// Without one, time does not pass for the partition.
    pub(crate) alarm: Option<Alarm>,
}
