//! The deadlines of one group, polled by its owner.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// What happens when a deadline passes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimerKey {
    /// The time to rejoin is over, or the initial delay is.
    Join,
    /// The time to send SyncGroup is over.
    Sync,
    /// A member was not heard of for its session.
    Session(Arc<str>),
    /// A member id was handed out and never used.
    Pending(Arc<str>),
    /// A member of a consumer group was told to give up partitions and has not.
    Revocation(Arc<str>),
    /// A member of a consumer group that speaks the classic protocol was told to join again and has not.
    Rejoin(Arc<str>),
    /// The same has joined and not asked for its share.
    Share(Arc<str>),
}

/// At most one deadline a key. Setting a key again moves its deadline, so a heartbeat leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_key: HashMap<TimerKey, Duration>,
    by_deadline: BTreeSet<(Duration, TimerKey)>,
}

impl Timers {
    pub(crate) fn set(&mut self, key: TimerKey, deadline: Duration) {
        if let Some(old) = self.by_key.insert(key.clone(), deadline) {
            self.by_deadline.remove(&(old, key.clone()));
        }
        self.by_deadline.insert((deadline, key));
    }

    /// Sets a key that has no deadline yet.
    pub(crate) fn set_if_absent(&mut self, key: TimerKey, deadline: Duration) {
        if !self.by_key.contains_key(&key) {
            self.set(key, deadline);
        }
    }

    pub(crate) fn cancel(&mut self, key: &TimerKey) {
        if let Some(old) = self.by_key.remove(key) {
            self.by_deadline.remove(&(old, key.clone()));
        }
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Takes the earliest key whose deadline has come.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<TimerKey> {
        if self.next_deadline()? > now {
            return None;
        }
        let (_, key) = self.by_deadline.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    pub(crate) fn clear(&mut self) {
        self.by_key.clear();
        self.by_deadline.clear();
    }

    #[cfg(test)]
    pub(crate) fn deadline(&self, key: &TimerKey) -> Option<Duration> {
        self.by_key.get(key).copied()
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &TimerKey> {
        debug_assert_eq!(self.by_key.len(), self.by_deadline.len());
        self.by_key.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_deadline_fires_once_and_in_order() {
        let mut timers = Timers::default();
        let ms = Duration::from_millis;
        timers.set(TimerKey::Join, ms(10));
        timers.set(TimerKey::Sync, ms(20));
        timers.set(TimerKey::Join, ms(30));
        assert_eq!(timers.next_deadline(), Some(ms(20)));
        assert_eq!(timers.pop_due(ms(19)), None);
        assert_eq!(timers.pop_due(ms(40)), Some(TimerKey::Sync));
        assert_eq!(timers.pop_due(ms(40)), Some(TimerKey::Join));
        assert_eq!(timers.pop_due(ms(40)), None);
        assert_eq!(timers.next_deadline(), None);
    }

    #[test]
    fn a_cancelled_deadline_never_fires() {
        let mut timers = Timers::default();
        let key = TimerKey::Session("m".into());
        timers.set(key.clone(), Duration::ZERO);
        timers.cancel(&key);
        assert_eq!(timers.pop_due(Duration::MAX), None);
    }
}
