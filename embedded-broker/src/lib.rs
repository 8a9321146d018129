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
//! What tests can make go wrong, and what they can see of their clients, is listed in [`fault`].
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
pub mod fault;
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
mod open_connections;
mod partition;
mod per_node;
mod persist;
mod placement;
mod protocol;
mod quotas;
mod recorder;
mod replication;
mod security;
mod server;
mod settings;
mod state;
mod telemetry;
mod timers;
mod topic;
mod transactions;
mod upkeep;
mod violations;
mod watches;
mod whole_pattern;
mod wire;

pub use broker::{
    ControllerView, EmbeddedBroker, EmbeddedBrokerBuilder, Flush, FrozenHighWatermark, Isolated, Lagging, NodeView,
};
pub use clock::ManualClock;
pub use coordinator::group::state::GroupState;
pub use coordinator::transaction::state::TransactionState;
pub use error::{Error, ErrorCode};
pub use fault::api_name::Api;
pub use fault::{Fault, FaultBuilder, InterceptedRequest, NetworkBuilder, Outcome};
pub use inspect::append::ProducerRecord;
pub use inspect::await_records::AwaitRecords;
pub use inspect::await_stable::AwaitStable;
pub use inspect::committed::AbortedRange;
pub use inspect::connections::{AwaitConnections, ClientConnection, ConnectionsView};
pub use inspect::group::{ConsumerGroup, GroupMember, OffsetAndMetadata};
pub use inspect::producers::PartitionProducer;
pub use inspect::record::Record;
pub use inspect::replicas::{LostRecords, PartitionReplicas};
pub use inspect::requests::{AwaitRequests, RecordedRequest, RequestLog};
pub use inspect::topic::TopicView;
pub use inspect::transactions::{HeldMarkers, TransactionDescription, TransactionsView};
pub use inspect::version_report::{VersionReport, VersionUse};
pub use inspect::violations::{Strict, Violation};
pub use persist::disk::DiskFault;
#[doc(hidden)]
pub use placement::propose as propose_placement;
#[doc(hidden)]
pub use security::client_side;
pub use security::listeners::builder::Listener;
#[cfg(feature = "tls")]
pub use security::tls::certificates::{Certificate, CertificateAuthority};
pub use telemetry::PushedMetrics;
#[doc(hidden)]
pub use whole_pattern::check as check_pattern;
