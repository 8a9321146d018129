//! [`KnownNodes`]: whom a partition counts on.

use std::sync::Arc;
use std::time::Duration;

use crate::replication::Standing;

/// The nodes but those whose directories have failed, which a partition sees before everybody takes them for down.
#[derive(Debug)]
pub(super) struct KnownNodes {
    /// As they were when something last changed about them.
    pub(super) all: Arc<dyn Standing>,
    pub(super) failed: Vec<i32>,
}

impl KnownNodes {
    pub(super) fn all(all: Arc<dyn Standing>) -> Self {
        Self { all, failed: Vec::new() }
    }
}

impl Standing for KnownNodes {
    fn is_up(&self, id: i32) -> bool {
        !self.failed.contains(&id) && self.all.is_up(id)
    }

    fn is_electable(&self, id: i32) -> bool {
        !self.failed.contains(&id) && self.all.is_electable(id)
    }

    fn reach(&self, one: i32, other: i32) -> bool {
        self.is_up(one) && self.is_up(other) && self.all.reach(one, other)
    }

    fn lag(&self, id: i32) -> Duration {
        self.all.lag(id)
    }
}
