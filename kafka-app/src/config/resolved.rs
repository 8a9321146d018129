//! [`ResolvedListener`]: all that can be said of a listener, decided: what the runtime sees.

use std::time::Duration;

use crate::config::{AckMode, DeadLetter, Delivery, OnRevoke, Ordering, Properties};

/// One listener with every default filled in and every contradiction ruled out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResolvedListener {
    /// Name in configuration, metrics, logs and health.
    pub(crate) id: String,
    /// What it reads.
    pub(crate) subscription: Subscription,
    pub(crate) group_id: String,
    pub(crate) delivery: Delivery,
    pub(crate) ack_mode: AckMode,
    /// Interval of commits; more than 0.
    pub(crate) ack_time: Duration,
    /// Records between commits of [`AckMode::Count`] and [`AckMode::CountTime`]; at least 1.
    pub(crate) ack_count: u32,
    /// Consumers in this process; at least 1.
    pub(crate) concurrency: u32,
    pub(crate) ordering: Ordering,
    /// Lanes per consumer for [`Ordering::Key`] and [`Ordering::None`]; at least 1.
    pub(crate) workers: u32,
    /// Limits of a batch listener's batches; a record listener ignores them.
    pub(crate) batch: BatchLimits,
    /// Of its transactions, when it delivers exactly once.
    pub(crate) transaction: TransactionLimits,
    /// Where returned values go that name no topic; `None`: the handler returns nothing or names its topics.
    pub(crate) send_to: Option<String>,
    /// Whether what it returns answers the request that was handled: it goes where that names, and not to `send_to`.
    pub(crate) reply: bool,
    pub(crate) retry: Retry,
    pub(crate) dead_letter: DeadLetter,
    /// Longest time for one call of the handler; `None`: no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) auto_startup: bool,
    pub(crate) on_revoke: OnRevoke,
    /// How long a stop and a revoke wait for running handlers (`kafka.listener.shutdown-timeout`).
    pub(crate) shutdown_timeout: Duration,
    /// Whether a topic that does not exist at start is an error (`kafka.listener.missing-topics-fatal`).
    pub(crate) missing_topics_fatal: bool,
    /// The listener's own librdkafka properties; `consumer_properties` of `client_map` has them merged with the rest.
    pub(crate) properties: Properties,
}

/// What a listener reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// Topics by name, at least one.
    Topics(Vec<String>),
    /// A regular expression over topic names, already anchored (`^…$`).
    Pattern(String),
}

/// Limits of a batch; a batch ends at the first one reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchLimits {
    /// Most records; at least 1.
    pub(crate) max_records: u32,
    /// How long a batch waits to fill; 0: takes what is there.
    pub(crate) max_wait: Duration,
    /// Most bytes of keys and payloads; `u64::MAX`: no limit.
    pub(crate) max_bytes: u64,
}

/// Limits of a transaction; it takes records until the first one is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TransactionLimits {
    /// Most records; at least 1.
    pub(crate) max_records: u32,
    /// How long it takes records, from the first one on; 0: it takes what is there.
    pub(crate) max_wait: Duration,
    /// After how long the broker gives it up.
    pub(crate) timeout: Duration,
}

impl Default for TransactionLimits {
    fn default() -> Self {
        Self { max_records: 1_000, max_wait: Duration::from_millis(100), timeout: TRANSACTION_TIMEOUT }
    }
}

/// `transaction.timeout.ms` where nobody says another: readers wait for it behind a crashed producer without a successor.
pub(crate) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

/// Deliveries in place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Retry {
    /// Deliveries in all, the first included; at least 1.
    pub(crate) attempts: u32,
    /// Delay before the second delivery.
    pub(crate) backoff: Duration,
    /// Factor from delay to delay; at least 1.
    pub(crate) multiplier: f64,
    /// Longest delay; `Duration::MAX`: no limit.
    pub(crate) max_backoff: Duration,
    /// Share of the delay that is random; 0 to 1.
    pub(crate) jitter: f64,
}

impl ResolvedListener {
    /// A listener with the framework's defaults, where nothing is said: what tests start from, and readers of its own.
    pub(crate) fn new(id: impl Into<String>, topic: impl Into<String>, group_id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            subscription: Subscription::Topics(vec![topic.into()]),
            group_id: group_id.into(),
            delivery: Delivery::AtLeastOnce,
            ack_mode: AckMode::Time,
            ack_time: Duration::from_secs(1),
            ack_count: 1,
            concurrency: 1,
            ordering: Ordering::Partition,
            workers: 16,
            batch: BatchLimits::default(),
            transaction: TransactionLimits::default(),
            send_to: None,
            reply: false,
            retry: Retry::default(),
            dead_letter: DeadLetter::Stop,
            timeout: None,
            auto_startup: true,
            on_revoke: OnRevoke::Drain,
            shutdown_timeout: Duration::from_secs(30),
            missing_topics_fatal: false,
            properties: Properties::default(),
        }
    }
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { max_records: 500, max_wait: Duration::ZERO, max_bytes: u64::MAX }
    }
}

impl Default for Retry {
    /// 10 deliveries without a delay, as Spring's default error handler.
    fn default() -> Self {
        Self { attempts: 10, backoff: Duration::ZERO, multiplier: 1.0, max_backoff: Duration::MAX, jitter: 0.0 }
    }
}
