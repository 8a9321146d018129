//! The attribute's options, one row each: from tokens to [`Options`].

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::LitStr;

use super::model::{
    Ack, Batch, CircuitBreaker, DeadLetter, DeadLetterBrake, Delivery, OnDltFailure, OnRevoke, Options, Ordering,
    Restart, Retry, RetryTopicNames, RetryTopics,
};
use crate::{
    ctxt::Ctxt,
    options::{Entry, Given, Table},
    values,
};

/// What was said, past every mistake.
pub(crate) fn options(arguments: TokenStream, cx: &Ctxt) -> Options {
    OPTIONS.read(arguments, cx)
}

/// The shortest time that is one.
const SOME_TIME: Duration = Duration::from_nanos(1);

const OPTIONS: Table<Options> = Table {
    of: "",
    rows: &[
        ("topic", |o, e, cx| o.topic.set(e, values::topic(e, cx), cx)),
        ("topics", |o, e, cx| o.topics.set(e, values::topics(e, cx), cx)),
        ("topic_pattern", |o, e, cx| o.topic_pattern.set(e, values::text(e, "\"orders-.*\"", cx), cx)),
        ("partitions", |o, e, cx| o.partitions.set(e, values::partitions(e, cx), cx)),
        ("from", |o, e, cx| o.from.set(e, values::from(e, cx), cx)),
        ("group", |o, e, cx| o.group.set(e, values::text(e, "\"billing\"", cx), cx)),
        ("cluster", |o, e, cx| o.cluster.set(e, values::text(e, "\"audit\"", cx), cx)),
        ("id", |o, e, cx| o.id.set(e, values::id(e, cx), cx)),
        ("delivery", |o, e, cx| o.delivery.set(e, values::word(e, DELIVERIES, cx), cx)),
        ("ack", |o, e, cx| o.ack.set(e, values::word(e, ACKS, cx), cx)),
        ("ack_time", |o, e, cx| o.ack_time.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("ack_count", |o, e, cx| o.ack_count.set(e, values::count(e, cx), cx)),
        ("concurrency", |o, e, cx| o.concurrency.set(e, values::count(e, cx), cx)),
        ("ordering", |o, e, cx| o.ordering.set(e, values::word(e, ORDERINGS, cx), cx)),
        ("workers", |o, e, cx| o.workers.set(e, values::count(e, cx), cx)),
        ("batch", |o, e, cx| o.batch.set(e, batch(e, cx), cx)),
        ("send_to", |o, e, cx| o.send_to.set(e, values::topic(e, cx), cx)),
        ("reply", |o, e, cx| o.reply.set(e, values::flag(e, cx), cx)),
        ("filter", |o, e, cx| o.filter.set(e, values::function(e, cx), cx)),
        ("retry", |o, e, cx| o.retry.set(e, retry(e, cx), cx)),
        ("retry_topics", |o, e, cx| o.retry_topics.set(e, retry_topics(e, cx), cx)),
        ("circuit_breaker", |o, e, cx| o.circuit_breaker.set(e, circuit_breaker(e, cx), cx)),
        ("dead_letter", |o, e, cx| o.dead_letter.set(e, dead_letter(e, cx), cx)),
        ("dead_letter_brake", |o, e, cx| o.dead_letter_brake.set(e, dead_letter_brake(e, cx), cx)),
        ("dead_letters_of", |o, e, cx| o.dead_letters_of.set(e, values::id(e, cx), cx)),
        ("on_failure", |o, e, cx| o.on_failure.set(e, values::word(e, ON_DLT_FAILURES, cx), cx)),
        ("timeout", |o, e, cx| o.timeout.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("rate_limit", |o, e, cx| o.rate_limit.set(e, values::rate(e, cx), cx)),
        ("auto_start", |o, e, cx| o.auto_start.set(e, values::switch(e, cx), cx)),
        ("start_after", |o, e, cx| o.start_after.set(e, values::id(e, cx), cx)),
        ("until_end", |o, e, cx| o.until_end.set(e, values::flag(e, cx), cx)),
        ("restart", |o, e, cx| o.restart.set(e, restart(e, cx), cx)),
        ("group_instance_id", |o, e, cx| o.group_instance_id.set(e, values::text(e, "\"${env:HOSTNAME}\"", cx), cx)),
        ("idle_event_interval", |o, e, cx| o.idle_event_interval.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("on_revoke", |o, e, cx| o.on_revoke.set(e, values::word(e, ON_REVOKES, cx), cx)),
        ("properties", |o, e, cx| o.properties.set(e, values::properties(e, cx), cx)),
        ("crate", |o, e, cx| o.krate.set(e, values::module(e, cx), cx)),
    ],
    retired: &[
        ("groupId", "the consumer group is `group`"),
        ("group_id", "the consumer group is `group`"),
        ("name", "the listener's name is `id`"),
        ("ackMode", "it is `ack`, as in `ack = \"record\"`"),
        ("ack_mode", "it is `ack`, as in `ack = \"record\"`"),
        ("autoStartup", "it is `auto_start`"),
        ("auto_startup", "it is `auto_start`"),
        ("autostart", "it is `auto_start`"),
        (
            "idIsGroup",
            "`id` and `group` are separate; the group is `kafka.consumer.group-id` unless `group` says otherwise",
        ),
        ("groupInstanceId", "it is `group_instance_id`"),
        ("instance_id", "it is `group_instance_id`"),
        ("idleEventInterval", "it is `idle_event_interval`"),
        ("clientIdPrefix", "it is `kafka.consumer.client-id`; each consumer appends its listener and number"),
        ("client_id", "it is `kafka.consumer.client-id`; each consumer appends its listener and number"),
        ("topicPartitions", "it is `partitions`, as in `topic = \"orders\", partitions = [0, 1], from = \"earliest\"`"),
        (
            "topic_partitions",
            "it is `partitions`, as in `topic = \"orders\", partitions = [0, 1], from = \"earliest\"`",
        ),
        ("initialOffset", "it is `from`, beside `partitions`"),
        (
            "containerFactory",
            "there are no factories; say it here, or under `kafka.listeners.<id>` in the configuration",
        ),
        (
            "container_factory",
            "there are no factories; say it here, or under `kafka.listeners.<id>` in the configuration",
        ),
        ("errorHandler", "failures follow `retry`, `dead_letter` and the classes of `#[derive(KafkaError)]`"),
        ("error_handler", "failures follow `retry`, `dead_letter` and the classes of `#[derive(KafkaError)]`"),
        ("batchListener", "take a `Batch<T>` argument; `batch(..)` sets its bounds"),
        ("max_poll_records", "it is `batch(max_records = 500)`, with a `Batch<T>` argument"),
        ("reply_to", "it is `reply`, without a value: the request says where its reply goes"),
        ("reply_topic", "it is `reply`, without a value: the request says where its reply goes"),
        ("attempts", "it is `retry(attempts = 3)`"),
        ("retries", "it is `retry(attempts = 3)`, the first delivery included"),
        ("backoff", "it is `retry(backoff = \"1s\")`"),
        ("retry_topic", "it is `retry_topics(attempts = 4, backoff = \"1s\")`"),
        ("retryable_topic", "it is `retry_topics(attempts = 4, backoff = \"1s\")`"),
        ("retryableTopic", "it is `retry_topics(attempts = 4, backoff = \"1s\")`"),
        ("dlt", "it is `dead_letter`, as in `dead_letter = \"orders-dlt\"`"),
        ("dlq", "it is `dead_letter`, as in `dead_letter = \"orders-dlt\"`"),
        ("dead_letter_topic", "it is `dead_letter`, as in `dead_letter = \"orders-dlt\"`"),
        ("of", "it is `dead_letters_of`, or `of` with `#[dlt_handler(..)]`"),
        ("dltStrategy", "it is `on_failure`, of the handler of the dead letters"),
        ("exactly_once", "it is `delivery = \"exactly-once\"`"),
        ("auto_commit", "offsets are committed by `ack`; `delivery = \"at-most-once\"` commits before handling"),
    ],
};

const BATCH: Table<Batch> = Table {
    of: " of `batch`",
    rows: &[
        ("max_records", |o, e, cx| o.max_records.set(e, values::count(e, cx), cx)),
        ("max_wait", |o, e, cx| o.max_wait.set(e, values::duration(e, Duration::ZERO, cx), cx)),
        ("max_bytes", |o, e, cx| o.max_bytes.set(e, values::size(e, cx), cx)),
    ],
    retired: &[
        ("size", "it is `max_records`"),
        ("max_poll_records", "it is `max_records`"),
        ("timeout", "it is `max_wait`"),
    ],
};

const DEAD_LETTER_BRAKE: Table<DeadLetterBrake> = Table {
    of: " of `dead_letter_brake`",
    rows: &[
        ("share", |o, e, cx| o.share.set(e, values::share(e, cx), cx)),
        ("within", |o, e, cx| o.within.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("at_least", |o, e, cx| o.at_least.set(e, values::count(e, cx), cx)),
    ],
    retired: &[],
};

const CIRCUIT_BREAKER: Table<CircuitBreaker> = Table {
    of: " of `circuit_breaker`",
    rows: &[
        ("failures", |o, e, cx| o.failures.set(e, values::count(e, cx), cx)),
        ("pause", |o, e, cx| o.pause.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("max_pause", |o, e, cx| o.max_pause.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("probes", |o, e, cx| o.probes.set(e, values::count(e, cx), cx)),
    ],
    retired: &[
        ("failure_rate_threshold", "it is `failures`, so many in a row"),
        ("wait_duration_in_open_state", "it is `pause`, which grows up to `max_pause`"),
        ("permitted_number_of_calls_in_half_open_state", "one record tries"),
    ],
};

const RETRY_TOPICS: Table<RetryTopics> = Table {
    of: " of `retry_topics`",
    rows: &[
        ("attempts", |o, e, cx| o.attempts.set(e, values::count(e, cx), cx)),
        ("backoff", |o, e, cx| o.backoff.set(e, values::duration(e, Duration::ZERO, cx), cx)),
        ("multiplier", |o, e, cx| o.multiplier.set(e, multiplier(e, cx), cx)),
        ("max_backoff", |o, e, cx| o.max_backoff.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("jitter", |o, e, cx| o.jitter.set(e, jitter(e, cx), cx)),
        ("topics", |o, e, cx| o.topics.set(e, values::word(e, RETRY_TOPIC_NAMES, cx), cx)),
        ("suffix", |o, e, cx| o.suffix.set(e, values::text(e, "\"-retry\"", cx), cx)),
        ("dlt_suffix", |o, e, cx| o.dlt_suffix.set(e, values::text(e, "\"-dlt\"", cx), cx)),
        ("auto_create", |o, e, cx| o.auto_create.set(e, values::switch(e, cx), cx)),
        ("replication_factor", |o, e, cx| o.replication_factor.set(e, values::count(e, cx), cx)),
        ("concurrency", |o, e, cx| o.concurrency.set(e, values::count(e, cx), cx)),
    ],
    retired: &[
        ("maxAttempts", "it is `attempts`, the first time included"),
        ("max_attempts", "it is `attempts`, the first time included"),
        ("backOff", "it is `backoff = \"1s\"`, with `multiplier`, `max_backoff` and `jitter` beside it"),
        ("delay", "the first delay is `backoff`, the longest `max_backoff`"),
        ("maxDelay", "it is `max_backoff`"),
        ("max_delay", "it is `max_backoff`"),
        ("random", "it is `jitter`"),
        ("autoCreateTopics", "it is `auto_create`"),
        ("numPartitions", "a retry topic has the partitions of the topic it is of"),
        ("num_partitions", "a retry topic has the partitions of the topic it is of"),
        ("partitions", "a retry topic has the partitions of the topic it is of"),
        ("replicationFactor", "it is `replication_factor`"),
        ("replicas", "it is `replication_factor`"),
        ("retryTopicSuffix", "it is `suffix`"),
        ("dltTopicSuffix", "it is `dlt_suffix`"),
        ("topicSuffixingStrategy", "it is `topics`, as in `topics = \"per-attempt\"`"),
        ("sameIntervalTopicReuseStrategy", "it is `topics`, as in `topics = \"per-attempt\"`"),
        ("dead_letter", "it is an option of the listener itself"),
    ],
};

const RETRY_TOPIC_NAMES: &[(&str, RetryTopicNames)] = &[
    ("per-delay", RetryTopicNames::PerDelay),
    ("per-attempt", RetryTopicNames::PerAttempt),
    ("single", RetryTopicNames::Single),
];

const RETRY: Table<Retry> = Table {
    of: " of `retry`",
    rows: &[
        ("attempts", |o, e, cx| o.attempts.set(e, values::count(e, cx), cx)),
        ("backoff", |o, e, cx| o.backoff.set(e, values::duration(e, Duration::ZERO, cx), cx)),
        ("multiplier", |o, e, cx| o.multiplier.set(e, multiplier(e, cx), cx)),
        ("max_backoff", |o, e, cx| o.max_backoff.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("jitter", |o, e, cx| o.jitter.set(e, jitter(e, cx), cx)),
    ],
    retired: &[
        ("maxAttempts", "it is `attempts`, the first delivery included"),
        ("max_attempts", "it is `attempts`, the first delivery included"),
        ("delay", "the first delay is `backoff`, the longest `max_backoff`"),
        ("maxDelay", "it is `max_backoff`"),
        ("max_delay", "it is `max_backoff`"),
        ("random", "it is `jitter`"),
    ],
};

const RESTART: Table<Restart> = Table {
    of: " of `restart`",
    rows: &[
        ("attempts", |o, e, cx| o.attempts.set(e, values::count(e, cx), cx)),
        ("backoff", |o, e, cx| o.backoff.set(e, values::duration(e, Duration::ZERO, cx), cx)),
        ("multiplier", |o, e, cx| o.multiplier.set(e, multiplier(e, cx), cx)),
        ("max_backoff", |o, e, cx| o.max_backoff.set(e, values::duration(e, SOME_TIME, cx), cx)),
        ("reset_after", |o, e, cx| o.reset_after.set(e, values::duration(e, SOME_TIME, cx), cx)),
    ],
    retired: &[
        ("max_attempts", "it is `attempts`: starts in a row after the first"),
        ("delay", "the first delay is `backoff`, the longest `max_backoff`"),
    ],
};

const DELIVERIES: &[(&str, Delivery)] = &[
    ("at-most-once", Delivery::AtMostOnce),
    ("at-least-once", Delivery::AtLeastOnce),
    ("exactly-once", Delivery::ExactlyOnce),
];

const ACKS: &[(&str, Ack)] = &[
    ("record", Ack::Record),
    ("batch", Ack::Batch),
    ("time", Ack::Time),
    ("count", Ack::Count),
    ("count-time", Ack::CountTime),
    ("manual", Ack::Manual),
    ("manual-immediate", Ack::ManualImmediate),
];

const ORDERINGS: &[(&str, Ordering)] =
    &[("partition", Ordering::Partition), ("key", Ordering::Key), ("none", Ordering::None)];

const ON_DLT_FAILURES: &[(&str, OnDltFailure)] =
    &[("retry", OnDltFailure::Retry), ("skip", OnDltFailure::Skip), ("stop", OnDltFailure::Stop)];

const ON_REVOKES: &[(&str, OnRevoke)] = &[("drain", OnRevoke::Drain), ("cancel", OnRevoke::Cancel)];

fn batch(entry: &Entry, cx: &Ctxt) -> Option<Batch> {
    values::nested(entry, "max_records = 500, max_wait = \"100ms\"", cx).map(|tokens| BATCH.read(tokens, cx))
}

fn retry(entry: &Entry, cx: &Ctxt) -> Option<Retry> {
    values::nested(entry, "attempts = 3, backoff = \"1s\"", cx).map(|tokens| RETRY.read(tokens, cx))
}

fn restart(entry: &Entry, cx: &Ctxt) -> Option<Restart> {
    values::nested(entry, "attempts = 5, backoff = \"1s\"", cx).map(|tokens| RESTART.read(tokens, cx))
}

fn retry_topics(entry: &Entry, cx: &Ctxt) -> Option<RetryTopics> {
    // Without a list: all as by default.
    if matches!(entry.given, Given::Nothing) {
        return Some(RetryTopics::default());
    }
    values::nested(entry, "attempts = 4, backoff = \"1s\"", cx).map(|tokens| RETRY_TOPICS.read(tokens, cx))
}

fn dead_letter_brake(entry: &Entry, cx: &Ctxt) -> Option<DeadLetterBrake> {
    // Without a list: all as by default.
    if matches!(entry.given, Given::Nothing) {
        return Some(DeadLetterBrake::default());
    }
    let example = "share = \"50%\", within = \"1m\", at_least = 20";
    values::nested(entry, example, cx).map(|tokens| DEAD_LETTER_BRAKE.read(tokens, cx))
}

fn circuit_breaker(entry: &Entry, cx: &Ctxt) -> Option<CircuitBreaker> {
    // Without a list: all as by default.
    if matches!(entry.given, Given::Nothing) {
        return Some(CircuitBreaker::default());
    }
    values::nested(entry, "failures = 5, pause = \"10s\"", cx).map(|tokens| CIRCUIT_BREAKER.read(tokens, cx))
}

fn multiplier(entry: &Entry, cx: &Ctxt) -> Option<f64> {
    values::decimal(entry, "2.0", |n| n >= 1.0, "at least 1", cx)
}

fn jitter(entry: &Entry, cx: &Ctxt) -> Option<f64> {
    values::decimal(entry, "0.2", |n| (0.0..=1.0).contains(&n), "a share of the delay, from 0 to 1", cx)
}

fn dead_letter(entry: &Entry, cx: &Ctxt) -> Option<DeadLetter> {
    values::dead_letter_topic(entry, cx).map(|topic| match topic {
        values::TopicName::Literal(literal) if literal.value().starts_with('*') => {
            DeadLetter::Suffix(LitStr::new(literal.value().trim_start_matches('*'), literal.span()))
        }
        values::TopicName::Literal(literal) if literal.value() == "off" => DeadLetter::Off,
        values::TopicName::Literal(literal) if literal.value() == "stop" => DeadLetter::Stop,
        topic => DeadLetter::Topic(topic),
    })
}
