//! `retry_topics(..)`: what can be said of retry topics, and what comes of it: which topics there are.

use std::time::Duration;

use crate::config::section::Section;

/// `retry_topics(attempts, backoff, ..)`: a record that failed goes to a topic of its own, is handled again from there when
/// its delay is over, and goes to the dead letter topic when its attempts are spent; the records behind it go on meanwhile.
///
/// Records of one key may overtake each other: one that failed is handled after others of its key that came later. Where
/// that must not be, `retry` delivers in place and keeps the order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RetryTopicSettings {
    /// Whether there are retry topics; default false, and true where the attribute or the builder says anything of them.
    pub enabled: Option<bool>,
    /// How often a record is handled over all topics, the first time included; at least 2, default 3. With `retry`, that
    /// many deliveries are made in place each time.
    pub attempts: Option<u32>,
    /// Delay before the second time; default 1 s.
    pub backoff: Option<Duration>,
    /// Factor from delay to delay, at least 1; default 1.
    pub multiplier: Option<f64>,
    /// Longest delay; default none.
    pub max_backoff: Option<Duration>,
    /// Share of the delay that is random, 0 to 1; default 0. It only shortens.
    pub jitter: Option<f64>,
    /// Which topics there are; default [`RetryTopicNames::PerDelay`].
    pub topics: Option<RetryTopicNames>,
    /// Behind the topic's name, and behind the listener's id and group; default `-retry`.
    pub suffix: Option<String>,
    /// Of dead letter topics, where `dead_letter` names none; default `-dlt`.
    pub dlt_suffix: Option<String>,
    /// Whether they are created at start, and grown with the topic they are of; default true.
    pub auto_create: Option<bool>,
    /// Replicas of those that are created; default the broker's.
    pub replication_factor: Option<u32>,
    /// Consumers of each retry topic in this process; default those of the listener.
    pub concurrency: Option<u32>,
}

/// Which retry topics there are of the topic `orders`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RetryTopicNames {
    /// A topic for each delay, named by it: `orders-retry-1000`, `orders-retry-2000`; with one delay only, `orders-retry`.
    /// More attempts add topics and rename none.
    #[default]
    PerDelay,
    /// A topic for each time it is handled again: `orders-retry-0`, `orders-retry-1`.
    PerAttempt,
    /// `orders-retry` alone, for one delay: records wait in the order of a topic, a short delay would wait for a long one.
    Single,
}

impl RetryTopicSettings {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            enabled: section.get("enabled"),
            attempts: section.get("attempts"),
            backoff: section.get("backoff"),
            multiplier: section.get("multiplier"),
            max_backoff: section.get("max-backoff"),
            jitter: section.get("jitter"),
            topics: section.get("topics"),
            suffix: section.get("suffix"),
            dlt_suffix: section.get("dlt-suffix"),
            auto_create: section.get("auto-create"),
            replication_factor: section.get("replication-factor"),
            concurrency: section.get("concurrency"),
        };
        section.finish(&[
            ("max-attempts", "say attempts: deliveries over all topics, the first included"),
            ("replicas", "say replication-factor"),
            ("num-partitions", "not needed: a retry topic has the partitions of the topic it is of"),
        ]);
        read
    }

    /// Reads `kafka.retry.topic.*`, Spring Boot's.
    pub(crate) fn read_boot(section: &Section<'_>) -> Self {
        let backoff = section.child("backoff");
        let delay = backoff.get("delay");
        let jitter: Option<Duration> = backoff.get("jitter");
        let read = Self {
            enabled: section.get("enabled"),
            attempts: section.get("attempts"),
            backoff: delay,
            multiplier: backoff.get("multiplier"),
            max_backoff: backoff.get("max-delay"),
            jitter: jitter.map(|jitter| share(jitter, delay.unwrap_or(DEFAULT_BACKOFF))),
            ..Self::default()
        };
        if read.jitter.is_some_and(|share| share > 1.0) {
            backoff.mistake("jitter", "is longer than delay");
        }
        backoff.finish(&[("random", "say jitter")]);
        section.finish(&[
            ("back-off", "say backoff: kafka.retry.topic.backoff.delay"),
            ("delay", "say kafka.retry.topic.backoff.delay"),
            ("multiplier", "say kafka.retry.topic.backoff.multiplier"),
            ("max-delay", "say kafka.retry.topic.backoff.max-delay"),
            ("random-back-off", "say kafka.retry.topic.backoff.jitter"),
        ]);
        read
    }

    /// What is said here, and of the rest what `other` says.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            enabled: self.enabled.or(other.enabled),
            attempts: self.attempts.or(other.attempts),
            backoff: self.backoff.or(other.backoff),
            multiplier: self.multiplier.or(other.multiplier),
            max_backoff: self.max_backoff.or(other.max_backoff),
            jitter: self.jitter.or(other.jitter),
            topics: self.topics.or(other.topics),
            suffix: self.suffix.or(other.suffix),
            dlt_suffix: self.dlt_suffix.or(other.dlt_suffix),
            auto_create: self.auto_create.or(other.auto_create),
            replication_factor: self.replication_factor.or(other.replication_factor),
            concurrency: self.concurrency.or(other.concurrency),
        }
    }
}

/// Spring's default.
pub(crate) const DEFAULT_BACKOFF: Duration = Duration::from_secs(1);

fn share(jitter: Duration, delay: Duration) -> f64 {
    if delay.is_zero() { if jitter.is_zero() { 0.0 } else { 2.0 } } else { jitter.as_secs_f64() / delay.as_secs_f64() }
}
