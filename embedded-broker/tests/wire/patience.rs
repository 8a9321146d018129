//! Waiting with a deadline: what never comes fails its test and is named, instead of a test that hangs.
//!
//! What a broker tells of by itself is waited for with its own `await_*`; here is what can only be looked at again.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use embedded_broker::ManualClock;

/// How long it may take on a machine that is busy: the broker's timer thread, which has its own pace, and a real broker that
/// learns of a change.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until it is so.
#[track_caller]
pub(crate) fn comes_true(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came true that {what}");
        std::thread::yield_now();
    }
}

/// Asks until the answer is as wanted: a real controller confirms a change before all parts of the brokers know of it. Each
/// turn waits for an answer.
#[track_caller]
pub(crate) fn ask_until<T: Debug>(mut ask: impl FnMut() -> T, is_wanted: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = ask();
        if is_wanted(&seen) {
            return seen;
        }
        assert!(Instant::now() < deadline, "it never became as wanted: {seen:?}");
    }
}

/// Lets time go on until the function has come to its end; what has passed meanwhile, in steps. What it waits for must have
/// a deadline of its own, as answers of a [`Client`](crate::client::Client) have.
#[allow(dead_code, reason = "the differential test, which shares this file, moves no clock")]
#[track_caller]
pub(crate) fn pass_time_until<T: Send>(
    hand: &ManualClock,
    step: Duration,
    wait: impl FnOnce() -> T + Send,
) -> (T, Duration) {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(wait);
        let mut passed = Duration::ZERO;
        // However late the other side comes to its wait, it sees that time goes on.
        comes_true("what is waited for comes in time", || {
            let is_over = waiting.is_finished();
            if !is_over {
                hand.advance(step);
                passed += step;
            }
            is_over
        });
        (waiting.join().expect("it comes to its end"), passed)
    })
}
