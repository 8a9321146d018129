//! What generated code may call; hidden, and exempt from semantic versioning.

pub use crate::{
    config::{
        AckMode, CircuitBreakerSettings, DeadLetter, DeadLetterBrakeSettings, Delivery, OnDltFailure, OnRevoke,
        Ordering, Partitions, RateLimit, RestartSettings, RetrySettings, RetryTopicNames, RetryTopicSettings,
        StartFrom,
    },
    extract::{FromBatch, FromRecord},
    handler::{
        BatchContext, BatchHandler, BatchOutcome, BatchResult, Declaration, ErrorClass, Failure, IntoOutputs,
        KafkaError, Outcome, Output, Outputs, RecordContext, RecordHandler, Rejection, batch_outcome, outcome,
    },
    listener::Listener,
    offset_spec::OffsetSpec,
    probe::{
        Absent, ArgumentProbe, BatchArgumentProbe, BatchProbe, RecordProbe, ReturnProbe, rank, returned, returned_async,
    },
};
#[cfg(feature = "discover")]
pub use inventory;

use crate::topic::Topic;

/// Makes one argument of a record.
///
/// # Errors
/// As [`FromRecord::from_record`].
pub fn extract<'r, T: FromRecord<'r>>(cx: &RecordContext<'r>) -> Result<T, Rejection> {
    T::from_record(cx)
}

/// As [`extract`], for a listener that takes a batch.
///
/// # Errors
/// As [`FromBatch::from_batch`].
pub fn extract_batch<'r, T: FromBatch<'r>>(
    cx: &BatchContext<'r>,
    rejected: &mut Vec<(usize, Rejection)>,
) -> Result<T, Rejection> {
    T::from_batch(cx, rejected)
}

/// The outcome of a batch of which an argument could not be made at all: nothing that another delivery can mend.
#[must_use]
pub fn batch_failed(rejection: Rejection) -> BatchOutcome {
    BatchOutcome::Whole { rejected: Vec::new(), result: Err(Failure::stop(rejection)) }
}

/// The outcome of a batch of which no record was left for the function.
#[must_use]
pub fn batch_rejected(rejected: Vec<(usize, Rejection)>) -> BatchOutcome {
    BatchOutcome::Whole { rejected, result: Ok(Outputs::None) }
}

/// What `topic` and `send_to` accept by path: a typed topic, or its bare name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a topic",
    label = "not a topic",
    note = "a topic is a string literal, a `&'static str` constant or a `Topic<K, V>` constant"
)]
pub trait TopicName {
    /// The topic's name, which may hold placeholders.
    fn topic_name(&self) -> &str;
}

impl TopicName for &'static str {
    fn topic_name(&self) -> &str {
        self
    }
}

impl<K: ?Sized, V: ?Sized> TopicName for Topic<K, V> {
    fn topic_name(&self) -> &str {
        self.name()
    }
}

/// The name of a topic given by path.
pub fn topic_name<T: TopicName>(topic: &T) -> &str {
    topic.topic_name()
}

/// A declaration found at link time, for `.discover()`.
#[cfg(feature = "discover")]
#[derive(Debug)]
pub struct Discovered {
    /// Makes the listener, exactly as `listeners![..]` would.
    pub listener: fn() -> Listener,
}

#[cfg(feature = "discover")]
inventory::collect!(Discovered);
