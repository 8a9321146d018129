//! The stores of a client, by the names that Java clients have for them.

use std::collections::BTreeMap;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::security::listeners::ListenerConfigs;

/// A certificate with those that vouch for it, and its key.
pub type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificates of `ssl.truststore.*`, in PEM, JKS or PKCS12; nothing if none are named.
///
/// # Errors
///
/// They cannot be read, or the properties contradict each other.
pub fn trust_store(properties: &BTreeMap<String, String>) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    super::trust_store(ListenerConfigs::new("client", properties))
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
    super::key_store(ListenerConfigs::new("client", properties)).map(|store| Some((store.chain, store.key)))
}
