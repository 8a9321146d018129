//! Where keys and certificates come from: Kafka's `ssl.keystore.*` and `ssl.truststore.*`, with its words for what does not
//! go together.

pub(crate) mod client;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{jks, pem, pkcs12};
use crate::security::listeners::ListenerConfigs;

pub(super) const WRONG_PASSWORD: &str = "the password is wrong";

/// What a listener proves itself by.
#[derive(Debug)]
pub(super) struct KeyStore {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) keys: Vec<KeyEntry>,
    pub(super) certificates: Vec<Vec<u8>>,
}

/// A private key in PKCS#8 and the certificates that belong to it, its own first.
#[derive(Debug)]
pub(super) struct KeyEntry {
    pub(super) key: Vec<u8>,
    pub(super) chain: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pem,
    /// JKS or PKCS12: as Java, whichever of the two the file is.
    Java,
}

/// Reads the key store of a listener.
///
/// # Errors
///
/// There is none, it cannot be read, or its configs contradict each other.
pub(super) fn key_store(configs: ListenerConfigs<'_>) -> Result<KeyStore, String> {
    let get = |key: &str| configs.get(&format!("ssl.{key}"));
    let kind = kind(configs, "ssl.keystore.type")?;
    let (location, password) = (get("keystore.location"), get("keystore.password"));
    let (key, chain) = (get("keystore.key"), get("keystore.certificate.chain"));
    let key_password = get("key.password");
    match (key, chain) {
        (Some(_), None) => {
            return Err("SSL private key is specified, but certificate chain is not specified.".to_owned());
        }
        (None, Some(_)) => {
            return Err("SSL certificate chain is specified, but private key is not specified.".to_owned());
        }
        (Some(key), Some(chain)) => {
            if kind != Kind::Pem {
                return Err("SSL private key can be specified only for PEM: set ssl.keystore.type to it.".to_owned());
            }
            if location.is_some() {
                return Err("Both SSL key store location and separate private key are specified.".to_owned());
            }
            if password.is_some() {
                return Err("SSL key store password cannot be specified with PEM format, only key password may be \
                            specified."
                    .to_owned());
            }
            return of_pem(chain, key, key_password);
        }
        (None, None) => {}
    }
    let Some(path) = location else {
        return Err(match password {
            Some(_) => "SSL key store is not specified, but key store password is specified.",
            None => {
                "there is no key store: ssl.keystore.location, or ssl.keystore.key and \
                     ssl.keystore.certificate.chain, must be set"
            }
        }
        .to_owned());
    };
    let in_file = |why: String| format!("key store {path}: {why}");
    if kind == Kind::Pem {
        if password.is_some() {
            return Err(
                "SSL key store password cannot be specified with PEM format, only key password may be specified."
                    .to_owned(),
            );
        }
        let text = std::fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
        return of_pem(&text, &text, key_password).map_err(in_file);
    }
    let password = password.ok_or("SSL key store is specified, but key store password is not specified.")?;
    let bytes = std::fs::read(path).map_err(|error| in_file(error.to_string()))?;
    let mut entries = entries(&bytes, Some(password), key_password.or(Some(password))).map_err(in_file)?;
    if entries.keys.is_empty() {
        let held = entries.certificates.len();
        return Err(in_file(format!("it has no private key, but {held} certificates: is it a trust store?")));
    }
    // As Java's key manager as long as the keys are of one kind: the first.
    let KeyEntry { key, chain } = entries.keys.swap_remove(0);
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    Ok(KeyStore { chain, key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)) })
}

/// Reads the certificates that a listener trusts; nothing if none are named.
///
/// # Errors
///
/// They cannot be read, or their configs contradict each other.
pub(super) fn trust_store(configs: ListenerConfigs<'_>) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    let get = |key: &str| configs.get(&format!("ssl.truststore.{key}"));
    let kind = kind(configs, "ssl.truststore.type")?;
    let (location, password, inline) = (get("location"), get("password"), get("certificates"));
    if (inline.is_some() || kind == Kind::Pem) && password.is_some() {
        return Err("SSL trust store password cannot be specified for PEM format.".to_owned());
    }
    if let Some(certificates) = inline {
        if kind != Kind::Pem {
            return Err(
                "SSL trust store certs can be specified only for PEM: set ssl.truststore.type to it.".to_owned()
            );
        }
        if location.is_some() {
            return Err("Both SSL trust store location and separate trust certificates are specified.".to_owned());
        }
        return pem::certificates(certificates).map(Some).map_err(|why| format!("ssl.truststore.certificates: {why}"));
    }
    let Some(path) = location else {
        return match password {
            Some(_) => Err("SSL trust store is not specified, but trust store password is specified.".to_owned()),
            None => Ok(None),
        };
    };
    let in_file = |why: String| format!("trust store {path}: {why}");
    if kind == Kind::Pem {
        let text = std::fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
        return pem::certificates(&text).map(Some).map_err(in_file);
    }
    let bytes = std::fs::read(path).map_err(|error| in_file(error.to_string()))?;
    let entries = entries(&bytes, password, password).map_err(in_file)?;
    // As Java: of a key that is in it as well, its own certificate is trusted.
    let of_keys = entries.keys.into_iter().filter_map(|entry| entry.chain.into_iter().next());
    let trusted: Vec<_> = entries.certificates.into_iter().chain(of_keys).map(CertificateDer::from).collect();
    if trusted.is_empty() { Err(in_file("it has no certificate".to_owned())) } else { Ok(Some(trusted)) }
}

fn kind(configs: ListenerConfigs<'_>, key: &str) -> Result<Kind, String> {
    let name = configs.get(key).map_or("JKS", str::trim);
    match name.to_ascii_uppercase().as_str() {
        "PEM" => Ok(Kind::Pem),
        "JKS" | "PKCS12" => Ok(Kind::Java),
        _ => Err(format!("{key} can be JKS, PKCS12 and PEM, and not {name}")),
    }
}

fn of_pem(chain: &str, key: &str, password: Option<&str>) -> Result<KeyStore, String> {
    let chain = pem::certificates(chain).map_err(|why| format!("the certificate chain: {why}"))?;
    let key = pem::private_key(key, password).map_err(|why| format!("the private key: {why}"))?;
    Ok(KeyStore { chain, key })
}

fn entries(bytes: &[u8], password: Option<&str>, key_password: Option<&str>) -> Result<Entries, String> {
    if bytes.starts_with(&jks::MAGIC) {
        return jks::read(bytes, password, key_password);
    }
    if bytes.starts_with(b"-----BEGIN") {
        return Err("it is PEM: set the type of the store to it".to_owned());
    }
    pkcs12::read(bytes, password)
}

#[cfg(test)]
mod tests;
