//! [`BackOff`]: the delays between deliveries.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use crate::config::Retry;

/// The delays between deliveries, one after the other and without an end: who asks counts.
#[derive(Debug, Clone)]
pub(crate) struct BackOff<R> {
    next: Duration,
    multiplier: f64,
    max: Duration,
    jitter: f64,
    /// Evenly from 0 to 1.
    random: R,
}

impl<R: FnMut() -> f64> BackOff<R> {
    pub(crate) fn new(retry: &Retry, random: R) -> Self {
        Self {
            next: retry.backoff.min(retry.max_backoff),
            multiplier: retry.multiplier.max(1.0),
            max: retry.max_backoff,
            jitter: retry.jitter.clamp(0.0, 1.0),
            random,
        }
    }

    /// The delay before the next delivery. Jitter only shortens it, so that `max` holds.
    pub(crate) fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = grown(delay, self.multiplier).min(self.max);
        if self.jitter == 0.0 || delay.is_zero() {
            return delay;
        }
        delay.mul_f64(1.0 - self.jitter * (self.random)().clamp(0.0, 1.0))
    }
}

/// Saturates: the limit is as long as a `Duration` can be.
fn grown(delay: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// Evenly from 0 to 1, from the seeds std gives its hash maps: enough to keep consumers from retrying in step.
pub(crate) fn random() -> f64 {
    const STEPS: u32 = 1 << 24;
    let bits = RandomState::new().build_hasher().finish() % u64::from(STEPS);
    u32::try_from(bits).map_or(0.0, f64::from) / f64::from(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(retry: &Retry, random: f64, n: usize) -> Vec<u128> {
        let mut back_off = BackOff::new(retry, || random);
        (0..n).map(|_| back_off.next_delay().as_millis()).collect()
    }

    fn retry(backoff_ms: u64, multiplier: f64, max_ms: Option<u64>, jitter: f64) -> Retry {
        let max_backoff = max_ms.map_or(Duration::MAX, Duration::from_millis);
        Retry { attempts: 9, backoff: Duration::from_millis(backoff_ms), multiplier, max_backoff, jitter }
    }

    #[test]
    fn the_default_has_no_delay() {
        assert_eq!(delays(&Retry::default(), 0.5, 3), [0, 0, 0]);
    }

    #[test]
    fn a_fixed_back_off_stays() {
        assert_eq!(delays(&retry(100, 1.0, None, 0.0), 0.5, 3), [100, 100, 100]);
    }

    #[test]
    fn an_exponential_one_grows_to_its_maximum() {
        assert_eq!(delays(&retry(100, 2.0, Some(350), 0.0), 0.5, 4), [100, 200, 350, 350]);
        assert_eq!(delays(&retry(100, 2.0, Some(50), 0.0), 0.5, 2), [50, 50]);
    }

    #[test]
    fn without_a_maximum_it_grows_until_time_ends() {
        let mut back_off = BackOff::new(&retry(100, 1e9, None, 0.0), || 0.0);
        let last = (0..50).map(|_| back_off.next_delay()).last();
        assert_eq!(last, Some(Duration::MAX));
    }

    #[test]
    fn jitter_only_shortens() {
        assert_eq!(delays(&retry(100, 2.0, Some(200), 0.5), 0.0, 3), [100, 200, 200]);
        assert_eq!(delays(&retry(100, 2.0, Some(200), 0.5), 1.0, 3), [50, 100, 100]);
        assert_eq!(delays(&retry(100, 1.0, None, 1.0), 1.0, 2), [0, 0]);
    }

    #[test]
    fn randomness_is_spread_between_its_ends() {
        let drawn: Vec<f64> = (0..1_000).map(|_| random()).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)));
        let mean = drawn.iter().sum::<f64>() / 1_000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
