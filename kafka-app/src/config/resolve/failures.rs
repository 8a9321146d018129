//! What is done about a record that fails.

use std::time::Duration;

use super::{Place, Resolver, topics::check_topic};
use crate::config::{DeadLetter, RateLimit, Retry};

impl Resolver<'_> {
    pub(super) fn retry(&self) -> Retry {
        let default = Retry::default();
        let multiplier = self.said(|s| s.retry.multiplier);
        let max_backoff = self.said(|s| s.retry.max_backoff);
        let jitter = self.said(|s| s.retry.jitter);
        let backoff = self.said(|s| s.retry.backoff).map_or(default.backoff, |(_, backoff)| backoff);
        if let Some((place, factor)) = multiplier
            && !(factor.is_finite() && factor >= 1.0)
        {
            self.mistake(place, "retry.multiplier", "must be at least 1");
        }
        if let Some((place, share)) = jitter
            && !(0.0..=1.0).contains(&share)
        {
            self.mistake(place, "retry.jitter", "must be from 0 to 1");
        }
        if let Some((place, most)) = max_backoff
            && most < backoff
        {
            self.mistake(place, "retry.max-backoff", "is less than retry.backoff");
        }
        let shaping = [
            ("retry.multiplier", multiplier.map(|(place, _)| place)),
            ("retry.max-backoff", max_backoff.map(|(place, _)| place)),
            ("retry.jitter", jitter.map(|(place, _)| place)),
        ];
        for (key, place) in shaping.into_iter().filter(|_| backoff.is_zero()) {
            if let Some(place) = place.filter(|place| *place > Place::Default) {
                self.mistake(place, key, "has no effect without retry.backoff");
            }
        }
        Retry {
            attempts: self.attempts(default.attempts),
            backoff,
            multiplier: multiplier.map_or(default.multiplier, |(_, factor)| factor),
            max_backoff: max_backoff.map_or(default.max_backoff, |(_, most)| most),
            jitter: jitter.map_or(default.jitter, |(_, share)| share),
        }
    }

    fn attempts(&self, default: u32) -> u32 {
        // Each delivery in place would hold up the records behind it: that is what retry topics are there to avoid.
        let default = if self.has_retry_topics() || self.is_dlt_handler() { 1 } else { default };
        let attempts = self.positive("retry.attempts", |s| s.retry.attempts, default);
        if self.is_at_most_once() { 1 } else { attempts }
    }

    /// At-most-once has nothing to keep a spent record for.
    pub(super) fn dead_letter(&self) -> DeadLetter {
        let said = self.said(|s| s.dead_letter.clone());
        if let Some((place, DeadLetter::Topic(topic))) = &said
            && let Err(text) = check_topic(topic)
        {
            self.mistake(*place, "dead-letter", text);
        }
        match said {
            _ if self.is_at_most_once() => DeadLetter::Off,
            // What is said of all listeners is not for those that handle the dead letters.
            Some((place, said)) if place > Place::Default || !self.is_dlt_handler() => said,
            _ => self.default_dead_letter(),
        }
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        let (place, timeout) = self.said(|s| s.timeout)?;
        if timeout.is_zero() {
            self.mistake(place, "timeout", "must be more than 0; leave it out for no limit");
        }
        Some(timeout)
    }

    pub(super) fn rate_limit(&self) -> Option<RateLimit> {
        let (place, rate_limit) = self.said(|s| s.rate_limit)?;
        if rate_limit.records() == 0 || rate_limit.per().is_zero() {
            self.mistake(place, "rate-limit", "must be more than 0; leave it out for no limit, or pause the listener");
        }
        Some(rate_limit)
    }
}
