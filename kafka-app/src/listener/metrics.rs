//! [`ListenerMetrics`]: what a listener counted.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters of one listener, since the process began; all its consumers and lanes add to them.
#[derive(Debug, Default)]
pub struct ListenerMetrics {
    pub(crate) handled: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) retried: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) forwarded: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) postponed: AtomicU64,
    pub(crate) circuit_opened: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) aborted: AtomicU64,
}

/// The counters of a listener at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerCounts {
    /// Records whose handler succeeded.
    pub handled: u64,
    /// Records the filter dropped.
    pub filtered: u64,
    /// Deliveries that failed: errors, panics, timeouts and outputs that could not be sent.
    pub failed: u64,
    /// Deliveries after the first.
    pub retried: u64,
    /// Records of which an argument could not be made.
    pub rejected: u64,
    /// Records sent to a retry topic, where a listener of its own counts what becomes of them.
    pub forwarded: u64,
    /// Records sent to the dead letter topic.
    pub dead_lettered: u64,
    /// Records given up without a dead letter: by `#[skip]`, by `dead_letter = "off"`, or at most once.
    pub skipped: u64,
    /// Of the deliveries that failed, those that do not count against their record: what the handler needs is down, or it
    /// said "not now". Their records wait and come again.
    pub postponed: u64,
    /// How often the circuit breaker opened, tries in vain included.
    pub circuit_opened: u64,
    /// Records that were returned by the handler and acknowledged by the broker.
    pub sent: u64,
    /// Exactly once: transactions that were committed.
    pub committed_transactions: u64,
    /// Exactly once: transactions that were given up; their records were handled again, and counted again.
    pub aborted_transactions: u64,
}

impl ListenerMetrics {
    /// The counters now.
    #[must_use]
    pub fn counts(&self) -> ListenerCounts {
        ListenerCounts {
            handled: self.handled.load(Relaxed),
            filtered: self.filtered.load(Relaxed),
            failed: self.failed.load(Relaxed),
            retried: self.retried.load(Relaxed),
            rejected: self.rejected.load(Relaxed),
            forwarded: self.forwarded.load(Relaxed),
            dead_lettered: self.dead_lettered.load(Relaxed),
            skipped: self.skipped.load(Relaxed),
            postponed: self.postponed.load(Relaxed),
            circuit_opened: self.circuit_opened.load(Relaxed),
            sent: self.sent.load(Relaxed),
            committed_transactions: self.committed.load(Relaxed),
            aborted_transactions: self.aborted.load(Relaxed),
        }
    }
}

/// Counts by one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

/// Counts by many, once for a chunk.
pub(crate) fn count_many(counter: &AtomicU64, n: usize) {
    counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Relaxed);
}
