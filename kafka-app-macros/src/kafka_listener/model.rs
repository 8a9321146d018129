//! What an attribute said, option by option.

use std::time::Duration;

use syn::{ExprPath, LitStr, Path};

use crate::{
    options::Slot,
    values::{From, Partitions, Text, TopicName},
};

/// All options of one attribute.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) topic: Slot<TopicName>,
    pub(crate) topics: Slot<Vec<TopicName>>,
    pub(crate) partitions: Slot<Partitions>,
    pub(crate) from: Slot<From>,
    pub(crate) topic_pattern: Slot<Text>,
    pub(crate) group: Slot<Text>,
    pub(crate) cluster: Slot<Text>,
    pub(crate) id: Slot<Text>,
    pub(crate) delivery: Slot<Delivery>,
    pub(crate) ack: Slot<Ack>,
    pub(crate) ack_time: Slot<Duration>,
    pub(crate) ack_count: Slot<u32>,
    pub(crate) concurrency: Slot<u32>,
    pub(crate) ordering: Slot<Ordering>,
    pub(crate) workers: Slot<u32>,
    pub(crate) batch: Slot<Batch>,
    pub(crate) send_to: Slot<TopicName>,
    pub(crate) reply: Slot<bool>,
    pub(crate) filter: Slot<ExprPath>,
    pub(crate) retry: Slot<Retry>,
    pub(crate) retry_topics: Slot<RetryTopics>,
    pub(crate) circuit_breaker: Slot<CircuitBreaker>,
    pub(crate) dead_letter_brake: Slot<DeadLetterBrake>,
    pub(crate) dead_letter: Slot<DeadLetter>,
    pub(crate) dead_letters_of: Slot<Text>,
    pub(crate) on_failure: Slot<OnDltFailure>,
    pub(crate) timeout: Slot<Duration>,
    /// Records, in a time.
    pub(crate) rate_limit: Slot<(u32, Duration)>,
    pub(crate) auto_start: Slot<bool>,
    pub(crate) start_after: Slot<Text>,
    pub(crate) until_end: Slot<bool>,
    pub(crate) restart: Slot<Restart>,
    pub(crate) group_instance_id: Slot<Text>,
    pub(crate) idle_event_interval: Slot<Duration>,
    pub(crate) on_revoke: Slot<OnRevoke>,
    pub(crate) properties: Slot<Vec<(LitStr, LitStr)>>,
    pub(crate) krate: Slot<Path>,
}

/// `batch(..)`
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) max_records: Slot<u32>,
    pub(crate) max_wait: Slot<Duration>,
    pub(crate) max_bytes: Slot<u64>,
}

/// `retry(..)`
#[derive(Debug, Default)]
pub(crate) struct Retry {
    pub(crate) attempts: Slot<u32>,
    pub(crate) backoff: Slot<Duration>,
    pub(crate) multiplier: Slot<f64>,
    pub(crate) max_backoff: Slot<Duration>,
    pub(crate) jitter: Slot<f64>,
}

/// `restart(..)`
#[derive(Debug, Default)]
pub(crate) struct Restart {
    pub(crate) attempts: Slot<u32>,
    pub(crate) backoff: Slot<Duration>,
    pub(crate) multiplier: Slot<f64>,
    pub(crate) max_backoff: Slot<Duration>,
    pub(crate) reset_after: Slot<Duration>,
}

/// `dead_letter_brake(..)`
#[derive(Debug, Default)]
pub(crate) struct DeadLetterBrake {
    pub(crate) share: Slot<f64>,
    pub(crate) within: Slot<Duration>,
    pub(crate) at_least: Slot<u32>,
}

/// `circuit_breaker(..)`
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker {
    pub(crate) failures: Slot<u32>,
    pub(crate) pause: Slot<Duration>,
    pub(crate) max_pause: Slot<Duration>,
    pub(crate) probes: Slot<u32>,
}

/// `retry_topics(..)`
#[derive(Debug, Default)]
pub(crate) struct RetryTopics {
    pub(crate) attempts: Slot<u32>,
    pub(crate) backoff: Slot<Duration>,
    pub(crate) multiplier: Slot<f64>,
    pub(crate) max_backoff: Slot<Duration>,
    pub(crate) jitter: Slot<f64>,
    pub(crate) topics: Slot<RetryTopicNames>,
    pub(crate) suffix: Slot<Text>,
    pub(crate) dlt_suffix: Slot<Text>,
    pub(crate) auto_create: Slot<bool>,
    pub(crate) replication_factor: Slot<u32>,
    pub(crate) concurrency: Slot<u32>,
}

/// `topics = ".."` of `retry_topics`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryTopicNames {
    PerDelay,
    PerAttempt,
    Single,
}

/// `delivery = ".."`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "the words of the guarantee are known by these names")]
pub(crate) enum Delivery {
    AtMostOnce,
    AtLeastOnce,
    ExactlyOnce,
}

/// `ack = ".."`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ack {
    Record,
    Batch,
    Time,
    Count,
    CountTime,
    Manual,
    ManualImmediate,
}

impl Ack {
    pub(crate) fn is_manual(self) -> bool {
        matches!(self, Self::Manual | Self::ManualImmediate)
    }

    pub(crate) fn has_time(self) -> bool {
        matches!(self, Self::Time | Self::CountTime)
    }

    pub(crate) fn has_count(self) -> bool {
        matches!(self, Self::Count | Self::CountTime)
    }
}

/// `ordering = ".."`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ordering {
    Partition,
    Key,
    None,
}

/// `dead_letter = ..`
#[derive(Debug)]
pub(crate) enum DeadLetter {
    Topic(TopicName),
    /// Behind the name of the record's topic.
    Suffix(LitStr),
    Off,
    Stop,
}

/// `on_failure = ".."`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDltFailure {
    Retry,
    Skip,
    Stop,
}

/// `on_revoke = ".."`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRevoke {
    Drain,
    Cancel,
}
