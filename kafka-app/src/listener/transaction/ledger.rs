//! [`Ledger`]: how often records have failed in transactions that were given up.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{error_handler::Reason, handler::ErrorClass, record::TopicPartition};

/// Failures of records of one consumer that are to be remembered until their partition is committed past them or goes to
/// somebody else: the transaction they failed in is given up, and their records come again.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// So that a look at an empty one, which is the usual one, takes no lock.
    n_entries: AtomicUsize,
    entries: Mutex<HashMap<(TopicPartition, i64), Prior>>,
}

/// What is known of a record that failed.
#[derive(Debug, Clone)]
pub(crate) struct Prior {
    /// Deliveries that the handler or its outputs failed in.
    pub(crate) attempts: u32,
    /// Of the transactions it was alone in, those that failed since what it sent was not delivered.
    pub(crate) n_undelivered: u32,
    /// Of the last failure.
    pub(crate) class: ErrorClass,
    pub(crate) reason: Arc<Reason>,
}

impl Prior {
    /// Deliveries that came to nothing.
    pub(crate) fn n_failed(&self) -> u32 {
        self.attempts.saturating_add(self.n_undelivered)
    }
}

impl Ledger {
    pub(crate) fn is_empty(&self) -> bool {
        self.n_entries.load(Ordering::Acquire) == 0
    }

    pub(crate) fn prior(&self, partition: &TopicPartition, offset: i64) -> Option<Prior> {
        if self.is_empty() {
            return None;
        }
        self.entries.lock().get(&(partition.clone(), offset)).cloned()
    }

    /// A delivery failed, the `attempts`th.
    pub(crate) fn failed(
        &self,
        partition: &TopicPartition,
        offset: i64,
        attempts: u32,
        class: ErrorClass,
        reason: Arc<Reason>,
    ) {
        let mut entries = self.entries.lock();
        let n_undelivered = entries.get(&(partition.clone(), offset)).map_or(0, |prior| prior.n_undelivered);
        entries.insert((partition.clone(), offset), Prior { attempts, n_undelivered, class, reason });
        self.n_entries.store(entries.len(), Ordering::Release);
    }

    /// What a record was to send, outputs or its dead letter, was not delivered. Returns how often.
    pub(crate) fn undelivered(&self, partition: &TopicPartition, offset: i64, reason: &Arc<Reason>) -> u32 {
        let mut entries = self.entries.lock();
        let reason = Arc::clone(reason);
        let new = Prior { attempts: 0, n_undelivered: 0, class: ErrorClass::Retry, reason };
        let prior = entries.entry((partition.clone(), offset)).or_insert(new);
        prior.n_undelivered += 1;
        let n_undelivered = prior.n_undelivered;
        self.n_entries.store(entries.len(), Ordering::Release);
        n_undelivered
    }

    /// A partition is committed up to this offset.
    pub(crate) fn committed(&self, partition: &TopicPartition, offset: i64) {
        self.retain(|of, at| of != partition || at >= offset);
    }

    /// A partition is somebody else's.
    pub(crate) fn forget(&self, partition: &TopicPartition) {
        self.retain(|of, _| of != partition);
    }

    fn retain(&self, is_kept: impl Fn(&TopicPartition, i64) -> bool) {
        if self.is_empty() {
            return;
        }
        let mut entries = self.entries.lock();
        entries.retain(|(partition, offset), _| is_kept(partition, *offset));
        self.n_entries.store(entries.len(), Ordering::Release);
    }
}
