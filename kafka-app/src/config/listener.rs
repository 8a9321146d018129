//! `kafka.listener.*` and `kafka.listeners.<id>.*`: what can be said of a listener, wherever it is said.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::config::{
    CircuitBreakerSettings, DeadLetterBrakeSettings, Partitions, RateLimit, RestartSettings, RetryTopicSettings,
    StartFrom, from_text::Bytes, properties::debug_properties, section::Section,
};

/// Settings of one listener as said in one place; what is not said is `None`.
///
/// The attribute, the builder and the configuration all fill this struct, and the later one wins field by field:
/// defaults ← `kafka.listener.*` ← attribute or builder ← `kafka.listeners.<id>.*`.
#[derive(Clone, Default, PartialEq)]
pub struct ListenerSettings {
    /// The cluster it reads and sends to, by its name under `kafka.clusters`; default that of `kafka.*` itself, and of a
    /// handler of dead letters that of the listener they are of. `default` names the former.
    pub cluster: Option<String>,
    /// Topics by name; exactly one of this and `topic_pattern`.
    pub topics: Option<Vec<String>>,
    /// Topics by regular expression, anchored at both ends.
    pub topic_pattern: Option<String>,
    /// Partitions of its topics that it takes by itself; default: its group shares them out.
    pub partitions: Option<Partitions>,
    /// Where it begins in these; default [`StartFrom::Committed`].
    pub from: Option<StartFrom>,
    /// Consumer group; else `kafka.consumer.group-id`.
    pub group_id: Option<String>,
    /// When offsets move relative to handling.
    pub delivery: Option<Delivery>,
    /// When finished offsets are committed.
    pub ack_mode: Option<AckMode>,
    /// For [`AckMode::Time`] and [`AckMode::CountTime`]; default 1 s.
    pub ack_time: Option<Duration>,
    /// For [`AckMode::Count`] and [`AckMode::CountTime`]; default 1.
    pub ack_count: Option<u32>,
    /// Consumers of this listener in this process; default 1.
    pub concurrency: Option<u32>,
    /// Which records are handled in order; default [`Ordering::Partition`].
    pub ordering: Option<Ordering>,
    /// Lanes per consumer for [`Ordering::Key`] and [`Ordering::None`]; default 16.
    pub workers: Option<u32>,
    /// Most records that are gathered for a batch; default 500. With [`Ordering::Key`] and [`Ordering::None`] they are dealt
    /// out to the lanes: a batch is the part of one lane.
    pub batch_max_records: Option<u32>,
    /// How long records are gathered for a batch; default 0.
    pub batch_max_wait: Option<Duration>,
    /// Most bytes that are gathered for a batch; default none but the 16 MiB of a partition that are in memory at most: what
    /// fills them is a batch, waited or not.
    pub batch_max_bytes: Option<u64>,
    /// Most records of a transaction, for [`Delivery::ExactlyOnce`]; default 1000. A batch is never split.
    pub transaction_max_records: Option<u32>,
    /// How long a transaction takes records, for [`Delivery::ExactlyOnce`]; default 100 ms. 0: it takes what is there.
    pub transaction_max_wait: Option<Duration>,
    /// Where returned values go.
    pub send_to: Option<String>,
    /// Whether returned values answer the request that was handled; default false.
    pub reply: Option<bool>,
    /// Deliveries in place; each field falls back by itself.
    pub retry: RetrySettings,
    /// When the listener stops for its dead letters; each field falls back by itself.
    pub dead_letter_brake: DeadLetterBrakeSettings,
    /// When the handler is left alone since what it needs is down; each field falls back by itself.
    pub circuit_breaker: CircuitBreakerSettings,
    /// Deliveries from topics of their own; each field falls back by itself.
    pub retry_topics: RetryTopicSettings,
    /// Where spent records go; default [`DeadLetter::Stop`], and with retry topics the record's topic with `-dlt`.
    pub dead_letter: Option<DeadLetter>,
    /// Of a handler of dead letters: the id of the listener they are of, in place of topics. Only code says it.
    pub dead_letters_of: Option<String>,
    /// Of a handler of dead letters, unless it has a `dead_letter` of its own; default [`OnDltFailure::Retry`].
    pub on_failure: Option<OnDltFailure>,
    /// Longest time for one call of the handler; default none.
    pub timeout: Option<Duration>,
    /// Most records that are handed over in a time; default none.
    pub rate_limit: Option<RateLimit>,
    /// Whether the listener starts with the application; default true.
    pub auto_startup: Option<bool>,
    /// Id of the listener that it starts after: when that has finished, or runs. Default none.
    pub start_after: Option<String>,
    /// Whether it finishes when its group has read what there was when it started; default false.
    pub until_end: Option<bool>,
    /// What happens to running handlers when a partition is revoked; default [`OnRevoke::Drain`].
    pub on_revoke: Option<OnRevoke>,
    /// Name of the consumer in its group, for static membership; with `concurrency`, `-n` is behind it. Default none.
    pub group_instance_id: Option<String>,
    /// Whether it starts again after a failure; each field falls back by itself.
    pub restart: RestartSettings,
    /// After how long without a record a consumer tells [`ListenerEvent::Idle`](crate::ListenerEvent::Idle); default never.
    pub idle_event_interval: Option<Duration>,
    /// After how long without a record of a partition
    /// [`ListenerEvent::PartitionIdle`](crate::ListenerEvent::PartitionIdle) is told; default never.
    pub idle_partition_event_interval: Option<Duration>,
    /// librdkafka properties of this listener's consumers, the most specific layer.
    pub properties: BTreeMap<String, String>,
}

impl ListenerSettings {
    /// Reads `kafka.listener.*` or `kafka.listeners.<id>.*`; the caller ends the section.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let transaction = section.child("transaction");
        let batch = section.child("batch");
        let read = Self {
            cluster: section.get("cluster"),
            topics: section.list("topics"),
            topic_pattern: section.get("topic-pattern"),
            partitions: section.get("partitions"),
            from: section.get("from"),
            group_id: section.get("group-id"),
            delivery: section.get("delivery"),
            ack_mode: section.get("ack-mode"),
            ack_time: section.get("ack-time"),
            ack_count: section.get("ack-count"),
            concurrency: section.get("concurrency"),
            ordering: section.get("ordering"),
            workers: section.get("workers"),
            batch_max_records: batch.get("max-records"),
            batch_max_wait: batch.get("max-wait"),
            batch_max_bytes: batch.get("max-bytes").map(|Bytes(n_bytes)| n_bytes),
            transaction_max_records: transaction.get("max-records"),
            transaction_max_wait: transaction.get("max-wait"),
            send_to: section.get("send-to"),
            reply: section.get("reply"),
            retry: RetrySettings::read(&section.child("retry")),
            dead_letter_brake: DeadLetterBrakeSettings::read(&section.child("dead-letter-brake")),
            circuit_breaker: CircuitBreakerSettings::read(&section.child("circuit-breaker")),
            retry_topics: RetryTopicSettings::read(&section.child("retry-topics")),
            dead_letter: section.get("dead-letter"),
            dead_letters_of: None,
            on_failure: section.get("on-failure"),
            timeout: section.get("timeout"),
            rate_limit: section.get("rate-limit"),
            auto_startup: section.get("auto-startup"),
            start_after: section.get("start-after"),
            until_end: section.get("until-end"),
            on_revoke: section.get("on-revoke"),
            group_instance_id: section.get("group-instance-id"),
            restart: RestartSettings::read(&section.child("restart")),
            idle_event_interval: section.get("idle-event-interval"),
            idle_partition_event_interval: section.get("idle-partition-event-interval"),
            properties: section.properties().into(),
        };
        batch.finish(&[]);
        transaction.finish(&[("timeout", "use \"transaction.timeout.ms\" under [kafka.producer.properties]")]);
        read
    }
}

/// Spellings of the attribute, and of Spring where there is no use for a key here.
pub(crate) const LISTENER_ANSWERS: &[(&str, &str)] = &[
    ("topic", "say topics, also for one"),
    ("group", "say group-id"),
    ("ack", "say ack-mode"),
    ("auto-start", "say auto-startup"),
    ("filter", "a filter is a function: only the attribute or the builder can name it"),
    ("type", "not needed: the handler's signature says whether it takes a record or a batch"),
    ("async-acks", "not needed: an Ack may be acknowledged in any order, only finished offsets are committed"),
    ("client-id", "say kafka.consumer.client-id; every consumer appends its listener and number"),
    ("poll-timeout", "not needed: polling never waits for a handler"),
    ("no-poll-threshold", "not needed: polling never waits for a handler"),
    ("idle-between-polls", "polling never stops; rate-limit hands over fewer records"),
    ("idle-before-data-multiplier", "there is none: idle-event-interval counts from the start"),
    ("monitor-interval", "not needed: there is no monitor thread"),
    ("log-container-config", "not needed: the settings of a listener are logged at start at level debug"),
    ("immediate-stop", "set shutdown-timeout to 0s, and on-revoke to cancel"),
    ("change-consumer-thread-name", "threads are always named after their listener"),
    (
        "observation-enabled",
        "there are no spans: a layer opens them; log events have listener, topic, partition, offset",
    ),
    ("auth-exception-retry-interval", "not needed: librdkafka reconnects by itself (reconnect.backoff.ms)"),
];

impl fmt::Debug for ListenerSettings {
    /// What was said, and of properties no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Shown<'p>(&'p BTreeMap<String, String>);
        impl fmt::Debug for Shown<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                debug_properties(self.0, f)
            }
        }
        let mut said = f.debug_struct("ListenerSettings");
        let mut field = |name: &str, value: Option<&dyn fmt::Debug>| {
            if let Some(value) = value {
                said.field(name, value);
            }
        };
        macro_rules! fields {
            ($($name:ident)+) => { $(field(stringify!($name), self.$name.as_ref().map(|value| value as _));)+ };
        }
        fields!(cluster topics topic_pattern partitions from);
        fields!(group_id delivery ack_mode ack_time ack_count concurrency ordering workers);
        fields!(batch_max_records batch_max_wait batch_max_bytes transaction_max_records transaction_max_wait);
        fields!(send_to reply dead_letter dead_letters_of on_failure timeout rate_limit auto_startup on_revoke);
        fields!(start_after until_end group_instance_id idle_event_interval idle_partition_event_interval);
        said.field("restart", &self.restart);
        said.field("circuit_breaker", &self.circuit_breaker);
        said.field("dead_letter_brake", &self.dead_letter_brake);
        said.field("retry", &self.retry).field("retry_topics", &self.retry_topics);
        said.field("properties", &Shown(&self.properties)).finish()
    }
}

/// `retry(attempts, backoff, multiplier, max_backoff, jitter)`: deliveries in place, order kept, polling never stops.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RetrySettings {
    /// Deliveries in all, the first included; at least 1, default 10.
    pub attempts: Option<u32>,
    /// Delay before the second delivery; default 0.
    pub backoff: Option<Duration>,
    /// Factor from delay to delay, at least 1; default 1.
    pub multiplier: Option<f64>,
    /// Longest delay; default none.
    pub max_backoff: Option<Duration>,
    /// Share of the delay that is random, 0 to 1; default 0.
    pub jitter: Option<f64>,
}

impl RetrySettings {
    fn read(section: &Section<'_>) -> Self {
        let read = Self {
            attempts: section.get("attempts"),
            backoff: section.get("backoff"),
            multiplier: section.get("multiplier"),
            max_backoff: section.get("max-backoff"),
            jitter: section.get("jitter"),
        };
        section.finish(&[("max-attempts", "say attempts: deliveries in all, the first included")]);
        read
    }
}

/// The one word that chooses what a crash may do to a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Committed before the handler sees it: a crash may lose records, never repeats one.
    AtMostOnce,
    /// Committed after the handler ended: a crash may repeat records, never loses one.
    #[default]
    AtLeastOnce,
    /// Committed in one transaction with all that handlers return or send through a
    /// [`Template`](crate::Template): for those who read committed records only, each record has its outputs once, whatever
    /// crashes. Handlers themselves may be called again for a record; what they do outside of Kafka is not in the
    /// transaction.
    ///
    /// A transaction holds up to `transaction.max-records` records (1000), or what comes within `transaction.max-wait`
    /// (100 ms); readers see its outputs when it is committed. A handler that takes a `Template` and fails may have sent
    /// something already, so its whole transaction is given up and handled again; one that returns its outputs fails
    /// alone. Dead letters are in the transaction too.
    ///
    /// Where the broker refuses an output, the records of its transaction come again one by one, those of a batch as batches
    /// of one, until it is known whose it is: that one is retried and given up. Outputs that nobody takes in time, as their
    /// partition has no leader, are nobody's fault: all comes again until they are taken.
    ///
    /// Give each process a name that it keeps over restarts, as a part of `kafka.producer.transaction-id-prefix` or as
    /// `group.instance.id`: a process that comes back then closes at once what it left open when it crashed; else readers
    /// wait until that times out (`transaction.timeout.ms`, 30 s).
    ExactlyOnce,
}

/// When finished offsets are committed; Spring's `AckMode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AckMode {
    /// After each record.
    Record,
    /// After each batch handed to a lane.
    Batch,
    /// Every `ack_time`.
    #[default]
    Time,
    /// Every `ack_count` records.
    Count,
    /// Whichever of the two comes first.
    CountTime,
    /// When the handler acknowledges; sent with the next commit.
    Manual,
    /// When the handler acknowledges; sent at once.
    ManualImmediate,
}

/// Which records of a listener are handled one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ordering {
    /// All records of a partition.
    #[default]
    Partition,
    /// Records of a partition with the same key; those without a key all together. A slow key holds up no other, as long as
    /// there is a worker for each slow one. Of a listener of batches, keys share as many queues as there are workers, so that
    /// a batch may be of several keys: there a slow one holds up those it shares with.
    Key,
    /// None: any worker takes any record.
    None,
}

/// Where a record goes when its deliveries are spent or its class says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeadLetter {
    /// To this topic.
    Topic(String),
    /// To the topic of the record's name with this suffix; in the configuration `*-dlt` is the suffix `-dlt`.
    Suffix(String),
    /// Logged, counted and skipped.
    Off,
    /// The listener stops and turns unhealthy; the record stays uncommitted.
    #[default]
    Stop,
}

impl DeadLetter {
    /// A topic, or `*-dlt` for a suffix.
    pub(crate) fn named(text: &str) -> Self {
        match text.strip_prefix('*') {
            Some(suffix) => Self::Suffix(suffix.to_owned()),
            None => Self::Topic(text.to_owned()),
        }
    }
}

/// What is done about a dead letter whose handler fails; Spring's `DltStrategy`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDltFailure {
    /// It goes to the end of its topic and comes again a second later, until it is handled or a class of its error says
    /// otherwise; `ALWAYS_RETRY_ON_ERROR`.
    #[default]
    Retry,
    /// Logged, counted and skipped: it stays in its topic, and nobody looks at it again; `FAIL_ON_ERROR`.
    Skip,
    /// The listener stops and turns unhealthy.
    Stop,
}

/// What happens to running handlers when their partition is revoked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnRevoke {
    /// They finish, within a deadline.
    #[default]
    Drain,
    /// They are dropped at their next await; exactly once, with the transaction they are in. A stop lets them finish.
    Cancel,
}
