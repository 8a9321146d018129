//! A Kafka broker inside your process, for tests, examples and development: real TCP, no JVM, no Docker, up in
//! milliseconds.
//!
//! ```
//! use embedded_broker::EmbeddedBroker;
//!
//! let broker = EmbeddedBroker::builder().topic("orders", 3).start()?;
//! // Any Kafka client, of any language, connects to this address.
//! println!("{}", broker.bootstrap_servers());
//! # Ok::<(), embedded_broker::Error>(())
//! ```
//!
//! | feature | what it gives | default |
//! |---|---|---|
//! | `tls` | listeners with TLS, certificates of clients, and an authority for tests (`CertificateAuthority`); needs a C compiler | no |
//!
//! What it serves and where it differs from Apache Kafka 4.1 is in `DESIGN.md`, beside this crate's manifest.

mod api;
mod broker;
mod ceilings;
mod clock;
mod cluster;
mod config;
mod connections;
mod coordinator;
mod data_wait;
mod error;
mod fault;
mod features;
mod fetch_session;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod groups;
mod inspect;
mod internal_topics;
mod kafka_id;
mod kept_log;
mod log;
mod loggers;
mod partition;
mod persist;
mod placement;
mod protocol;
mod quotas;
mod recorder;
mod security;
mod server;
mod settings;
mod state;
mod telemetry;
mod timers;
mod topic;
mod topic_view;
mod transactions;
mod upkeep;
mod wire;

pub use broker::{EmbeddedBroker, EmbeddedBrokerBuilder, Flush};
pub use clock::ManualClock;
pub use coordinator::group::state::GroupState;
pub use coordinator::transaction::state::TransactionState;
pub use error::{Error, ErrorCode};
pub use fault::api_name::Api;
pub use fault::builder::{Fault, FaultBuilder};
pub use fault::network::{NetworkBuilder, NetworkFault};
pub use inspect::await_stable::AwaitStable;
pub use inspect::committed::AbortedRange;
pub use inspect::disk::DiskFaultGuard;
pub use inspect::group::{ConsumerGroup, GroupMember, OffsetAndMetadata};
pub use inspect::requests::{AwaitRequests, RecordedRequest, RequestLog};
pub use inspect::transactions::{HeldMarkers, TransactionDescription, TransactionsView};
pub use persist::disk::DiskFault;
pub use security::listeners::builder::Listener;
#[cfg(feature = "tls")]
pub use security::tls::certificates::{Certificate, CertificateAuthority};
pub use telemetry::PushedMetrics;
pub use topic_view::{AwaitRecords, Record, TopicView};
