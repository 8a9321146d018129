//! [`Pulse`]: whether a consumer's thread comes back from the calls it makes.
//!
//! The client is librdkafka, whose threads may wait for each other for good (docs/librdkafka.md). Its next call does not return
//! then, and nothing that asks the client can find out: so the thread that calls it leaves word here, and others look.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A call takes microseconds; a client that ends, some seconds.
pub(crate) const HANGS_AFTER: Duration = Duration::from_secs(30);

/// Of that time, how much a thread is given that is late for its end.
const LATE_SHARE: u32 = 6;

/// What the thread of one consumer does.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// It does something that takes no time, since then.
    busy_since: Option<Instant>,
    /// It was told to have ended by then.
    ends_by: Option<Instant>,
    /// It has ended, or nobody waits for that any more.
    is_over: bool,
}

impl Pulse {
    pub(crate) fn works(&self, now: Instant) {
        self.0.lock().busy_since = Some(now);
    }

    /// It waits for something to do.
    pub(crate) fn rests(&self) {
        self.0.lock().busy_since = None;
    }

    pub(crate) fn ends_by(&self, deadline: Instant) {
        let mut state = self.0.lock();
        state.ends_by = Some(state.ends_by.map_or(deadline, |before| before.min(deadline)));
    }

    /// Nobody waits for it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().is_over
    }

    pub(crate) fn end(&self) {
        self.0.lock().is_over = true;
    }

    /// For how long it has not come back, if that is for too long. It is over then, and that is said once.
    pub(crate) fn give_up(&self, hangs_after: Duration, now: Instant) -> Option<Duration> {
        let mut state = self.0.lock();
        let is_late = state.ends_by.is_some_and(|by| now >= by);
        let limit = if is_late { hangs_after / LATE_SHARE } else { hangs_after };
        let busy_for = now.saturating_duration_since(state.busy_since.filter(|_| !state.is_over)?);
        state.is_over = busy_for >= limit;
        state.is_over.then_some(busy_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn who_rests_never_hangs_and_who_works_for_too_long_is_given_up_once() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        pulse.rests();
        assert_eq!(pulse.give_up(LIMIT, start + 100 * SECOND), None);
        pulse.works(start + 100 * SECOND);
        assert_eq!(pulse.give_up(LIMIT, start + 129 * SECOND), None);
        assert!(!pulse.is_over());
        assert_eq!(pulse.give_up(LIMIT, start + 130 * SECOND), Some(LIMIT));
        assert_eq!((pulse.give_up(LIMIT, start + 131 * SECOND), pulse.is_over()), (None, true));
    }

    #[test]
    fn who_is_late_for_its_end_is_given_less_time() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        pulse.ends_by(start + 10 * SECOND);
        pulse.ends_by(start + 20 * SECOND);
        assert_eq!(pulse.give_up(LIMIT, start + 9 * SECOND), None);
        assert_eq!(pulse.give_up(LIMIT, start + 10 * SECOND), Some(10 * SECOND));
    }

    #[test]
    fn who_has_ended_does_not_hang() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        pulse.end();
        assert_eq!(pulse.give_up(LIMIT, start + 100 * SECOND), None);
    }
}
