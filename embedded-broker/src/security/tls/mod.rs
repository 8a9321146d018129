//! TLS of listeners, by rustls: what the configs say, and who the certificate of a client names.
//!
//! Kafka's PEM key stores are read, not its JKS and PKCS12.

pub(crate) mod certificates;
pub(crate) mod mapping;
mod name;
mod pem;
pub(crate) mod settings;
#[cfg(test)]
mod tests;
