//! Declarative Kafka listeners and templates: Spring for Apache Kafka, without its wounds.
//!
//! A function with [`#[kafka_listener]`](kafka_listener) is a consumer; a typed [`KafkaTemplate`] sends; a file and the
//! environment wire both; one word chooses at-most-once, at-least-once or exactly-once; and the crate `embedded-broker`
//! makes every test work with nothing installed.
//!
//! ```no_run
//! use kafka_app::{Json, KafkaApp, kafka_listener, listeners};
//!
//! #[derive(serde::Deserialize)]
//! struct Order<'r> { id: u64, article: &'r str }
//!
//! #[derive(serde::Serialize)]
//! struct Invoice { order: u64, line: String }
//!
//! #[kafka_listener(topic = "orders", group = "billing", send_to = "invoices", dead_letter = "orders-dlt")]
//! async fn bill(Json(order): Json<Order<'_>>) -> Json<Invoice> {
//!     Json(Invoice { order: order.id, line: format!("1 x {}", order.article) })
//! }
//!
//! #[tokio::main]
//! async fn main() -> kafka_app::Result<()> {
//!     KafkaApp::from_env().listeners(listeners![bill]).run().await // until SIGTERM: drain, commit, leave the group
//! }
//! ```
//!
//! # Consuming
//!
//! [`#[kafka_listener]`](kafka_listener) has the options, [`FromRecord`] the arguments a listener may take, and
//! [`Listener`] the builder that the attribute is sugar for. What a handler returns is sent to `send_to`; [`Outgoing`]
//! chooses topic, key and headers. Errors say by [`KafkaError`] what is to be done about them; any other error is retried.
//!
//! [`KafkaConsumer`] reads without a listener, for tools that print, count or copy records.
//!
//! # Producing
//!
//! [`KafkaTemplate`] sends typed records, [`Topic`] names a topic with its types, [`NewTopic`] has one created at start.
//! [`KafkaTemplate::in_transaction`] sends many records as one.
//!
//! # Several clusters
//!
//! `kafka.clusters.<name>.*` is one more, laid over `kafka.*`: see [`config`]. A listener chooses its own by
//! `cluster = "<name>"`, and what it returns, retries and gives up goes there. [`TemplateOf`] as an argument and
//! [`RunningApp::template_of`] send to the others, [`NewTopic::on_cluster`] has topics created there.
//!
//! # Exactly once
//!
//! `delivery = "exactly-once"` puts what a listener returns, what it sends through a [`Template`], its dead letters and its
//! offsets into one transaction: see [`Delivery::ExactlyOnce`].
//!
//! # Trying again
//!
//! A record whose handler fails is delivered again in place (`retry(..)`), with the records behind it waiting, or from a
//! topic of its own after a delay (`retry_topics(..)`), with the records behind it going on: then records of one key may
//! overtake each other. In the end it goes to the dead letters. See [`RetryTopicSettings`]. A function with
//! [`#[dlt_handler]`](dlt_handler) handles the dead letters of a listener, [`RunningApp::replay`] sends them back to it.
//!
//! ```
//! use kafka_app::{KafkaApp, Text, kafka_listener, listeners};
//!
//! #[kafka_listener(
//!     topic = "orders",
//!     group = "billing",
//!     retry_topics(attempts = 4, backoff = "1s", multiplier = 10.0, max_backoff = "1m")
//! )]
//! async fn bill(Text(order): Text) -> Result<(), std::io::Error> {
//!     println!("{order}");
//!     Ok(())
//! }
//!
//! let topology = KafkaApp::new("localhost:9092").listeners(listeners![bill]).topology()?;
//! assert_eq!(topology.topics(), ["orders", "orders-dlt", "orders-retry-1000", "orders-retry-10000", "orders-retry-60000"]);
//! # Ok::<(), kafka_app::Error>(())
//! ```
//!
//! # Payloads
//!
//! Any type with [`FromPayload`] is an argument, any with [`ToPayload`] is sent: [`Json`], [`Text`], bytes, numbers, your own.
//! [`Valid`] checks a value before the listener sees it. With the features `avro`, `protobuf` and `json-schema` there are
//! `Avro<T>`, `Protobuf<M>` and `JsonSchema<T>`, whose records begin with the id of a schema in a registry, in Confluent's wire
//! format: `kafka.schema-registry.url` names it. What a registry refuses is told; while it does not answer, records wait.
//!
//! # Asking
//!
//! [`KafkaTemplate::request`] sends a record and waits for the reply to it, [`KafkaTemplate::request_many`] for several. A
//! listener with the option `reply` answers. Headers are Spring's, so that either side may be a Spring application.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use kafka_app::{Json, KafkaApp, kafka_listener, listeners};
//!
//! #[kafka_listener(topic = "sums", group = "adders", reply)]
//! async fn add(Json(numbers): Json<Vec<i64>>) -> Json<i64> {
//!     Json(numbers.iter().sum())
//! }
//!
//! # async fn example() -> kafka_app::Result<()> {
//! let app = KafkaApp::from_env().set("kafka.template.reply-topic", "replies").listeners(listeners![add]).start().await?;
//! let adder = app.template::<(), Json<Vec<i64>>>();
//! let Json(sum): Json<i64> = adder.request("sums", &(), &Json(vec![1, 2, 3]), Duration::from_secs(5)).await?;
//! assert_eq!(sum, 6);
//! # Ok(())
//! # }
//! ```
//!
//! # Running
//!
//! [`KafkaApp`] collects, checks and starts; [`RunningApp`] is what runs, with a [`ListenerHandle`] for each listener.
//!
//! # Administering
//!
//! [`admin::AdminClient`] creates and describes topics, configs, groups and rights; [`RunningApp::admin`] has one.
//!
//! # Configuring
//!
//! [`config`] has the layers and every key.
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `macros` | yes | `#[kafka_listener]`, `listeners![..]`, `#[derive(KafkaError)]` |
//! | `json` | yes | [`Json`] payloads |
//! | `discover` | no | `KafkaApp::discover`: every listener linked into the program |
//! | `avro` | no | `Avro<T>` payloads, whose schemas are in a registry |
//! | `protobuf` | no | `Protobuf<M>` payloads, the same |
//! | `json-schema` | no | `JsonSchema<T>` payloads, the same |
//! | `embedded` | no | `bootstrap-servers = "embedded"`: a broker in this process |
//! | `tls-system` | no | TLS and SCRAM with the system's OpenSSL |
//! | `tls-vendored` | no | TLS and SCRAM with an OpenSSL built from source |

// What the macros generate names the crate by its path; our own tests use them too.
#[cfg(all(test, feature = "macros"))]
extern crate self as kafka_app;

mod clock;
mod error;
mod offset_spec;
mod record;

pub mod config;

pub mod admin;
mod app;
mod client;
mod consumer;
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
mod replay;
#[cfg_attr(
    not(feature = "schema-registry"),
    allow(dead_code, unused_imports, reason = "the runtime knows schemas; the formats that use them are features")
)]
mod schema;
mod shutdown;
mod sync;
#[cfg(test)]
mod test_support;
mod topic;
mod topology;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use admin::NewTopic;
pub use app::{KafkaApp, RunningApp, StopReport};
pub use client::{PendingSend, UnreachableBroker};
pub use config::{
    AckMode, CircuitBreakerSettings, DeadLetter, DeadLetterBrakeSettings, Delivery, OnDltFailure, OnRevoke, Ordering,
    Partitions, RateLimit, RetryTopicNames, RetryTopicSettings, StartFrom,
};
pub use consumer::{KafkaConsumer, KafkaConsumerBuilder, Polled};
#[cfg(feature = "avro")]
pub use convert::Avro;
#[cfg(feature = "json-schema")]
pub use convert::JsonSchema;
pub use convert::{
    FromPayload, Invalid, NotUtf8, PayloadContext, Text, ToKey, ToPayload, Tombstone, Valid, Validate, WrongLength,
};
#[cfg(feature = "json")]
pub use convert::{Json, JsonError};
#[cfg(feature = "protobuf")]
pub use convert::{Protobuf, ProtobufSchema};
pub use error::{Error, ErrorKind, Result};
pub use error_handler::DeadLetterInfo;
pub use extract::{
    Batch, BatchRecord, Cluster, DeliveryAttempt, FromBatch, FromKey, FromRecord, Header, HeaderName, Key, KeyScope,
    KeyState, KeyedState, Record, State, Template, TemplateOf,
};
pub use handler::{
    BatchContext, BatchHandler, BatchOutcome, BoxBatchHandler, BoxRecordHandler, Declaration, Each, ErrorClass,
    Failure, HandlerFn, HandlerFuture, IntoOutputs, KafkaError, Outcome, Outgoing, Output, Outputs, RecordContext,
    RecordHandler, Rejection, around, batch_handler_fn, handler_fn,
};
#[cfg(feature = "macros")]
pub use kafka_app_macros::{KafkaError, dlt_handler, kafka_listener};
pub use listener::{
    Ack, Acked, CircuitState, Listener, ListenerCounts, ListenerEvent, ListenerEvents, ListenerHandle, ListenerMetrics,
    ListenerRegistry, ListenerState, PartitionLag, RecordFate,
};
pub use offset_spec::OffsetSpec;
pub use producer::{
    CorrelationId, KafkaTemplate, PartitionInfo, ProducerInterceptor, Release, Replies, Reply, ReplyCounts,
    RequestError, RequestTimeout, SendAllError, SendError, TransactionError,
};
pub use record::{
    Headers, OwnedRecord, ProducerRecord, RawRecord, RecordMetadata, SendResult, Timestamp, TopicPartition,
};
pub use replay::{Replay, ReplayReport, WhyLeft};
pub use schema::{Schema, SchemaError, SchemaFormat, WithSchema};
pub use topic::Topic;
pub use topology::Topology;
pub use tower_layer::Layer;
