//! Faults that a test sets: which requests they meet, and what becomes of those.
//!
//! [`rules`] is the pure part: rules in their order, how often each may still happen, and the draws of chance. The guard
//! and the way to it, for tests, are in [`builder`]; what a fault does to a connection is in `server/faulty.rs`.
//! As long as no fault is set, a request pays for all this with one relaxed load.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::fault::rules::{Asked, Outcome, Rule, RuleId, Rules};

pub(crate) mod api_name;
pub(crate) mod builder;
mod random;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
mod verbs;

/// The faults of one broker.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Whether any rule can still happen.
    armed: AtomicBool,
    rules: Mutex<Rules>,
}

impl Faults {
    /// Nothing goes wrong yet; from one seed the same comes by chance each time.
    pub(crate) fn new(seed: u64) -> Self {
        Self { armed: AtomicBool::new(false), rules: Mutex::new(Rules::new(seed)) }
    }

    /// Whether it is worth asking what [meets](Self::meet) a request.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// What happens to this request.
    pub(crate) fn meet(&self, asked: &Asked<'_>) -> Option<Outcome> {
        self.change(|rules| rules.meet(asked))
    }

    fn add(&self, rule: Rule) -> RuleId {
        self.change(|rules| rules.add(rule))
    }

    fn remove(&self, id: RuleId) {
        self.change(|rules| rules.remove(id));
    }

    fn times_happened(&self, id: RuleId) -> u32 {
        self.rules.lock().times_happened(id)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Rules) -> T) -> T {
        let mut rules = self.rules.lock();
        let changed = change(&mut rules);
        self.armed.store(rules.is_armed(), Ordering::Relaxed);
        changed
    }
}
