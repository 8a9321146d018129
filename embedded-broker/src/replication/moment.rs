//! What replicas go by when something happens.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;

/// What was configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `min.insync.replicas`.
    pub(crate) min_in_sync: usize,
    /// `replica.lag.time.max.ms`.
    pub(crate) max_lag: Duration,
    /// `unclean.leader.election.enable`.
    pub(crate) elects_unclean: bool,
    /// Whether replicas are remembered that may be elected though they are not in sync (KIP-966).
    pub(crate) tracks_eligible: bool,
}

impl Default for Rules {
    /// Kafka's defaults.
    fn default() -> Self {
        let max_lag = Duration::from_secs(30);
        Self { min_in_sync: 1, max_lag, elects_unclean: false, tracks_eligible: true }
    }
}

/// What the nodes can do.
pub(crate) trait Standing: fmt::Debug + Send + Sync {
    /// Whether it runs: it serves, and it follows.
    fn is_up(&self, id: i32) -> bool;
    /// Whether the controller counts on it: it may lead, and be in sync. One that is about to stop may not; one that has
    /// crashed may, as long as nobody has noticed.
    fn is_electable(&self, id: i32) -> bool;
    /// Whether one hears the other.
    fn reach(&self, one: i32, other: i32) -> bool;
    /// How much later than others it gets what is appended.
    fn lag(&self, id: i32) -> Duration;
}

/// The circumstances of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) rules: Rules,
    pub(crate) nodes: &'a dyn Standing,
    /// Where the log begins: nobody ends before.
    pub(crate) log_start: i64,
    pub(crate) now: Timestamp,
}
