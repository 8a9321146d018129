//! [`CloseReport`]: what a producer gave up.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use rdkafka::error::RDKafkaErrorCode;

/// What was cut off when a producer was closed before everything was acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CloseReport {
    /// Records that never left this process.
    pub(crate) n_unsent: u64,
    /// Records that were on their way: the broker may or may not have them.
    pub(crate) n_in_doubt: u64,
}

impl CloseReport {
    /// Whether everything was acknowledged or answered with an error.
    pub(crate) fn is_clean(&self) -> bool {
        self.n_unsent == 0 && self.n_in_doubt == 0
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_unsent, n_in_doubt } = self;
        write!(f, "the producer gave up {n_unsent} records that were not sent and {n_in_doubt} that may have arrived")
    }
}

/// What was given up so far.
#[derive(Default)]
pub(super) struct Counters {
    n_unsent: AtomicU64,
    n_in_doubt: AtomicU64,
}

impl Counters {
    pub(super) fn cut_off(&self) -> CloseReport {
        CloseReport {
            n_unsent: self.n_unsent.load(Ordering::Relaxed),
            n_in_doubt: self.n_in_doubt.load(Ordering::Relaxed),
        }
    }

    pub(super) fn failed(&self, code: RDKafkaErrorCode) {
        match code {
            RDKafkaErrorCode::PurgeQueue => self.n_unsent.fetch_add(1, Ordering::Relaxed),
            RDKafkaErrorCode::PurgeInflight => self.n_in_doubt.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}
