//! Connections that are there and those that came lately: pure.
//!
//! As Kafka's `ConnectionQuotas`: a connection that comes counts for the rates of its listener and of the broker, which hold
//! up the listener; then it waits for room; then its address may have too many, or open them too fast.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::limits::ConnectionLimits;
use crate::clock::Timestamp;
use crate::quotas::rate::{Rate, Windows};

/// Rates of more addresses than this are forgotten, those first that are zero again.
const MAX_IP_RATES: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Counts {
    total: usize,
    by_listener: HashMap<Arc<str>, usize>,
    by_ip: HashMap<IpAddr, usize>,
    rate: Rate,
    listener_rates: HashMap<Arc<str>, Rate>,
    ip_rates: HashMap<IpAddr, Rate>,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    TooMany(usize),
    TooFast(Duration),
}

impl Counts {
    /// A connection has come by a listener: how long it is made to wait. As in Kafka that is never longer than a window.
    pub(super) fn arrive(
        &mut self,
        limits: &ConnectionLimits,
        windows: Windows,
        listener: &Arc<str>,
        now: Timestamp,
    ) -> Duration {
        let of_broker = limits.of_broker(listener).map(|limit| note(&mut self.rate, windows, limit.rate, now));
        let rate = self.listener_rates.entry(Arc::clone(listener)).or_default();
        let of_listener = note(rate, windows, limits.of_listener(listener).rate, now);
        of_broker.unwrap_or_default().max(of_listener)
    }

    pub(super) fn has_room(&self, limits: &ConnectionLimits, listener: &Arc<str>) -> bool {
        let own = self.by_listener.get(listener).copied().unwrap_or(0);
        own < limits.of_listener(listener).max && limits.of_broker(listener).is_none_or(|limit| self.total < limit.max)
    }

    /// Counts a connection.
    ///
    /// # Errors
    ///
    /// Its address may have no more, or not yet.
    pub(super) fn admit(
        &mut self,
        limits: &ConnectionLimits,
        windows: Windows,
        (listener, ip): (&Arc<str>, IpAddr),
        ip_rate: Option<f64>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if let Some(bound) = ip_rate {
            let wait = self.note_ip(windows, ip, bound, now);
            if wait > Duration::ZERO {
                self.take_back(limits, windows, listener, now);
                return Err(Refused::TooFast(wait));
            }
        }
        let max = limits.max_of(ip);
        if self.by_ip.get(&ip).copied().unwrap_or(0) >= max {
            return Err(Refused::TooMany(max));
        }
        self.total += 1;
        *self.by_listener.entry(Arc::clone(listener)).or_default() += 1;
        *self.by_ip.entry(ip).or_default() += 1;
        Ok(())
    }

    /// Begins to count anew how fast connections come.
    pub(super) fn forget_rates(&mut self) {
        (self.rate, self.listener_rates, self.ip_rates) = Default::default();
    }

    /// A connection that was counted has ended.
    pub(super) fn leave(&mut self, listener: &Arc<str>, ip: IpAddr) {
        self.total = self.total.saturating_sub(1);
        take_one(&mut self.by_listener, listener);
        take_one(&mut self.by_ip, &ip);
    }

    /// One that is refused for its address does not count for that.
    fn note_ip(&mut self, windows: Windows, ip: IpAddr, bound: f64, now: Timestamp) -> Duration {
        if self.ip_rates.len() >= MAX_IP_RATES && !self.ip_rates.contains_key(&ip) {
            self.ip_rates.retain(|_, rate| !rate.is_zero(windows, now));
        }
        let rate = self.ip_rates.entry(ip).or_default();
        let wait = note(rate, windows, bound, now);
        if wait > Duration::ZERO {
            rate.record(windows, -1.0, now);
        }
        wait
    }

    /// Nor does it count for the listener and the broker.
    fn take_back(&mut self, limits: &ConnectionLimits, windows: Windows, listener: &Arc<str>, now: Timestamp) {
        if limits.of_broker(listener).is_some() {
            self.rate.record(windows, -1.0, now);
        }
        self.listener_rates.entry(Arc::clone(listener)).or_default().record(windows, -1.0, now);
    }
}

fn note(rate: &mut Rate, windows: Windows, bound: f64, now: Timestamp) -> Duration {
    rate.record(windows, 1.0, now);
    rate.excess(windows, bound, now).min(windows.size)
}

fn take_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::{BrokerLayers, Configs};

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

    struct World {
        limits: ConnectionLimits,
        counts: Counts,
        plain: Arc<str>,
        out: Arc<str>,
    }

    fn world(pairs: &[(&str, &str)]) -> World {
        let file: Configs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let layers = BrokerLayers { file, ..BrokerLayers::default() };
        let (plain, out): (Arc<str>, Arc<str>) = (Arc::from("PLAINTEXT"), Arc::from("OUT"));
        let limits = ConnectionLimits::read(&layers, 1, [&plain, &out]);
        World { limits, counts: Counts::default(), plain, out }
    }

    impl World {
        fn come(&mut self, ip: IpAddr, ip_rate: Option<f64>, at_ms: u64) -> Result<(), Refused> {
            let now = Duration::from_millis(at_ms);
            self.counts.admit(&self.limits, Windows::default(), (&self.out, ip), ip_rate, now)
        }

        fn arrive(&mut self, at_ms: u64) -> u128 {
            let now = Duration::from_millis(at_ms);
            self.counts.arrive(&self.limits, Windows::default(), &self.out, now).as_millis()
        }
    }

    #[test]
    fn an_address_has_as_many_as_it_may() {
        let mut world = world(&[("max.connections.per.ip", "2"), ("max.connections.per.ip.overrides", "10.0.0.1:1")]);
        assert_eq!(world.come(HOME, None, 0), Ok(()));
        assert_eq!(world.come(HOME, None, 0), Ok(()));
        assert_eq!(world.come(HOME, None, 0), Err(Refused::TooMany(2)));
        assert_eq!(world.come(AWAY, None, 0), Ok(()));
        assert_eq!(world.come(AWAY, None, 0), Err(Refused::TooMany(1)));
        world.counts.leave(&world.out, HOME);
        assert_eq!(world.come(HOME, None, 0), Ok(()));
    }

    #[test]
    fn a_full_broker_has_room_where_brokers_talk_and_a_full_listener_has_none() {
        let mut world = world(&[("max.connections", "1")]);
        assert!(world.counts.has_room(&world.limits, &world.out));
        assert_eq!(world.come(HOME, None, 0), Ok(()));
        assert!(!world.counts.has_room(&world.limits, &world.out));
        assert!(world.counts.has_room(&world.limits, &world.plain));
        world.counts.leave(&world.out, HOME);
        assert!(world.counts.has_room(&world.limits, &world.out));
    }

    #[test]
    fn connections_that_come_too_fast_hold_up_their_listener() {
        let mut world = world(&[("listener.name.out.max.connection.creation.rate", "1")]);
        assert!((0..10).all(|_| world.arrive(0) == 0), "ten windows hold ten");
        assert_eq!(world.arrive(0), 1000, "never longer than a window");
        assert_eq!(world.arrive(30_000), 0);
    }

    #[test]
    fn an_address_that_opens_too_fast_is_refused_and_does_not_count() {
        let mut world = world(&[("max.connection.creation.rate", "1")]);
        for _ in 0..10 {
            assert_eq!(world.arrive(0), 0);
            assert_eq!(world.come(HOME, Some(1.0), 0), Ok(()));
        }
        for _ in 0..2 {
            assert_eq!(world.arrive(0), 1000, "as the one before was taken back");
            assert_eq!(world.come(HOME, Some(1.0), 0), Err(Refused::TooFast(Duration::from_secs(1))));
        }
        assert_eq!(world.come(AWAY, Some(1.0), 0), Ok(()));
        assert_eq!(world.come(HOME, Some(1.0), 30_000), Ok(()));
    }
}
