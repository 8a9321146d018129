//! Retry topics of a listener: which there are, and what cannot be with them.

use std::time::Duration;

use super::{Place, Resolver, topics::check_topic};
use crate::config::{
    DeadLetter, ListenerSettings, ResolvedListener, RetryTopicNames, RetryTopicSettings, RetryTopics, Subscription,
    retry_stages::{Delays, MOST_STAGES, stages},
    retry_topics::DEFAULT_BACKOFF,
};

impl Resolver<'_> {
    pub(super) fn has_retry_topics(&self) -> bool {
        self.retry_topics_place().is_some()
    }

    /// Where retry topics are turned on, if they are.
    fn retry_topics_place(&self) -> Option<Place> {
        let (place, enabled) = self.said(|s| s.retry_topics.enabled).filter(|_| !self.is_dlt_handler())?;
        // At most once overrides what was said before it.
        let since = self.said(|s| s.delivery).map_or(Place::Default, |(place, _)| place).max(Place::Declaration);
        (enabled && (!self.is_at_most_once() || place >= since)).then_some(place)
    }

    pub(super) fn retry_topics(&self, subscription: &Subscription) -> Option<RetryTopics> {
        let Some(place) = self.retry_topics_place() else {
            self.check_no_retry_topics();
            return None;
        };
        if self.is_at_most_once() {
            self.mistake(place, "retry-topics", "at-most-once never delivers a record again: leave it out");
        }
        if matches!(subscription, Subscription::Pattern(_)) {
            self.mistake(
                place,
                "retry-topics",
                "needs topics by name: those of a pattern are not known at start, when retry topics are created and read",
            );
        }
        let names = self.said(|s| s.retry_topics.topics).map(|(_, names)| names).unwrap_or_default();
        let (attempts, delays) = (self.retry_topic_attempts(), self.retry_topic_delays());
        if names == RetryTopicNames::Single && delays.multiplier > 1.0 {
            let place = self.said(|s| s.retry_topics.topics).map_or(place, |(place, _)| place);
            let text = "\"single\" needs one delay: without a multiplier, or say \"per-delay\"";
            self.mistake(place, "retry-topics.topics", text);
        }
        let suffix = self.retry_topic_suffix("suffix", |s| s.retry_topics.suffix.clone(), "-retry");
        let stages = stages(attempts, delays, names, &suffix);
        if stages.len() > MOST_STAGES {
            let text = format!(
                "makes more than {MOST_STAGES} retry topics, each with a consumer: fewer attempts, a max-backoff, or one delay"
            );
            self.mistake(place, "retry-topics.attempts", text);
        }
        let replication_factor = self.said(|s| s.retry_topics.replication_factor);
        if let Some((place, n)) = replication_factor
            && !(1..=u32::from(u16::MAX)).contains(&n)
        {
            self.mistake(place, "retry-topics.replication-factor", "must be from 1 to 65535");
        }
        let concurrency = self.positive("concurrency", |s| s.concurrency, 1);
        Some(RetryTopics {
            attempts,
            stages,
            jitter: self.said(|s| s.retry_topics.jitter).map_or(0.0, |(_, jitter)| jitter),
            auto_create: self.said(|s| s.retry_topics.auto_create).is_none_or(|(_, auto_create)| auto_create),
            replication_factor: replication_factor.and_then(|(_, n)| u16::try_from(n).ok()),
            concurrency: self.positive("retry-topics.concurrency", |s| s.retry_topics.concurrency, concurrency),
        })
    }

    fn retry_topic_attempts(&self) -> u32 {
        let Some((place, attempts)) = self.said(|s| s.retry_topics.attempts) else { return 3 };
        if attempts < 2 {
            self.mistake(
                place,
                "retry-topics.attempts",
                "must be at least 2: the first delivery and one from a retry topic",
            );
        }
        attempts
    }

    fn retry_topic_delays(&self) -> Delays {
        let first = self.said(|s| s.retry_topics.backoff).map_or(DEFAULT_BACKOFF, |(_, backoff)| backoff);
        let (multiplier, longest) =
            (self.said(|s| s.retry_topics.multiplier), self.said(|s| s.retry_topics.max_backoff));
        if let Some((place, factor)) = multiplier
            && !(factor.is_finite() && factor >= 1.0)
        {
            self.mistake(place, "retry-topics.multiplier", "must be at least 1");
        }
        if let Some((place, share)) = self.said(|s| s.retry_topics.jitter)
            && !(0.0..=1.0).contains(&share)
        {
            self.mistake(place, "retry-topics.jitter", "must be from 0 to 1");
        }
        if let Some((place, longest)) = longest
            && longest < first
        {
            self.mistake(place, "retry-topics.max-backoff", "is less than retry-topics.backoff");
        }
        Delays {
            first,
            multiplier: multiplier.map_or(1.0, |(_, factor)| factor.max(1.0)),
            longest: longest.map_or(Duration::MAX, |(_, longest)| longest),
        }
    }

    fn retry_topic_suffix(
        &self,
        key: &str,
        setting: impl Fn(&ListenerSettings) -> Option<String>,
        default: &str,
    ) -> String {
        let Some((place, suffix)) = self.said(setting) else { return default.to_owned() };
        if let Err(text) = check_topic(&suffix) {
            self.mistake(place, &format!("retry-topics.{key}"), text);
        }
        suffix
    }

    /// Where a listener with retry topics sends what is spent, if nobody says.
    pub(super) fn default_dead_letter(&self) -> DeadLetter {
        if self.is_dlt_handler() {
            return self.given_up_dead_letter();
        }
        match self.has_retry_topics() && !self.is_at_most_once() {
            true => {
                DeadLetter::Suffix(self.retry_topic_suffix("dlt-suffix", |s| s.retry_topics.dlt_suffix.clone(), "-dlt"))
            }
            false => DeadLetter::default(),
        }
    }

    /// The names that come of it can be names, and are none of those that the listener reads.
    pub(super) fn check_retry_topics(&self, resolved: &ResolvedListener) {
        let Some(place) = self.retry_topics_place() else { return };
        let Subscription::Topics(sources) = &resolved.subscription else { return };
        let suffixes = [self.said(|s| s.retry_topics.suffix.clone()), self.said(|s| s.retry_topics.dlt_suffix.clone())];
        let mut parts = suffixes.iter().flatten().map(|(_, suffix)| suffix).chain(sources);
        let are_right = parts.all(|part| check_topic(part).is_ok()); // Else it is told already.
        for topic in resolved.retry_topics_of(sources).into_iter().chain(resolved.dead_letter_topics()) {
            if let (true, Err(text)) = (are_right, check_topic(&topic)) {
                self.mistake(place, "retry-topics", text);
            }
            if sources.contains(&topic) {
                let text = format!("the listener reads `{topic}` itself: what it gives up would go in a circle");
                self.mistake(place, "retry-topics", text);
            }
        }
    }

    fn check_no_retry_topics(&self) {
        let is_off = self.said(|s| s.retry_topics.enabled);
        let topics = |s: &ListenerSettings| s.retry_topics.clone();
        for (place, settings) in self.layers() {
            let Some(said) = settings.map(topics) else { continue };
            let says = RetryTopicSettings { enabled: None, ..said } != RetryTopicSettings::default();
            if says && place > Place::Default && is_off.is_none_or(|(off, _)| off < place) {
                self.mistake(place, "retry-topics", "has no effect: say `enabled = true` too");
            }
        }
    }
}
