//! Declarative Kafka listeners and templates: Spring for Apache Kafka, without its wounds.
#![allow(dead_code, reason = "the seams stand before what fills them; removed when the runtime lands")]

extern crate self as kafka_app;

mod error;
mod record;

pub mod config;

mod admin;
mod client;
mod convert;
mod error_handler;
mod extract;
mod handler;
mod listener;
#[cfg(feature = "macros")]
mod listeners;
mod observe;
mod probe;
mod producer;
#[cfg(test)]
mod test_support;
mod topic;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use admin::NewTopic;
pub use client::PendingSend;
pub use config::{AckMode, DeadLetter, Delivery, OnRevoke, Ordering};
pub use convert::{FromPayload, NotUtf8, Text, ToKey, ToPayload, Tombstone, WrongLength};
#[cfg(feature = "json")]
pub use convert::{Json, JsonError};
pub use error::{Error, ErrorKind, Result};
pub use extract::{
    Batch, BatchRecord, DeliveryAttempt, FromBatch, FromKey, FromRecord, Header, HeaderName, Key, Record, State,
    Template,
};
pub use handler::{
    BatchContext, BatchHandler, BatchOutcome, Declaration, Each, ErrorClass, Failure, HandlerFn, IntoOutputs,
    KafkaError, Outcome, Outgoing, Output, Outputs, RecordContext, RecordHandler, Rejection, batch_handler_fn,
    handler_fn,
};
#[cfg(feature = "macros")]
pub use kafka_app_macros::{KafkaError, kafka_listener};
pub use listener::{
    Ack, Acked, Listener, ListenerCounts, ListenerHandle, ListenerMetrics, ListenerRegistry, ListenerState,
};
pub use producer::{KafkaTemplate, PartitionInfo, SendAllError, SendError};
pub use record::{
    Headers, OwnedRecord, ProducerRecord, RawRecord, RecordMetadata, SendResult, Timestamp, TopicPartition,
};
pub use topic::Topic;
