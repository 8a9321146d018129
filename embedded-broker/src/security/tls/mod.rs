//! TLS of listeners, by rustls: what the configs say, and who the certificate of a client names.
//!
//! Key stores are PEM, JKS or PKCS12, as in Kafka.

pub(crate) mod certificates;
mod jks;
pub(crate) mod mapping;
mod name;
mod pem;
mod pkcs12;
pub(crate) mod settings;
pub(crate) mod stores;
mod suites;
#[cfg(test)]
mod tests;
