//! One heap of deadlines for the whole broker, and the thread that serves it.
//!
//! A deadline has a key; a new deadline for the same key takes the place of the old one, as with the timers of Kafka's
//! coordinators. The thread holds no lock while a deadline is served.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::clock::{Clock, Timestamp, Waiter};

/// Deadlines by key.
#[derive(Debug)]
pub(crate) struct Timers<K> {
    clock: Clock,
    /// Woken when the earliest deadline changes, or at the end.
    changed: Arc<Waiter>,
    state: Mutex<Deadlines<K>>,
}

#[derive(Debug)]
struct Deadlines<K> {
    by_time: BTreeSet<(Timestamp, K)>,
    by_key: HashMap<K, Timestamp>,
    stopped: bool,
}

impl<K: Clone + Ord + Hash> Timers<K> {
    pub(crate) fn new(clock: Clock) -> Self {
        let state = Deadlines { by_time: BTreeSet::new(), by_key: HashMap::new(), stopped: false };
        Self { clock, changed: Waiter::new(), state: Mutex::new(state) }
    }

    /// Sets the deadline of `key`, in place of the one it had.
    pub(crate) fn schedule(&self, key: K, at: Timestamp) {
        let mut state = self.state.lock();
        let first_before = state.by_time.first().map(|(at, _)| *at);
        if let Some(old) = state.by_key.insert(key.clone(), at) {
            state.by_time.remove(&(old, key.clone()));
        }
        state.by_time.insert((at, key));
        // Waking the thread costs microseconds; a session that is pushed out again and again must not pay them.
        if first_before.is_none_or(|first| at < first) {
            drop(state);
            self.changed.wake();
        }
    }

    /// Forgets the deadline of `key`, if there is one.
    pub(crate) fn cancel(&self, key: &K) {
        let mut state = self.state.lock();
        if let Some(at) = state.by_key.remove(key) {
            state.by_time.remove(&(at, key.clone()));
        }
    }

    /// Serves deadlines until [`stop`](Self::stop): the body of the timer thread.
    pub(crate) fn run(&self, mut fire: impl FnMut(K)) {
        loop {
            match self.next() {
                Next::Due(key) => fire(key),
                Next::At(at) => {
                    self.changed.wait(&self.clock, at);
                }
                Next::Stopped => return,
            }
        }
    }

    /// Serves what is due now, on the calling thread. Returns the next deadline.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn run_due(&self, mut fire: impl FnMut(K)) -> Option<Timestamp> {
        loop {
            match self.next() {
                Next::Due(key) => fire(key),
                Next::At(at) => return at,
                Next::Stopped => return None,
            }
        }
    }

    /// Ends [`run`](Self::run).
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.wake();
    }

    fn next(&self) -> Next<K> {
        let mut state = self.state.lock();
        if state.stopped {
            return Next::Stopped;
        }
        let Some(&(at, _)) = state.by_time.first() else { return Next::At(None) };
        if at > self.clock.now() {
            return Next::At(Some(at));
        }
        let Some((_, key)) = state.by_time.pop_first() else { return Next::At(None) };
        state.by_key.remove(&key);
        Next::Due(key)
    }
}

enum Next<K> {
    Due(K),
    At(Option<Timestamp>),
    Stopped,
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn deadlines_are_served_in_order_once_and_only_when_due() {
        let (clock, hand) = Clock::manual(0);
        let timers = Timers::new(clock);
        let (fired, seen) = mpsc::channel();
        timers.schedule("late", Duration::from_secs(2));
        timers.schedule("moved", Duration::from_secs(1));
        timers.schedule("moved", Duration::from_secs(3));
        timers.schedule("gone", Duration::from_secs(1));
        timers.cancel(&"gone");
        std::thread::scope(|scope| {
            scope.spawn(|| timers.run(|key| fired.send(key).unwrap()));
            hand.advance(Duration::from_secs(2));
            assert_eq!(seen.recv().unwrap(), "late");
            timers.schedule("early", Duration::from_secs(2));
            assert_eq!(seen.recv().unwrap(), "early");
            assert!(seen.try_recv().is_err());
            hand.advance(Duration::from_secs(1));
            assert_eq!(seen.recv().unwrap(), "moved");
            timers.stop();
        });
    }
}
