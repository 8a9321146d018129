//! [`Limiter`]: how many records of a listener may be handed over now.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{later::later, mailbox::Mailbox};
use crate::config::RateLimit;

/// One listener's rate, over all its consumers.
pub(crate) struct Limiter(Mutex<Shared>);

struct Shared {
    rate: Rate,
    /// Consumers that could use more than they got, as it seemed: another may have held some of it.
    short: Vec<Weak<Mailbox>>,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self(Mutex::new(Shared { rate: Rate::new(limit), short: Vec::new() }))
    }

    /// Takes all there is to be had now; what is not used is to be given back.
    pub(crate) fn reserve(&self, now: Instant) -> u64 {
        self.0.lock().rate.reserve(now)
    }

    /// Gives back what this consumer has not used, which wakes those that were short of it; whoever has used all is one of them
    /// from then on.
    pub(crate) fn give_back(&self, n_records: u64, mailbox: &Arc<Mailbox>, now: Instant) {
        let awake = {
            let Shared { rate, short } = &mut *self.0.lock();
            rate.give_back(n_records);
            let this = Arc::downgrade(mailbox);
            match n_records {
                0 if rate.available(now) > 0 => vec![this], // Another has given back meanwhile.
                0 => {
                    if !short.iter().any(|one| one.ptr_eq(&this)) {
                        short.push(this);
                    }
                    Vec::new()
                }
                _ => std::mem::take(short),
            }
        };
        awake.iter().filter_map(Weak::upgrade).for_each(|mailbox| mailbox.wake());
    }

    /// When there is something to be had again; `None`: there is now.
    pub(crate) fn next_at(&self, now: Instant) -> Option<Instant> {
        self.0.lock().rate.next_at(now)
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Limiter").field(&self.0.lock().rate).finish()
    }
}

/// Each record costs time. What was handed over is paid up to some moment, which may lie ahead by [`Rate::depth`]: pure.
#[derive(Debug)]
struct Rate {
    cost: Duration,
    /// The cost of what may come at once.
    depth: Duration,
    paid_until: Option<Instant>,
}

/// What falls into it may come at once: far below what people see, far above what a clock is late by.
const AT_ONCE: Duration = Duration::from_millis(100);

impl Rate {
    fn new(limit: RateLimit) -> Self {
        let cost = (limit.per() / limit.records().max(1)).max(Duration::from_nanos(1));
        let n_at_once = AT_ONCE.as_nanos() / cost.as_nanos();
        let n_at_once = u32::try_from(n_at_once).unwrap_or(u32::MAX).clamp(1, limit.records().max(1));
        Self { cost, depth: cost.saturating_mul(n_at_once), paid_until: None }
    }

    fn available(&self, now: Instant) -> u64 {
        let ahead = self.paid_until.map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now));
        let n = self.depth.saturating_sub(ahead).as_nanos() / self.cost.as_nanos();
        u64::try_from(n).unwrap_or(u64::MAX)
    }

    fn reserve(&mut self, now: Instant) -> u64 {
        let n = self.available(now);
        let from = self.paid_until.map_or(now, |paid| paid.max(now));
        self.paid_until = Some(later(from, self.price(n)));
        n
    }

    fn give_back(&mut self, n_records: u64) {
        let price = self.price(n_records);
        self.paid_until = self.paid_until.and_then(|paid| paid.checked_sub(price));
    }

    fn next_at(&self, now: Instant) -> Option<Instant> {
        if self.available(now) > 0 {
            return None;
        }
        self.paid_until?.checked_sub(self.depth.saturating_sub(self.cost))
    }

    fn price(&self, n_records: u64) -> Duration {
        self.cost.saturating_mul(u32::try_from(n_records).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn rate(records: u32, per: Duration) -> Rate {
        Rate::new(RateLimit::new(records, per))
    }

    #[test]
    fn what_falls_into_a_tenth_of_a_second_may_come_at_once() {
        let now = Instant::now();
        assert_eq!(rate(1_000, Duration::from_secs(1)).reserve(now), 100);
        assert_eq!(rate(100, Duration::from_secs(1)).reserve(now), 10);
        assert_eq!(rate(1, Duration::from_secs(3_600)).reserve(now), 1);
        assert_eq!(rate(5, 50 * MS).reserve(now), 5, "no more than the number itself");
    }

    #[test]
    fn after_that_they_come_one_by_one() {
        let now = Instant::now();
        let mut rate = rate(10, Duration::from_secs(1));
        assert_eq!((rate.reserve(now), rate.reserve(now)), (1, 0));
        assert_eq!(rate.next_at(now), Some(now + 100 * MS));
        assert_eq!(rate.reserve(now + 99 * MS), 0);
        assert_eq!(rate.reserve(now + 100 * MS), 1);
    }

    #[test]
    fn what_is_given_back_can_be_had_again() {
        let now = Instant::now();
        let mut rate = rate(1_000, Duration::from_secs(1));
        assert_eq!(rate.reserve(now), 100);
        rate.give_back(60);
        assert_eq!((rate.next_at(now), rate.reserve(now)), (None, 60));
    }

    /// Whether it is woken within that time, which it was before or is not at all.
    fn is_awake(mailbox: &Mailbox, within: Duration) -> bool {
        let start = Instant::now();
        mailbox.wait_until(start + within);
        start.elapsed() < within
    }

    #[test]
    fn who_got_nothing_since_another_held_it_is_woken_when_that_gives_it_back() {
        let now = Instant::now();
        let limiter = Limiter::new(RateLimit::new(1, Duration::from_secs(3_600)));
        let (one, other) = (Arc::<Mailbox>::default(), Arc::<Mailbox>::default());
        assert_eq!((limiter.reserve(now), limiter.reserve(now)), (1, 0));
        limiter.give_back(0, &other, now);
        limiter.give_back(1, &one, now);
        assert_eq!((is_awake(&one, MS), is_awake(&other, 60_000 * MS)), (false, true));
        // The other way round: what it was short of is there again before it says so.
        assert_eq!((limiter.reserve(now), limiter.reserve(now)), (1, 0));
        limiter.give_back(1, &one, now);
        limiter.give_back(0, &other, now);
        assert_eq!((is_awake(&one, MS), is_awake(&other, 60_000 * MS)), (false, true));
    }

    #[test]
    fn time_without_records_is_not_saved_up() {
        let now = Instant::now();
        let mut rate = rate(10, Duration::from_secs(1));
        rate.reserve(now);
        assert_eq!(rate.reserve(now + Duration::from_secs(60)), 1);
    }

    proptest! {
        /// Whenever one asks and whatever is given back: never more than the rate and what may come at once, in any window;
        /// and who asks again when told to gets something.
        #[test]
        fn in_no_window_come_more_than_the_rate(
            records in 1..5_000_u32,
            per_ms in 1..5_000_u64,
            asks in prop::collection::vec((0..200_u32, 0..=100_u64), 1..60),
        ) {
            let per = Duration::from_millis(per_ms);
            let mut rate = rate(records, per);
            let (start, n_at_once) = (Instant::now(), rate.depth.as_nanos() / rate.cost.as_nanos());
            let (mut now, mut used) = (start, Vec::new());
            for (wait, share) in asks {
                now += wait * MS;
                let n = rate.reserve(now);
                let unused = n * share / 100;
                rate.give_back(unused);
                used.push((now, u128::from(n - unused)));
                match rate.next_at(now) {
                    None => prop_assert!(rate.available(now) > 0),
                    Some(at) => prop_assert!(at > now && rate.available(at) > 0),
                }
            }
            for from in 0..used.len() {
                let mut n = 0;
                for (at, came) in &used[from..] {
                    n += came;
                    let window = at.duration_since(used[from].0).as_nanos();
                    prop_assert!(n <= n_at_once + window / rate.cost.as_nanos() + 1, "{n} in {window} ns");
                }
            }
        }
    }
}
