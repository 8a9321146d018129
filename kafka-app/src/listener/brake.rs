//! [`Brake`]: stops a listener whose share of dead letters passes a limit.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    config::DeadLetterBrake,
    error::{Error, ErrorKind},
};

/// One listener's brake, shared by all its consumers and those of its retry topics.
pub(crate) struct Brake {
    limit: DeadLetterBrake,
    handled: AtomicU64,
    state: Mutex<State>,
}

struct State {
    n_dead: u64,
    window: Window,
    /// Why it stopped its listener.
    passed: Option<Arc<str>>,
}

impl Brake {
    pub(crate) fn new(limit: DeadLetterBrake) -> Arc<Self> {
        let state = State { n_dead: 0, window: Window::new(limit.within), passed: None };
        Arc::new(Self { limit, handled: AtomicU64::new(0), state: Mutex::new(state) })
    }

    /// The handler was called for these and ended well.
    pub(crate) fn handled(&self, n_records: u64) {
        self.handled.fetch_add(n_records, Relaxed);
    }

    /// A record is about to become a dead letter. `Err`: it must not, and its listener stops.
    pub(crate) fn dead_letter(&self, error: &str, now: Instant) -> Result<(), Error> {
        let mut state = self.state.lock();
        if let Some(passed) = &state.passed {
            return Err(stopped(passed));
        }
        let counts = Counts { n_handled: self.handled.load(Relaxed), n_dead: state.n_dead + 1 };
        let recent = state.window.since(counts, now);
        if recent.passes(&self.limit) {
            let text = self.text(recent, error);
            state.passed = Some(text.as_str().into());
            return Err(stopped(&text));
        }
        state.n_dead += 1;
        Ok(())
    }

    /// Takes note of what was counted until now; to be called about once a second. Returns why its listener has to stop.
    pub(crate) fn look(&self, now: Instant) -> Option<Error> {
        let mut state = self.state.lock();
        let counts = Counts { n_handled: self.handled.load(Relaxed), n_dead: state.n_dead };
        state.window.note(counts, now);
        state.passed.as_deref().map(stopped)
    }

    /// Whether it has stopped its listener.
    pub(crate) fn has_stopped(&self) -> bool {
        self.state.lock().passed.is_some()
    }

    pub(crate) fn reset(&self) {
        let mut state = self.state.lock();
        self.handled.store(0, Relaxed);
        *state = State { n_dead: 0, window: Window::new(self.limit.within), passed: None };
    }

    fn text(&self, recent: Counts, error: &str) -> String {
        let DeadLetterBrake { share, within, .. } = self.limit;
        format!(
            "its dead-letter brake stopped it: with this one, {} of {} records within {} would be dead letters, more than {}%; \
             the last failed with: {error}; mend the cause and start the listener again",
            recent.n_dead,
            recent.n_records(),
            humantime::format_duration(within),
            share * 100.0,
        )
    }
}

fn stopped(text: &str) -> Error {
    Error::new(ErrorKind::DeadLetterBrake, text)
}

impl fmt::Debug for Brake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brake").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// Records that were finished, of all there were or of some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    n_handled: u64,
    n_dead: u64,
}

impl Counts {
    fn n_records(self) -> u64 {
        self.n_handled.saturating_add(self.n_dead)
    }

    fn passes(self, limit: &DeadLetterBrake) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a share of so many records needs no more")]
        let (n_dead, n_records) = (self.n_dead as f64, self.n_records() as f64);
        self.n_records() >= u64::from(limit.at_least) && n_dead > limit.share * n_records
    }
}

/// What was counted over the last so long, out of counts that only grow: pure.
struct Window {
    length: Duration,
    /// From the last that is not within the window on; none is nearer to the one before than a part of the window.
    noted: VecDeque<(Instant, Counts)>,
}

/// A window is as exact as this.
const PARTS: u32 = 20;

impl Window {
    fn new(length: Duration) -> Self {
        Self { length, noted: VecDeque::new() }
    }

    fn note(&mut self, counts: Counts, now: Instant) {
        let part = self.length / PARTS;
        if self.noted.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= part) {
            self.noted.push_back((now, counts));
        }
        while self.noted.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) >= self.length) {
            self.noted.pop_front();
        }
    }

    /// What came within the window, if these are the counts now.
    fn since(&self, counts: Counts, now: Instant) -> Counts {
        let is_before = |(at, _): &&(Instant, Counts)| now.saturating_duration_since(*at) >= self.length;
        // Without one nothing was forgotten yet: all of it came within the window.
        let before = self.noted.iter().take_while(is_before).last();
        let before = before.map(|(_, counts)| *counts).unwrap_or_default();
        Counts {
            n_handled: counts.n_handled.saturating_sub(before.n_handled),
            n_dead: counts.n_dead.saturating_sub(before.n_dead),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn brake() -> Arc<Brake> {
        Brake::new(DeadLetterBrake { share: 0.5, within: 60 * SECOND, at_least: 4 })
    }

    fn dead(brake: &Brake, n: usize, now: Instant) -> usize {
        (0..n).take_while(|_| brake.dead_letter("no such customer", now).is_ok()).count()
    }

    #[test]
    fn of_few_records_no_share_is_told() {
        let (brake, now) = (brake(), Instant::now());
        assert_eq!(dead(&brake, 9, now), 3, "the fourth is one of at least four, and all are dead");
    }

    #[test]
    fn the_share_is_of_all_that_was_finished() {
        let (brake, now) = (brake(), Instant::now());
        brake.handled(10);
        brake.look(now);
        assert_eq!(dead(&brake, 99, now), 10, "ten of twenty are a half, eleven of twenty-one are more");
        let error = brake.dead_letter("no", now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DeadLetterBrake);
        let text = error.to_string();
        assert!(text.contains("11 of 21 records within 1m would be dead letters, more than 50%"), "{text}");
        assert!(text.contains("no such customer"), "{text}");
        assert_eq!(brake.look(now).expect("all its consumers stop").to_string(), text);
    }

    #[test]
    fn what_was_long_ago_does_not_count() {
        let (brake, mut now) = (brake(), Instant::now());
        brake.look(now);
        brake.handled(1_000_000);
        assert_eq!(dead(&brake, 99, now), 99, "of a million that is nothing");
        for _ in 0..120 {
            now += SECOND;
            assert!(brake.look(now).is_none());
        }
        assert_eq!(dead(&brake, 99, now), 3);
    }

    #[test]
    fn a_few_dead_letters_now_and_then_stop_nothing() {
        let (brake, mut now) = (brake(), Instant::now());
        for _ in 0..1_000 {
            assert_eq!(dead(&brake, 3, now), 3);
            for _ in 0..70 {
                now += SECOND;
                assert!(brake.look(now).is_none());
            }
        }
    }

    #[test]
    fn it_counts_anew_when_its_listener_is_started_by_hand() {
        let (brake, now) = (brake(), Instant::now());
        dead(&brake, 9, now);
        brake.reset();
        assert!(brake.look(now).is_none());
        assert_eq!(dead(&brake, 9, now), 3);
    }

    proptest! {
        /// It stops exactly when what a look at every single record would say is more than the limit, but for what was
        /// finished within the one part of the window that is not told apart.
        #[test]
        fn it_stops_for_what_came_within_the_window(
            steps in prop::collection::vec((0..3_000_u64, 0..6_u64, any::<bool>()), 1..200),
        ) {
            let limit = DeadLetterBrake { share: 0.5, within: 20 * SECOND, at_least: 4 };
            let (brake, mut now) = (Brake::new(limit), Instant::now());
            let mut finished: Vec<(Instant, u64, u64)> = Vec::new();
            for (ms, n_handled, is_dead) in steps {
                // The pump looks once a second at least.
                let until = now + Duration::from_millis(ms);
                while now < until {
                    now = (now + SECOND).min(until);
                    prop_assert!(brake.look(now).is_none());
                }
                brake.handled(n_handled);
                finished.push((now, n_handled, 0));
                if is_dead {
                    finished.push((now, 0, 1));
                    let passes = |slack: Duration| {
                        let recent = finished.iter().filter(|(at, ..)| now.duration_since(*at) <= limit.within + slack);
                        let (n_handled, n_dead) = recent.fold((0, 0), |(h, d), (_, handled, dead)| (h + handled, d + dead));
                        Counts { n_handled, n_dead }.passes(&limit)
                    };
                    let stopped = brake.dead_letter("no", now).is_err();
                    let ages = finished.iter().map(|(at, ..)| now.duration_since(*at).saturating_sub(limit.within));
                    let slacks = ages.filter(|slack| *slack < 2 * SECOND).collect::<std::collections::BTreeSet<_>>();
                    let possible: Vec<_> = slacks.into_iter().map(passes).collect();
                    prop_assert!(possible.contains(&stopped), "stopped {stopped}, but {possible:?}");
                    if stopped {
                        break;
                    }
                }
            }
        }
    }
}
