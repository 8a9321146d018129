//! `sasl.jaas.config`, as the listeners of the embedded broker read it.

#![allow(unused_imports, reason = "TODO: goes when the translation of Java's properties is there")]

pub(crate) use embedded_broker::client_side::{JaasEntry as Jaas, parse_jaas as parse};
