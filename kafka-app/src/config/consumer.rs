//! [`ConsumerProperties`]: `kafka.consumer.*`.

use std::time::Duration;

use crate::config::{AutoOffsetReset, ClientProperties, IsolationLevel, from_text::Bytes, section::Section};

/// `kafka.consumer.*`: what all listeners' consumers share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerProperties {
    /// Settings of the connection that differ from `kafka.*`.
    pub client: ClientProperties,
    /// Group of the listeners that name none.
    pub group_id: Option<String>,
    /// Where a group without offsets begins; default earliest.
    pub auto_offset_reset: Option<AutoOffsetReset>,
    /// How often finished offsets are committed where a listener has no `ack-time`; default 1 s.
    pub auto_commit_interval: Option<Duration>,
    /// How long the broker waits for `fetch_min_size`; default 100 ms.
    pub fetch_max_wait: Option<Duration>,
    /// Fewest bytes worth an answer; default 1.
    pub fetch_min_size: Option<u64>,
    /// How often a member tells its group that it lives; default 3 s. Not with `group.protocol = consumer`.
    pub heartbeat_interval: Option<Duration>,
    /// Which records of transactions are read; default committed ones only.
    pub isolation_level: Option<IsolationLevel>,
    /// Longest time between polls before the member is taken for stuck; default 5 min. Handlers do not count: polling
    /// goes on while they run.
    pub max_poll_interval: Option<Duration>,
}

impl ConsumerProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let read = Self {
            client: ClientProperties::read(section),
            group_id: section.get("group-id"),
            auto_offset_reset: section.get("auto-offset-reset"),
            auto_commit_interval: section.get("auto-commit-interval"),
            fetch_max_wait: section.get("fetch-max-wait"),
            fetch_min_size: section.get("fetch-min-size").map(|Bytes(n_bytes)| n_bytes),
            heartbeat_interval: section.get("heartbeat-interval"),
            isolation_level: section.get("isolation-level"),
            max_poll_interval: section.get("max-poll-interval"),
        };
        section.finish(ANSWERS);
        read
    }
}

const ANSWERS: &[(&str, &str)] = &[
    (
        "enable-auto-commit",
        "commits belong to the framework: kafka.listener.ack-mode says when, kafka.listener.delivery what they promise",
    ),
    (
        "max-poll-records",
        "there is no such limit in librdkafka; for batch listeners use batch(max_records = …) or \
         kafka.listener.batch.max-records",
    ),
    ("key-deserializer", "the handler's arguments decide: Key<T>"),
    ("value-deserializer", "the handler's arguments decide: Json<T>, String, Bytes, …"),
];
