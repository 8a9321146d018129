//! [`ResolvedListener`]: all that can be said of a listener, decided: what the runtime sees.

use std::time::Duration;

use crate::config::{
    AckMode, ByHand, CircuitBreaker, DeadLetter, DeadLetterBrake, Delivery, OnRevoke, Ordering, Properties, RateLimit,
    Restart, RetryTopics, Stage,
};

/// One listener with every default filled in and every contradiction ruled out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResolvedListener {
    /// Name in configuration, metrics, logs and health.
    pub(crate) id: String,
    /// The cluster that it is of, and all it sends goes to; `None`: that of `kafka.*` itself.
    pub(crate) cluster: Option<String>,
    /// What it reads.
    pub(crate) subscription: Subscription,
    /// Partitions it takes by itself; `None`: its group shares them out.
    pub(crate) by_hand: Option<ByHand>,
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
    /// When it stops for its dead letters; `None`: never.
    pub(crate) dead_letter_brake: Option<DeadLetterBrake>,
    /// When its handler is left alone; `None`: only when it says so.
    pub(crate) circuit_breaker: Option<CircuitBreaker>,
    /// Where a record goes whose deliveries in place are spent, before it is given up.
    pub(crate) retry_topics: Option<RetryTopics>,
    /// Of a listener that reads a retry topic of another: which of its stages. It has that one's settings. A handler of
    /// dead letters may have one stage, without a suffix: what it fails to handle goes to the end of the topic it is in.
    pub(crate) stage: Option<usize>,
    pub(crate) dead_letter: DeadLetter,
    /// Longest time for one call of the handler; `None`: no limit.
    pub(crate) timeout: Option<Duration>,
    /// Of all its consumers in this process, and those of its retry topics.
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) auto_startup: bool,
    /// It starts when this one has finished, or runs.
    pub(crate) start_after: Option<String>,
    /// It finishes when its group has read what there was when it started.
    pub(crate) until_end: bool,
    pub(crate) on_revoke: OnRevoke,
    /// Name of its first consumer in the group, or what all of them begin with; `None`: dynamic members.
    pub(crate) group_instance_id: Option<String>,
    pub(crate) restart: Restart,
    /// After how long without a record a consumer tells that it is idle; `None`: never.
    pub(crate) idle_event_interval: Option<Duration>,
    /// The same of a partition.
    pub(crate) idle_partition_event_interval: Option<Duration>,
    /// How long a stop and a revoke wait for running handlers (`kafka.listener.shutdown-timeout`).
    pub(crate) shutdown_timeout: Duration,
    /// Whether a topic that does not exist at start is an error (`kafka.listener.missing-topics-fatal`).
    pub(crate) missing_topics_fatal: bool,
    /// Patterns of topics that its client takes for not there (librdkafka's `topic.blacklist`).
    pub(crate) topic_blacklist: Vec<String>,
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
            cluster: None,
            subscription: Subscription::Topics(vec![topic.into()]),
            by_hand: None,
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
            dead_letter_brake: None,
            circuit_breaker: None,
            retry_topics: None,
            stage: None,
            dead_letter: DeadLetter::Stop,
            timeout: None,
            rate_limit: None,
            auto_startup: true,
            start_after: None,
            until_end: false,
            on_revoke: OnRevoke::Drain,
            group_instance_id: None,
            restart: Restart::default(),
            idle_event_interval: None,
            idle_partition_event_interval: None,
            shutdown_timeout: Duration::from_secs(30),
            missing_topics_fatal: false,
            topic_blacklist: Vec::new(),
            properties: Properties::default(),
        }
    }
}

#[cfg(test)]
impl ResolvedListener {
    /// With retry topics after these delays, a topic each; without deliveries in place.
    pub(crate) fn retried_after(mut self, delays: &[Duration]) -> Self {
        let stage = |(from, delay): (u32, &Duration)| Stage {
            suffix: format!("-retry-{}", delay.as_millis()),
            from,
            delay: *delay,
        };
        self.retry.attempts = 1;
        self.dead_letter = DeadLetter::Suffix("-dlt".to_owned());
        self.retry_topics = Some(RetryTopics {
            attempts: u32::try_from(delays.len()).unwrap_or(u32::MAX) + 1,
            stages: (1..).zip(delays).map(stage).collect(),
            jitter: 0.0,
            auto_create: true,
            replication_factor: None,
            concurrency: 1,
        });
        self
    }
}

impl ResolvedListener {
    /// Name of a consumer in its group; as Spring's, numbered where there are several.
    pub(crate) fn instance_id(&self, instance: u32) -> Option<String> {
        let id = self.group_instance_id.as_ref()?;
        Some(if self.concurrency == 1 { id.clone() } else { format!("{id}-{instance}") })
    }

    /// Those of all its consumers.
    pub(crate) fn instance_ids(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.concurrency).filter_map(|instance| self.instance_id(instance))
    }

    /// The stage it reads, if it reads retry topics.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        self.retry_topics.as_ref()?.stages.get(self.stage?)
    }

    /// Whether it reads the retry topics of another listener.
    pub(crate) fn is_of_retry_topic(&self) -> bool {
        self.stage().is_some_and(|stage| !stage.suffix.is_empty())
    }

    /// The topic that a record was of before it went to the retry topic it is in now.
    pub(crate) fn source_of<'t>(&self, topic: &'t str) -> &'t str {
        self.stage().and_then(|stage| topic.strip_suffix(stage.suffix.as_str())).unwrap_or(topic)
    }

    /// The dead letter topic of a record of this topic, if it has one.
    pub(crate) fn dead_letter_topic(&self, topic: &str) -> Option<String> {
        self.topic_of(&self.dead_letter, topic)
    }

    /// The topic that a place for dead letters means for a record of `topic`, if it means one.
    pub(crate) fn topic_of(&self, dead_letter: &DeadLetter, topic: &str) -> Option<String> {
        match dead_letter {
            DeadLetter::Topic(topic) => Some(topic.clone()),
            DeadLetter::Suffix(suffix) => Some(format!("{}{suffix}", self.source_of(topic))),
            DeadLetter::Off | DeadLetter::Stop => None,
        }
    }

    /// All its dead letter topics, each once.
    pub(crate) fn dead_letter_topics(&self) -> Vec<String> {
        let Subscription::Topics(topics) = &self.subscription else {
            return self.dead_letter_topic("").into_iter().collect();
        };
        let mut all: Vec<_> = topics.iter().filter_map(|topic| self.dead_letter_topic(topic)).collect();
        all.dedup();
        all
    }

    /// The retry topics of these topics.
    pub(crate) fn retry_topics_of(&self, sources: &[String]) -> Vec<String> {
        let stages = self.retry_topics.iter().flat_map(|retry_topics| &retry_topics.stages);
        stages.flat_map(|stage| sources.iter().map(|source| format!("{source}{}", stage.suffix))).collect()
    }

    /// The retry topics that records of its topics may go to from here.
    pub(crate) fn next_retry_topics(&self) -> Vec<String> {
        let (Some(retry_topics), Subscription::Topics(topics)) = (&self.retry_topics, &self.subscription) else {
            return Vec::new();
        };
        let next = match self.stage() {
            None => retry_topics.next(0).into_iter().collect(),
            // The last of those that come here, and the first if more do.
            Some(stage) => {
                let last =
                    self.stage.and_then(|index| retry_topics.stages.get(index + 1)).map_or(u32::MAX, |n| n.from - 1);
                let mut next: Vec<&Stage> = retry_topics.next(stage.from).into_iter().collect();
                next.extend(retry_topics.next(last.min(retry_topics.attempts - 1)));
                next.dedup();
                next
            }
        };
        let name = |stage: &Stage, topic: &String| format!("{}{}", self.source_of(topic), stage.suffix);
        next.iter().flat_map(|stage| topics.iter().map(|topic| name(stage, topic))).collect()
    }

    /// The listeners that read its retry topics, one a stage: with its settings, and names with the suffix of the stage.
    pub(crate) fn stages(&self) -> Vec<Self> {
        let (Some(retry_topics), Subscription::Topics(sources), None) =
            (&self.retry_topics, &self.subscription, self.stage)
        else {
            return Vec::new();
        };
        let stage = |(index, stage): (usize, &Stage)| Self {
            id: format!("{}{}", self.id, stage.suffix),
            subscription: Subscription::Topics(sources.iter().map(|s| format!("{s}{}", stage.suffix)).collect()),
            group_id: format!("{}{}", self.group_id, stage.suffix),
            concurrency: retry_topics.concurrency,
            stage: Some(index),
            ..self.clone()
        };
        retry_topics.stages.iter().enumerate().map(stage).collect()
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
