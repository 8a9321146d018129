//! [`ClientProperties`]: what every client of the cluster can be told: `kafka.*` itself and, more specific,
//! `kafka.consumer.*`, `kafka.producer.*` and `kafka.admin.*`.

use std::fmt;

use crate::config::{Properties, from_text::FromText, section::Section};

/// Connection settings of all clients (`kafka.*`) or of one kind of client (`kafka.consumer.*`, …).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientProperties {
    /// `host:port` of some brokers; default `localhost:9092`. `embedded` alone starts a broker in this process.
    pub bootstrap_servers: Option<Vec<String>>,
    /// Name of this program in the broker's logs and quotas; default `kafka-app`. Each client appends its own part.
    pub client_id: Option<String>,
    /// `plaintext` (default), `ssl`, `sasl_plaintext` or `sasl_ssl`, in any case.
    pub security_protocol: Option<String>,
    /// TLS.
    pub ssl: SslProperties,
    /// librdkafka properties as they are.
    pub properties: Properties,
}

/// `ssl.*`: TLS, by Spring's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SslProperties {
    /// Pass phrase of the private key.
    pub key_password: Option<Secret>,
    /// The client's certificate chain, as PEM text.
    pub key_store_certificate_chain: Option<String>,
    /// The client's private key, as PEM text.
    pub key_store_key: Option<Secret>,
    /// A PKCS#12 file with certificate and key.
    pub key_store_location: Option<String>,
    /// Password of that file.
    pub key_store_password: Option<Secret>,
    /// Certificates of the authorities to trust, as PEM text; default: those of the system.
    pub trust_store_certificates: Option<String>,
    /// A PEM file, or a folder of them, with the certificates of the authorities to trust.
    pub trust_store_location: Option<String>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromText for Secret {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl ClientProperties {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let security = section.child("security");
        let read = Self {
            bootstrap_servers: section.list("bootstrap-servers"),
            client_id: section.get("client-id"),
            security_protocol: security.get("protocol"),
            ssl: SslProperties::read(&section.child("ssl")),
            properties: section.properties(),
        };
        security.finish(&[]);
        read
    }
}

impl SslProperties {
    fn read(section: &Section<'_>) -> Self {
        let read = Self {
            key_password: section.get("key-password"),
            key_store_certificate_chain: section.get("key-store-certificate-chain"),
            key_store_key: section.get("key-store-key"),
            key_store_location: section.get("key-store-location").map(|Location(path)| path),
            key_store_password: section.get("key-store-password"),
            trust_store_certificates: section.get("trust-store-certificates"),
            trust_store_location: section.get("trust-store-location").map(|Location(path)| path),
        };
        section.finish(SSL_ANSWERS);
        read
    }
}

const SSL_ANSWERS: &[(&str, &str)] = &[
    ("bundle", "there are no bundles here; use key-store-* and trust-store-*"),
    ("key-store-type", "not needed: key-store-location is a PKCS#12 file, key-store-key is PEM text"),
    ("trust-store-type", "not needed: trust-store-location is PEM"),
    ("trust-store-password", "not needed: PEM certificates have no password"),
    ("protocol", "OpenSSL picks the version of TLS; the protocol of the connection is security.protocol"),
];

/// A path, as Spring's resources are written: `file:` before it is dropped.
struct Location(String);

impl FromText for Location {
    fn from_text(text: &str) -> Result<Self, String> {
        let path = text.trim().strip_prefix("file:").unwrap_or(text.trim());
        if path.starts_with("classpath:") {
            return Err("there is no class path here; name a file".to_owned());
        }
        if path.to_ascii_lowercase().ends_with(".jks") {
            return Err("librdkafka reads no JKS; convert it with keytool and openssl to PKCS#12 (key store) or PEM \
                        (trust store)"
                .to_owned());
        }
        Ok(Self(path.to_owned()))
    }
}
