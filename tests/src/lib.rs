//! The harness of the integration tests: a broker, names of one's own, and a plain client to look from outside.
//!
//! The broker is an embedded one of the test's own by default, and the real cluster that `KAFKA_APP_TEST_BOOTSTRAP` names
//! otherwise: what holds on one must hold on the other. Tests share a real cluster, so every name carries a suffix that
//! belongs to the test. The client here is rdkafka itself and nothing of kafka-app, so that a mistake of ours cannot hide
//! behind the same mistake in the test.

mod broker;
mod client;
mod cluster;
mod failed;
mod journal;

pub use broker::TestBroker;
pub use client::{Record, record};
pub use cluster::{Death, TestCluster};
pub use failed::Failed;
pub use journal::{Entry, Journal};

/// The longest a test waits for anything: long enough for a loaded machine, short enough to fail a build.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What docs/spring.md shows in Rust compiles.
#[cfg(doctest)]
#[doc = include_str!("../../docs/spring.md")]
pub struct GuideForSpring;
