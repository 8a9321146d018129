//! `sasl.jaas.config`, as the listeners of the embedded broker read it.

pub(crate) use embedded_broker::client_side::parse_jaas as parse;
