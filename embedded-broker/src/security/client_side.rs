//! The other side of our listeners: what a client's properties say of stores and logins, and its part of SCRAM.
//!
//! For the program `kafka-app`, which speaks the protocol itself. Nothing in it is promised from one version to the next.

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use std::collections::BTreeMap;

use super::listeners::ListenerConfigs;
pub use super::sasl::jaas::{JaasEntry, parse as parse_jaas};
pub use super::sasl::scram::client::ScramClient;
use super::tls::stores;

/// A certificate with those that vouch for it, and its key.
pub type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificates of `ssl.truststore.*`, in PEM, JKS or PKCS12; nothing if none are named.
///
/// # Errors
///
/// They cannot be read, or the properties contradict each other.
pub fn trust_store(properties: &BTreeMap<String, String>) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    stores::trust_store(ListenerConfigs::new("client", properties))
}

/// The key and certificates of `ssl.keystore.*`; nothing if none are named.
///
/// # Errors
///
/// They cannot be read, or the properties contradict each other.
pub fn key_store(properties: &BTreeMap<String, String>) -> Result<Option<Identity>, String> {
    if !properties.keys().any(|key| key.starts_with("ssl.keystore.") && key != "ssl.keystore.type") {
        return Ok(None);
    }
    stores::key_store(ListenerConfigs::new("client", properties)).map(|store| Some((store.chain, store.key)))
}
