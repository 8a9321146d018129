//! Logging in by SASL: who a client is, before it may ask for anything.
//!
//! [`login`] is the order of things on a connection; an [`exchange`] is the conversation of one mechanism.

pub(crate) mod exchange;
pub(crate) mod jaas;
pub(crate) mod login;
pub(crate) mod mechanism;
pub(crate) mod oauthbearer;
pub(crate) mod plain;
pub(crate) mod scram;
pub(crate) mod settings;
