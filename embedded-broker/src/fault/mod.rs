//! Faults that a test sets: which requests they meet, and what becomes of those.
//!
//! [`rules`] and [`links`] are the pure part: rules in their order, how often each may still happen, and the draws of
//! chance; what the ways to the clients are like. The guards and the ways to them, for tests, are in [`builder`] and
//! [`network`]; what a fault does to a connection is in `server/faulty.rs`.
//! As long as no fault is set, a request pays for all this with one relaxed load.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::fault::links::{Condition, LinkId, Links, Trouble};
use crate::fault::rules::{Asked, Outcome, Rule, RuleId, Rules};

pub(crate) mod api_name;
pub(crate) mod builder;
mod links;
pub(crate) mod network;
mod random;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
mod verbs;

/// The faults of one broker.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Whether any rule can still happen, or any way is in trouble.
    armed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rules: Rules,
    links: Links,
}

impl Faults {
    /// Nothing goes wrong yet; from one seed the same comes by chance each time.
    pub(crate) fn new(seed: u64) -> Self {
        let state = State { rules: Rules::new(seed), links: Links::default() };
        Self { armed: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Whether it is worth asking what [meets](Self::meet) a request.
    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// What happens to this request.
    pub(crate) fn meet(&self, asked: &Asked<'_>) -> Option<Outcome> {
        self.change(|state| state.rules.meet(asked))
    }

    /// What the way to this client is like.
    pub(crate) fn condition(&self, client_id: &str) -> Condition {
        self.state.lock().links.condition(client_id)
    }

    fn add_link(&self, client_id: Option<String>, trouble: Trouble) -> LinkId {
        self.change(|state| state.links.add(client_id, trouble))
    }

    fn remove_link(&self, id: LinkId) {
        self.change(|state| state.links.remove(id));
    }

    fn add(&self, rule: Rule) -> RuleId {
        self.change(|state| state.rules.add(rule))
    }

    fn remove(&self, id: RuleId) {
        self.change(|state| state.rules.remove(id));
    }

    fn times_happened(&self, id: RuleId) -> u32 {
        self.state.lock().rules.times_happened(id)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let changed = change(&mut state);
        self.armed.store(state.rules.is_armed() || !state.links.is_empty(), Ordering::Relaxed);
        changed
    }
}
