//! How much of something there was lately, measured as Kafka measures it: pure.

use std::time::Duration;

use crate::clock::Timestamp;

/// How finely and how far back is looked: `quota.window.num` samples of `quota.window.size.seconds` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Windows {
    pub(crate) samples: u32,
    pub(crate) size: Duration,
}

impl Default for Windows {
    fn default() -> Self {
        Self { samples: 11, size: Duration::from_secs(1) }
    }
}

/// What was recorded from one point of time on.
#[derive(Debug, Clone, Copy)]
struct Sample {
    value: f64,
    start: Timestamp,
    last: Timestamp,
}

/// An amount in a second, over the last windows.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    samples: Vec<Sample>,
    current: usize,
}

impl Rate {
    pub(crate) fn record(&mut self, windows: Windows, value: f64, now: Timestamp) {
        let sample = self.current(windows, now);
        sample.value += value;
        sample.last = now;
    }

    /// The sample that is filled now. There is room for one more than counts, for the one that began before the oldest.
    fn current(&mut self, windows: Windows, now: Timestamp) -> &mut Sample {
        let fresh = Sample { value: 0.0, start: now, last: now };
        let room = usize::try_from(windows.samples).unwrap_or(usize::MAX - 1) + 1;
        if self.samples.is_empty() {
            self.samples.push(fresh);
        } else if now.saturating_sub(self.samples[self.current].start) >= windows.size {
            self.current = (self.current + 1) % room;
            match self.samples.get_mut(self.current) {
                Some(oldest) => *oldest = fresh,
                None => {
                    self.current = self.samples.len();
                    self.samples.push(fresh);
                }
            }
        }
        &mut self.samples[self.current]
    }

    /// The amount in a second, and the time it is the mean of. That is never less than all full windows but one, or a
    /// first record would look like a flood.
    fn measure(&mut self, windows: Windows, now: Timestamp) -> (f64, Duration) {
        let gone = windows.size * windows.samples;
        for sample in &mut self.samples {
            if now.saturating_sub(sample.last) >= gone {
                *sample = Sample { value: 0.0, start: now, last: now };
            }
        }
        let oldest = self.samples.iter().map(|sample| sample.start).min().unwrap_or(now);
        let mut elapsed = now.saturating_sub(oldest);
        let full = u32::try_from(elapsed.as_nanos() / windows.size.as_nanos().max(1)).unwrap_or(u32::MAX);
        elapsed += windows.size * (windows.samples.saturating_sub(1)).saturating_sub(full);
        let elapsed = elapsed.max(Duration::from_millis(1));
        let total: f64 = self.samples.iter().map(|sample| sample.value).sum();
        (total / elapsed.as_secs_f64(), elapsed)
    }

    /// Whether nothing counts any more.
    pub(crate) fn is_zero(&mut self, windows: Windows, now: Timestamp) -> bool {
        self.measure(windows, now).0 <= 0.0
    }

    /// How long nothing may be added until the rate is `bound`, if it is above that.
    pub(crate) fn excess(&mut self, windows: Windows, bound: f64, now: Timestamp) -> Duration {
        let (rate, elapsed) = self.measure(windows, now);
        if rate <= bound || bound <= 0.0 {
            return Duration::ZERO;
        }
        whole_millis((rate - bound) / bound * elapsed.as_secs_f64())
    }
}

/// Tokens that come back at a rate, as many as all windows together hold; more than there are may be taken.
#[derive(Debug, Default)]
pub(crate) struct TokenBucket {
    /// Taken and not back yet.
    taken: f64,
    updated: Timestamp,
}

impl TokenBucket {
    pub(crate) fn take(&mut self, windows: Windows, rate: f64, tokens: f64, now: Timestamp) {
        self.debt(windows, rate, now);
        self.taken += tokens;
    }

    /// How long it takes until there is no token missing.
    pub(crate) fn debt(&mut self, windows: Windows, rate: f64, now: Timestamp) -> Duration {
        let back = rate * now.saturating_sub(self.updated).as_secs_f64();
        self.taken = (self.taken - back).max(0.0);
        self.updated = now;
        let missing = self.taken - rate * (windows.size * windows.samples).as_secs_f64();
        if missing <= 0.0 || rate <= 0.0 { Duration::ZERO } else { whole_millis(missing / rate) }
    }
}

fn whole_millis(seconds: f64) -> Duration {
    Duration::try_from_secs_f64((seconds * 1000.0).round() / 1000.0).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: fn(u64) -> Timestamp = Duration::from_millis;

    #[test]
    fn a_first_record_is_spread_over_all_full_windows_but_one() {
        let mut rate = Rate::default();
        rate.record(Windows::default(), 10_500.0, MS(0));
        assert_eq!(rate.excess(Windows::default(), 1000.0, MS(0)), MS(500));
        assert_eq!(rate.excess(Windows::default(), 1050.0, MS(0)), Duration::ZERO);
        assert_eq!(rate.excess(Windows::default(), 1000.0, MS(500)), Duration::ZERO);
    }

    #[test]
    fn what_is_older_than_all_windows_is_forgotten() {
        let windows = Windows::default();
        let mut rate = Rate::default();
        rate.record(windows, 1e6, MS(0));
        assert!(rate.excess(windows, 1.0, MS(10_999)) > Duration::ZERO);
        assert_eq!(rate.excess(windows, 1.0, MS(11_000)), Duration::ZERO);
    }

    #[test]
    fn a_bucket_lends_and_waits_until_it_has_got_back() {
        let windows = Windows { samples: 2, size: Duration::from_secs(1) };
        let mut bucket = TokenBucket::default();
        bucket.take(windows, 5.0, 10.0, MS(0));
        assert_eq!(bucket.debt(windows, 5.0, MS(0)), Duration::ZERO);
        bucket.take(windows, 5.0, 10.0, MS(0));
        assert_eq!(bucket.debt(windows, 5.0, MS(0)), MS(2000));
        assert_eq!(bucket.debt(windows, 5.0, MS(1500)), MS(500));
        assert_eq!(bucket.debt(windows, 5.0, MS(60_000)), Duration::ZERO);
    }

    proptest! {
        /// As long as nothing is old enough to be forgotten, the rate is all there was over all full windows but one and
        /// what has passed of the last.
        #[test]
        fn recent_records_count_whole(
            records in prop::collection::vec((0..200_u64, 1.0..5000.0_f64), 1..40),
            bound in 1.0..2000.0_f64,
        ) {
            let windows = Windows::default();
            let mut rate = Rate::default();
            let (mut now, mut total) = (MS(0), 0.0);
            for (pause, value) in records {
                now += MS(pause);
                total += value;
                rate.record(windows, value, now);
            }
            let start = rate.samples[0].start;
            let fraction = (now - start).subsec_nanos();
            let elapsed = 10.0 + f64::from(fraction) / 1e9;
            let expected = (total / bound - elapsed).max(0.0);
            let excess = rate.excess(windows, bound, now).as_secs_f64();
            prop_assert!((excess - expected).abs() < 0.002, "{excess} and not {expected}");
        }
    }
}
