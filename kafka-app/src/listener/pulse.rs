//! [`Pulse`]: whether a consumer's thread comes back from the calls it makes.
//!
//! The client is librdkafka, whose threads may wait for each other for good (docs/librdkafka.md). Its next call does not return
//! then, and nothing that asks the client can find out: so the thread that calls it leaves word here, and others look.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A call takes microseconds; a client that ends, some seconds.
pub(crate) const HANGS_AFTER: Duration = Duration::from_secs(30);

/// How often somebody looks, in that time.
pub(crate) const LOOKS: u32 = 10;

/// Of that time, how much a thread is given that is late for its end.
const LATE_SHARE: u32 = 6;

/// What the thread of one consumer does.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// It does something that takes no time.
    busy: Option<Busy>,
    /// It was told to have ended by then.
    ends_by: Option<Instant>,
    /// It has ended, or nobody waits for that any more.
    is_over: bool,
}

/// Something that a thread does, as somebody who looks now and then has seen it.
#[derive(Debug)]
struct Busy {
    /// When somebody looked, or it began.
    seen_at: Instant,
    /// For how long by then, without the time in which nobody looked, as the whole process stood still: it was frozen, or
    /// its machine slept.
    seen_for: Duration,
}

impl Pulse {
    pub(crate) fn works(&self, now: Instant) {
        self.0.lock().busy = Some(Busy { seen_at: now, seen_for: Duration::ZERO });
    }

    /// It waits for something to do.
    pub(crate) fn rests(&self) {
        self.0.lock().busy = None;
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

    /// For how long it has not come back, if that is for too long. It is over then, and that is said once. To be asked
    /// [`LOOKS`] times in `hangs_after`: of a longer time without a look no more than twice as much counts.
    pub(crate) fn give_up(&self, hangs_after: Duration, now: Instant) -> Option<Duration> {
        let State { busy, ends_by, is_over } = &mut *self.0.lock();
        let is_late = ends_by.is_some_and(|by| now >= by);
        let limit = if is_late { hangs_after / LATE_SHARE } else { hangs_after };
        let Busy { seen_at, seen_for } = busy.as_mut().filter(|_| !*is_over)?;
        *seen_for += now.saturating_duration_since(*seen_at).min(hangs_after / LOOKS * 2);
        *seen_at = now;
        *is_over = *seen_for >= limit;
        is_over.then_some(*seen_for)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMIT: Duration = Duration::from_secs(30);

    /// Looks as often as is wanted from one time to another, in seconds behind the start: what came of it, and when.
    fn look(pulse: &Pulse, start: Instant, seconds: std::ops::RangeInclusive<u32>) -> Option<(u32, Duration)> {
        seconds.step_by(3).find_map(|at| Some((at, pulse.give_up(LIMIT, start + at * SECOND)?)))
    }

    #[test]
    fn who_rests_never_hangs_and_who_works_for_too_long_is_given_up_once() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        pulse.rests();
        assert_eq!(look(&pulse, start, 0..=100), None);
        pulse.works(start + 100 * SECOND);
        assert_eq!(look(&pulse, start, 100..=129), None);
        assert!(!pulse.is_over());
        assert_eq!(look(&pulse, start, 130..=200), Some((130, LIMIT)));
        assert_eq!((look(&pulse, start, 133..=200), pulse.is_over()), (None, true));
    }

    #[test]
    fn who_comes_back_and_works_again_is_given_all_its_time_again() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        assert_eq!(look(&pulse, start, 0..=29), None);
        pulse.rests();
        pulse.works(start + 29 * SECOND);
        assert_eq!(look(&pulse, start, 30..=57), None);
    }

    #[test]
    fn who_is_late_for_its_end_is_given_less_time() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        pulse.ends_by(start + 10 * SECOND);
        pulse.ends_by(start + 20 * SECOND);
        assert_eq!(look(&pulse, start, 0..=9), None);
        assert_eq!(look(&pulse, start, 10..=10), Some((10, 10 * SECOND)));
    }

    #[test]
    fn time_in_which_the_whole_process_stood_still_is_not_held_against_it() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        assert_eq!(look(&pulse, start, 0..=9), None);
        // Frozen for an hour: so much of it counts as may pass on a slow machine.
        assert_eq!(pulse.give_up(LIMIT, start + 3_600 * SECOND), None);
        assert_eq!(look(&pulse, start, 3_603..=3_700), Some((3_615, LIMIT)));
    }

    #[test]
    fn who_has_ended_does_not_hang() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        pulse.works(start);
        pulse.end();
        assert_eq!(look(&pulse, start, 0..=100), None);
    }
}
