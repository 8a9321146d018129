//! Those who want to look again whenever something has happened.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::Waiter;

/// Waiters by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Watches(Mutex<HashMap<u64, Arc<Waiter>>>);

impl Watches {
    /// Wakes `waiter` every time, until it is taken [off](Self::remove) by its number.
    pub(crate) fn add(&self, number: u64, waiter: &Arc<Waiter>) {
        self.0.lock().insert(number, Arc::clone(waiter));
    }

    pub(crate) fn remove(&self, number: u64) {
        self.0.lock().remove(&number);
    }

    /// Wakes without the lock: whoever is woken may take itself off at once.
    pub(crate) fn wake(&self) {
        let all: Vec<_> = self.0.lock().values().cloned().collect();
        all.iter().for_each(|waiter| waiter.wake());
    }
}
