//! The other side of our listeners: what a client's properties say of stores and logins, and its part of SCRAM.
//!
//! For the program `kafka-app`, which speaks the protocol itself. Nothing in it is promised from one version to the next.

pub use super::sasl::jaas::{JaasEntry, parse as parse_jaas};
pub use super::sasl::scram::client::ScramClient;
#[cfg(feature = "tls")]
pub use super::tls::stores::client::{Identity, key_store, trust_store};
