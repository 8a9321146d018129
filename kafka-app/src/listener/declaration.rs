//! [`Listener`]: a listener as declared, by the attribute or by hand.

use std::{fmt, sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    config::{
        AckMode, CircuitBreakerSettings, DeadLetter, DeadLetterBrakeSettings, Delivery, ListenerSettings, OnDltFailure,
        OnRevoke, Ordering, Partitions, RateLimit, RestartSettings, RetrySettings, RetryTopicSettings, StartFrom,
    },
    handler::{BatchHandler, BoxBatchHandler, BoxRecordHandler, Declaration, Layered, RecordHandler},
    listener::ChunkRunner,
    record::RawRecord,
};

/// A listener as declared: an id, its settings and its function. `#[kafka_listener]` is sugar for this builder.
///
/// String settings may hold `${key:default}` placeholders; they are resolved from the configuration at start.
#[derive(Clone)]
pub struct Listener {
    pub(crate) id: String,
    pub(crate) settings: ListenerSettings,
    pub(crate) filter: Option<Filter>,
    pub(crate) handler: Handler,
    /// `file:line` of the declaration, for messages about it.
    pub(crate) location: Option<&'static str>,
    /// A layer for the other kind of handler was put around this one.
    pub(crate) has_wrong_layer: bool,
}

/// `fn(&RawRecord) -> bool`: true keeps the record.
pub(crate) type Filter = fn(&RawRecord) -> bool;

/// The declared function, erased once per listener.
#[derive(Clone)]
pub(crate) enum Handler {
    Record(Arc<dyn ErasedRecordHandler>),
    Batch(Arc<dyn ErasedBatchHandler>),
}

/// What a start needs of a record handler whose type it does not know.
pub(crate) trait ErasedRecordHandler: Send + Sync {
    fn declare(&self, declaration: &mut Declaration);
    /// A runner that owns this handler and a listener's policies.
    fn runner(self: Arc<Self>, policy: super::dispatch::Policy) -> Arc<dyn ChunkRunner>;
    /// For a layer around it.
    fn boxed(self: Arc<Self>) -> BoxRecordHandler;
}

/// The same of a batch handler.
pub(crate) trait ErasedBatchHandler: Send + Sync {
    fn declare(&self, declaration: &mut Declaration);
    fn runner(self: Arc<Self>, policy: super::dispatch::Policy) -> Arc<dyn ChunkRunner>;
    /// For a layer around it.
    fn boxed(self: Arc<Self>) -> BoxBatchHandler;
}

impl Handler {
    fn record(handler: impl RecordHandler) -> Self {
        Self::Record(Arc::new(super::dispatch::Erased(Arc::new(handler))))
    }

    fn batch(handler: impl BatchHandler) -> Self {
        Self::Batch(Arc::new(super::dispatch::Erased(Arc::new(handler))))
    }
}

impl Listener {
    /// A listener that takes one record at a time.
    #[must_use]
    pub fn record(id: impl Into<String>, handler: impl RecordHandler) -> Self {
        Self::new(id.into(), Handler::record(handler))
    }

    /// A listener that takes many records at a time.
    #[must_use]
    pub fn batch(id: impl Into<String>, handler: impl BatchHandler) -> Self {
        Self::new(id.into(), Handler::batch(handler))
    }

    fn new(id: String, handler: Handler) -> Self {
        Self {
            id,
            settings: ListenerSettings::default(),
            filter: None,
            handler,
            location: None,
            has_wrong_layer: false,
        }
    }

    /// The id: its name in configuration, metrics, logs and health.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Replaces the id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Topics by name.
    #[must_use]
    pub fn topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.settings.topics = Some(topics.into_iter().map(Into::into).collect());
        self
    }

    /// Topics by regular expression, anchored at both ends.
    #[must_use]
    pub fn topic_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.settings.topic_pattern = Some(pattern.into());
        self
    }

    /// Takes these partitions of its topics by itself, in every process that runs it: no group shares them out, and none is
    /// taken away. Without a [`Listener::group`] of its own nothing is committed.
    #[must_use]
    pub fn partitions(mut self, partitions: impl Into<Partitions>) -> Self {
        self.settings.partitions = Some(partitions.into());
        self
    }

    /// Where it begins in [`Listener::partitions`], each time it starts.
    #[must_use]
    pub fn start_from(mut self, from: StartFrom) -> Self {
        self.settings.from = Some(from);
        self
    }

    /// Consumer group.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.settings.group_id = Some(group.into());
        self
    }

    /// When offsets move relative to handling.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.settings.delivery = Some(delivery);
        self
    }

    /// When finished offsets are committed.
    #[must_use]
    pub fn ack(mut self, mode: AckMode) -> Self {
        self.settings.ack_mode = Some(mode);
        self
    }

    /// Interval of [`AckMode::Time`] and [`AckMode::CountTime`].
    #[must_use]
    pub fn ack_time(mut self, interval: Duration) -> Self {
        self.settings.ack_time = Some(interval);
        self
    }

    /// Records between commits of [`AckMode::Count`] and [`AckMode::CountTime`].
    #[must_use]
    pub fn ack_count(mut self, n_records: u32) -> Self {
        self.settings.ack_count = Some(n_records);
        self
    }

    /// Consumers of this listener in this process.
    #[must_use]
    pub fn concurrency(mut self, n_consumers: u32) -> Self {
        self.settings.concurrency = Some(n_consumers);
        self
    }

    /// Which records are handled in order.
    #[must_use]
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.settings.ordering = Some(ordering);
        self
    }

    /// Lanes per consumer for [`Ordering::Key`] and [`Ordering::None`].
    #[must_use]
    pub fn workers(mut self, n_workers: u32) -> Self {
        self.settings.workers = Some(n_workers);
        self
    }

    /// Most records of a batch. With [`Ordering::Key`] and [`Ordering::None`] it is the most that are gathered before they are
    /// dealt out to the lanes: a batch is the part of one lane, by key the records of its keys.
    #[must_use]
    pub fn batch_max_records(mut self, n_records: u32) -> Self {
        self.settings.batch_max_records = Some(n_records);
        self
    }

    /// How long a batch waits to fill, before it is dealt out to lanes as [`Listener::batch_max_records`] says.
    #[must_use]
    pub fn batch_max_wait(mut self, wait: Duration) -> Self {
        self.settings.batch_max_wait = Some(wait);
        self
    }

    /// Most bytes (keys and payloads) of a batch, before it is dealt out to lanes as [`Listener::batch_max_records`] says.
    #[must_use]
    pub fn batch_max_bytes(mut self, n_bytes: u64) -> Self {
        self.settings.batch_max_bytes = Some(n_bytes);
        self
    }

    /// Most records of a transaction, with [`Delivery::ExactlyOnce`].
    #[must_use]
    pub fn transaction_max_records(mut self, n_records: u32) -> Self {
        self.settings.transaction_max_records = Some(n_records);
        self
    }

    /// How long a transaction takes records, with [`Delivery::ExactlyOnce`].
    #[must_use]
    pub fn transaction_max_wait(mut self, wait: Duration) -> Self {
        self.settings.transaction_max_wait = Some(wait);
        self
    }

    /// Where returned values go.
    #[must_use]
    pub fn send_to(mut self, topic: impl Into<String>) -> Self {
        self.settings.send_to = Some(topic.into());
        self
    }

    /// Has what it returns answer the request that was handled: it goes to the topic and partition of the request's headers
    /// `kafka_replyTopic` and `kafka_replyPartition`, with its `kafka_correlationId`. Without them it is dropped.
    #[must_use]
    pub fn reply(mut self) -> Self {
        self.settings.reply = Some(true);
        self
    }

    /// Keeps only records for which `filter` is true; the others count as done.
    #[must_use]
    pub fn filter(mut self, filter: fn(&RawRecord) -> bool) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Deliveries in place.
    #[must_use]
    pub fn retry(mut self, retry: RetrySettings) -> Self {
        self.settings.retry = retry;
        self
    }

    /// A listener whose share of dead letters passes a limit stops.
    #[must_use]
    pub fn dead_letter_brake(mut self, brake: DeadLetterBrakeSettings) -> Self {
        self.settings.dead_letter_brake = DeadLetterBrakeSettings { enabled: brake.enabled.or(Some(true)), ..brake };
        self
    }

    /// While what the handler needs is down, no record is handled and none is given up.
    #[must_use]
    pub fn circuit_breaker(mut self, circuit_breaker: CircuitBreakerSettings) -> Self {
        let enabled = circuit_breaker.enabled.or(Some(true));
        self.settings.circuit_breaker = CircuitBreakerSettings { enabled, ..circuit_breaker };
        self
    }

    /// Deliveries from topics of their own, while the records behind go on.
    #[must_use]
    pub fn retry_topics(mut self, retry_topics: RetryTopicSettings) -> Self {
        let enabled = retry_topics.enabled.or(Some(true));
        self.settings.retry_topics = RetryTopicSettings { enabled, ..retry_topics };
        self
    }

    /// Reads the dead letters of the listener with this id, in place of topics; in its group with `-dlt` unless
    /// [`Listener::group`] says another. If a suffix gives another listener's dead letters the same topic, that is an error
    /// of the start; a topic that both of them name is shared, and its handler has the letters of both.
    #[must_use]
    pub fn dead_letters_of(mut self, id: impl Into<String>) -> Self {
        self.settings.dead_letters_of = Some(id.into());
        self
    }

    /// Of a handler of dead letters: what is done about one that it fails to handle.
    #[must_use]
    pub fn on_failure(mut self, on_failure: OnDltFailure) -> Self {
        self.settings.on_failure = Some(on_failure);
        self
    }

    /// Where spent records go.
    #[must_use]
    pub fn dead_letter(mut self, dead_letter: DeadLetter) -> Self {
        self.settings.dead_letter = Some(dead_letter);
        self
    }

    /// Longest time for one call of the handler.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Puts a layer around the function, which takes one record at a time; of several, the last goes around the others, and
    /// those of [`KafkaApp::layer`](crate::KafkaApp::layer) around them. See [`BoxRecordHandler`].
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxRecordHandler, Service: RecordHandler>,
    {
        match self.handler {
            Handler::Record(handler) => self.handler = Handler::record(Layered::record(&layer, handler.boxed())),
            Handler::Batch(_) => self.has_wrong_layer = true,
        }
        self
    }

    /// As [`Listener::layer`], for a function that takes many records at a time.
    #[must_use]
    pub fn batch_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxBatchHandler, Service: BatchHandler>,
    {
        match self.handler {
            Handler::Batch(handler) => self.handler = Handler::batch(Layered::batch(&layer, handler.boxed())),
            Handler::Record(_) => self.has_wrong_layer = true,
        }
        self
    }

    /// Most records that are handed over in a time, over all its consumers in this process.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.settings.rate_limit = Some(limit);
        self
    }

    /// Whether the listener starts with the application.
    #[must_use]
    pub fn auto_start(mut self, auto_start: bool) -> Self {
        self.settings.auto_startup = Some(auto_start);
        self
    }

    /// Reads from this cluster of `kafka.clusters` and sends what it returns, retries and gives up to it; default that of
    /// `kafka.*` itself, which is named `default`.
    #[must_use]
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.settings.cluster = Some(name.into());
        self
    }

    /// Starts with the application, but only once the listener with this id has finished, or runs if that has no end to read
    /// to: for what must be there first, as a compacted topic that is loaded.
    #[must_use]
    pub fn start_after(mut self, id: impl Into<String>) -> Self {
        self.settings.start_after = Some(id.into());
        self
    }

    /// Finishes when its group has read what there was when it started; see
    /// [`ListenerHandle::finished`](crate::ListenerHandle::finished).
    #[must_use]
    pub fn until_end(mut self, until_end: bool) -> Self {
        self.settings.until_end = Some(until_end);
        self
    }

    /// What happens to running handlers when a partition is revoked.
    #[must_use]
    pub fn on_revoke(mut self, on_revoke: OnRevoke) -> Self {
        self.settings.on_revoke = Some(on_revoke);
        self
    }

    /// Whether it starts again after a failure.
    #[must_use]
    pub fn restart(mut self, restart: RestartSettings) -> Self {
        self.settings.restart = restart;
        self
    }

    /// Name of the consumer in its group, for static membership; with `concurrency`, `-n` is behind it.
    #[must_use]
    pub fn group_instance_id(mut self, id: impl Into<String>) -> Self {
        self.settings.group_instance_id = Some(id.into());
        self
    }

    /// After how long without a record a consumer tells [`ListenerEvent::Idle`](crate::ListenerEvent::Idle).
    #[must_use]
    pub fn idle_event_interval(mut self, interval: Duration) -> Self {
        self.settings.idle_event_interval = Some(interval);
        self
    }

    /// After how long without a record of a partition [`ListenerEvent::PartitionIdle`](crate::ListenerEvent::PartitionIdle)
    /// is told.
    #[must_use]
    pub fn idle_partition_event_interval(mut self, interval: Duration) -> Self {
        self.settings.idle_partition_event_interval = Some(interval);
        self
    }

    /// A librdkafka property of this listener's consumers.
    #[must_use]
    pub fn property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.properties.insert(key.into(), value.into());
        self
    }

    /// `file:line` of the declaration, for messages about it.
    #[must_use]
    pub fn declared_at(mut self, location: &'static str) -> Self {
        self.location = Some(location);
        self
    }

    /// Whether the function takes many records at a time.
    pub(crate) fn is_batch(&self) -> bool {
        matches!(self.handler, Handler::Batch(_))
    }

    pub(crate) fn declaration(&self) -> Declaration {
        let mut declaration = Declaration::default();
        match &self.handler {
            Handler::Record(handler) => handler.declare(&mut declaration),
            Handler::Batch(handler) => handler.declare(&mut declaration),
        }
        declaration
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("id", &self.id).field("settings", &self.settings).finish_non_exhaustive()
    }
}
