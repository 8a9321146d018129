//! Chance that comes out the same from the same seed (SplitMix64, by Sebastiano Vigna).

use std::time::Duration;

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of one rule: other rules, however many draws they take, do not change it.
    pub(super) fn of_rule(seed: u64, number: u64) -> Self {
        let mut random = Self(seed);
        let start = random.next() ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Self(start)
    }

    /// As [`of_rule`](Self::of_rule), of a link; the two count by themselves.
    pub(super) fn of_link(seed: u64, number: u64) -> Self {
        Self::of_rule(seed ^ 0x4C69_6E6B, number)
    }

    /// As [`of_rule`](Self::of_rule), of elections.
    pub(crate) fn of_elections(seed: u64) -> Self {
        Self::of_rule(seed ^ 0x4C65_6164, 0)
    }

    /// As [`of_rule`](Self::of_rule), of where the replicas of a topic come to lie.
    pub(crate) fn of_placement(seed: u64, number: usize) -> Self {
        Self::of_rule(seed ^ 0x506C_6163, u64::try_from(number).unwrap_or(u64::MAX))
    }

    /// Has several be in another order, each as likely as the others.
    pub(crate) fn shuffle<T>(&mut self, several: &mut [T]) {
        for end in (1..several.len()).rev() {
            let n = u64::try_from(end + 1).unwrap_or(u64::MAX);
            several.swap(end, usize::try_from(self.next() % n).unwrap_or(end));
        }
    }

    /// One of several, each as likely as the others.
    pub(crate) fn one_of<T: Copy>(&mut self, several: &[T]) -> Option<T> {
        let n = u64::try_from(several.len()).ok().filter(|n| *n > 0)?;
        several.get(usize::try_from(self.next() % n).ok()?).copied()
    }

    /// A time that is longer or shorter by up to `jitter`.
    pub(super) fn around(&mut self, time: Duration, jitter: Duration) -> Duration {
        if jitter.is_zero() {
            return time;
        }
        let shift = jitter.saturating_mul(2).mul_f64(self.below_one());
        time.saturating_add(shift).saturating_sub(jitter)
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.below_one() < probability
    }

    /// At least 0, less than 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds exactly")]
    fn below_one(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
