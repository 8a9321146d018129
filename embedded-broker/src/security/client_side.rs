//! The other side of our listeners: what a client's properties say of stores and logins, and its part of SCRAM.
//!
//! For the program `kafka-app`, which speaks the protocol itself. Nothing in it is promised from one version to the next.

pub use super::sasl::jaas::{JaasEntry, parse as parse_jaas};
pub use super::sasl::scram::client::ScramClient;
#[cfg(feature = "tls")]
pub use super::tls::stores::client::{Identity, key_store, trust_store};

use super::sasl::scram::salted_password_of;
use crate::config::check;
use crate::topic;

/// A password as a client sends it for SCRAM to be stored; `None` if the mechanism is neither `SCRAM-SHA-256` nor
/// `SCRAM-SHA-512`.
#[must_use]
pub fn salted_password(mechanism: &str, password: &str, salt: &[u8], iterations: u32) -> Option<Vec<u8>> {
    salted_password_of(mechanism, password, salt, iterations)
}

/// Checks the name of a topic by Kafka's rules.
///
/// # Errors
///
/// What is wrong with it, in Kafka's words.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    topic::check_name(name).map_err(|error| error.to_string())
}

/// A double as Java prints it.
#[must_use]
pub fn java_double(number: f64) -> String {
    check::java_double(number)
}
