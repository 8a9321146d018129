//! [`Idle`]: notices that no records come: pure.

use std::time::{Duration, Instant};

use super::later::later;

/// Whether records come, and when to say that none do.
#[derive(Debug)]
pub(crate) struct Idle {
    /// `None`: nobody wants to know.
    interval: Option<Duration>,
    active_at: Instant,
    tell_at: Instant,
    is_told: bool,
}

impl Idle {
    pub(crate) fn new(interval: Option<Duration>, now: Instant) -> Self {
        Self { interval, active_at: now, tell_at: later(now, interval.unwrap_or_default()), is_told: false }
    }

    /// Records came. Returns for how long none had, if that was told.
    pub(crate) fn records_came(&mut self, now: Instant) -> Option<Duration> {
        let interval = self.interval?;
        let idle_for = now.duration_since(self.active_at);
        (self.active_at, self.tell_at) = (now, later(now, interval));
        std::mem::take(&mut self.is_told).then_some(idle_for)
    }

    /// Returns for how long no record came, when it is time to say so.
    pub(crate) fn observe(&mut self, now: Instant) -> Option<Duration> {
        let interval = self.interval.filter(|_| now >= self.tell_at)?;
        (self.tell_at, self.is_told) = (later(now, interval), true);
        Some(now.duration_since(self.active_at))
    }

    /// When to look again.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.interval.map(|_| self.tell_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_is_told_after_each_interval_and_its_end_once() {
        let start = Instant::now();
        let mut idle = Idle::new(Some(SECOND * 10), start);
        let told: Vec<u64> =
            (0..35).filter_map(|s| idle.observe(start + SECOND * s)).map(|idle_for| idle_for.as_secs()).collect();
        assert_eq!(told, [10, 20, 30]);
        assert_eq!(idle.records_came(start + SECOND * 35), Some(SECOND * 35));
        assert_eq!(idle.records_came(start + SECOND * 36), None);
        assert_eq!(idle.observe(start + SECOND * 45), None);
        assert_eq!(idle.observe(start + SECOND * 46), Some(SECOND * 10));
    }

    #[test]
    fn nobody_who_did_not_ask_is_told() {
        let start = Instant::now();
        let mut idle = Idle::new(None, start);
        assert_eq!((idle.observe(start + SECOND * 9999), idle.next_look()), (None, None));
        assert_eq!(idle.records_came(start + SECOND * 9999), None);
    }
}
