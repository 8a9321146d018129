//! Time as the broker sees it: the real clock, and one that tests turn by hand.
//!
//! No other module reads the system's clocks. Whoever waits, waits on a [`Waiter`] with a deadline of this clock, so that
//! a test can let thirty seconds of a session pass in no time at all.

use std::fmt;
#[cfg(feature = "fuzzing")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};

/// A point in time: what has passed since the clock was made. It never goes backwards.
pub(crate) type Timestamp = Duration;

/// The clock of one broker. Clones tell the same time.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Real { started: Instant },
    Manual(ManualState),
}

#[derive(Debug)]
struct ManualState {
    now: Mutex<Duration>,
    started_at_ms: i64,
    sleepers: Mutex<Vec<Weak<Waiter>>>,
    #[cfg(feature = "fuzzing")]
    driver: OnceLock<Weak<dyn Driver>>,
}

/// Lets time pass where nobody else can, because there is one thread only.
#[cfg(feature = "fuzzing")]
pub(crate) trait Driver: fmt::Debug + Send + Sync {
    /// Called instead of blocking until `deadline`: moves the time, or does what is due, which may wake the waiter.
    fn pass_time(&self, deadline: Option<Timestamp>);
}

impl Clock {
    /// The system's clock.
    pub(crate) fn real() -> Self {
        Self(Arc::new(Kind::Real { started: Instant::now() }))
    }

    /// A clock that stands still until its [`ManualClock`] moves it.
    pub(crate) fn manual(started_at_ms: i64) -> (Self, ManualClock) {
        let state = ManualState {
            now: Mutex::new(Duration::ZERO),
            started_at_ms,
            sleepers: Mutex::default(),
            #[cfg(feature = "fuzzing")]
            driver: OnceLock::new(),
        };
        let clock = Self(Arc::new(Kind::Manual(state)));
        (clock.clone(), ManualClock(clock))
    }

    /// What moves it, if it stands still by itself.
    pub(crate) fn hand(&self) -> Option<ManualClock> {
        matches!(*self.0, Kind::Manual(_)).then(|| ManualClock(self.clone()))
    }

    /// From now on nobody blocks: whoever would have this driver let time pass.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn drive_by(&self, driver: Weak<dyn Driver>) {
        if let Kind::Manual(state) = &*self.0 {
            _ = state.driver.set(driver);
        }
    }

    /// Moves the time on to `at`.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn pass_until(&self, at: Timestamp) {
        if let Kind::Manual(state) = &*self.0 {
            let mut now = state.now.lock();
            *now = at.max(*now);
        }
    }

    #[cfg(feature = "fuzzing")]
    fn driver(&self) -> Option<Arc<dyn Driver>> {
        match &*self.0 {
            Kind::Real { .. } => None,
            Kind::Manual(state) => state.driver.get()?.upgrade(),
        }
    }

    /// What has passed since the clock was made.
    pub(crate) fn now(&self) -> Timestamp {
        match &*self.0 {
            Kind::Real { started } => started.elapsed(),
            Kind::Manual(state) => *state.now.lock(),
        }
    }

    /// The time of day, in milliseconds since 1970: what record timestamps are made of.
    pub(crate) fn wall_ms(&self) -> i64 {
        match &*self.0 {
            Kind::Real { .. } => system_wall_ms(),
            Kind::Manual(state) => state.started_at_ms.saturating_add(as_ms(*state.now.lock())),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time of day")]
fn system_wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, as_ms)
}

fn as_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Moves a broker's time in a test.
///
/// Made by [`EmbeddedBrokerBuilder::manual_clock`](crate::EmbeddedBrokerBuilder::manual_clock);
/// [`EmbeddedBroker::clock`](crate::EmbeddedBroker::clock) has it too.
#[derive(Clone)]
pub struct ManualClock(Clock);

impl ManualClock {
    /// Lets `duration` pass at once: everything that is due by then happens.
    pub fn advance(&self, duration: Duration) {
        let Kind::Manual(state) = &*self.0.0 else { return };
        *state.now.lock() += duration;
        let sleepers = std::mem::take(&mut *state.sleepers.lock());
        for sleeper in sleepers.iter().filter_map(Weak::upgrade) {
            sleeper.look_again();
        }
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.0.now()).finish()
    }
}

/// What one blocked thread, or one task of an async runtime, waits on.
///
/// Waking is sticky: a wake before the wait is not lost. One wait consumes all wakes before it.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    state: Mutex<WaiterState>,
    condvar: Condvar,
    waited_ns: AtomicU64,
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct WaiterState {
    woken: bool,
    waker: Option<Waker>,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Somebody called [`Waiter::wake`].
    Event,
    /// The deadline has passed.
    Deadline,
}

impl Waiter {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Wakes whoever waits, or the next one that will.
    pub(crate) fn wake(&self) {
        let mut state = self.state.lock();
        state.woken = true;
        let waker = state.waker.take();
        self.condvar.notify_all();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes whoever waits, for good: nobody who looks at [`has_ended`](Self::has_ended) waits on it again.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Whether what it waits for does not matter any more: its connection is to be closed, or the broker stops.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Blocks until a wake or the deadline; without a deadline, until a wake.
    pub(crate) fn wait(self: &Arc<Self>, clock: &Clock, deadline: Option<Timestamp>) -> Woken {
        let before = clock.now();
        let woken = self.block(clock, deadline);
        let waited = u64::try_from((clock.now() - before).as_nanos()).unwrap_or(u64::MAX);
        self.waited_ns.fetch_add(waited, Ordering::Relaxed);
        woken
    }

    /// The time spent waiting since this was last asked: a request that waits does no work.
    pub(crate) fn take_waited(&self) -> Duration {
        Duration::from_nanos(self.waited_ns.swap(0, Ordering::Relaxed))
    }

    fn block(self: &Arc<Self>, clock: &Clock, deadline: Option<Timestamp>) -> Woken {
        let mut state = self.state.lock();
        loop {
            if std::mem::take(&mut state.woken) || self.has_ended() {
                return Woken::Event;
            }
            #[cfg(feature = "fuzzing")]
            if let Some(driver) = clock.driver() {
                if deadline.is_some_and(|deadline| clock.now() >= deadline) {
                    return Woken::Deadline;
                }
                drop(state);
                driver.pass_time(deadline);
                state = self.state.lock();
                continue;
            }
            match (&*clock.0, deadline) {
                (_, None) => self.condvar.wait(&mut state),
                (Kind::Real { started }, Some(deadline)) => {
                    // A deadline past what an Instant can hold is no deadline.
                    let Some(at) = started.checked_add(deadline) else {
                        self.condvar.wait(&mut state);
                        continue;
                    };
                    if self.condvar.wait_until(&mut state, at).timed_out() && !state.woken {
                        return Woken::Deadline;
                    }
                }
                (Kind::Manual(manual), Some(deadline)) => {
                    // Registered before the look at the time: an advance in between finds us and wakes us.
                    manual.sleepers.lock().push(Arc::downgrade(self));
                    if *manual.now.lock() >= deadline {
                        return Woken::Deadline;
                    }
                    self.condvar.wait(&mut state);
                }
            }
        }
    }

    /// Takes a wake if there was one, else leaves the waker to be called at the next.
    pub(crate) fn poll_wake(&self, waker: &Waker) -> bool {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.woken) || self.has_ended() {
            return true;
        }
        state.waker = Some(waker.clone());
        false
    }

    /// Lets a blocked wait compare its deadline with the clock again.
    fn look_again(&self) {
        // The lock makes sure that the waiter is either before its look at the time or inside the condvar.
        let _state = self.state.lock();
        self.condvar.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_before_the_wait_is_not_lost() {
        let waiter = Waiter::new();
        waiter.wake();
        assert_eq!(waiter.wait(&Clock::real(), None), Woken::Event);
    }

    #[test]
    fn nobody_waits_on_what_has_ended() {
        let waiter = Waiter::new();
        waiter.end();
        assert_eq!([0, 1].map(|_| waiter.wait(&Clock::real(), None)), [Woken::Event; 2]);
        assert!(waiter.has_ended());
    }

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let clock = Clock::real();
        let deadline = clock.now() + Duration::from_millis(5);
        assert_eq!(Waiter::new().wait(&clock, Some(deadline)), Woken::Deadline);
        assert!(clock.now() >= deadline);
    }

    #[test]
    fn a_manual_clock_ends_a_wait_of_an_hour_at_once() {
        let (clock, hand) = Clock::manual(1_000);
        let waiter = Waiter::new();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| waiter.wait(&clock, Some(Duration::from_secs(3600))));
            hand.advance(Duration::from_secs(1800));
            hand.advance(Duration::from_secs(1800));
            assert_eq!(waiting.join().ok(), Some(Woken::Deadline));
        });
        assert_eq!(clock.wall_ms(), 1_000 + 3_600_000);
    }
}
