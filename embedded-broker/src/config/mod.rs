//! Kafka's configs: which there are, what their values may be, and which value is in force.

pub(crate) mod alter;
pub(crate) mod broker_defs;
pub(crate) mod check;
pub(crate) mod def;
pub(crate) mod effect;
pub(crate) mod layers;
pub(crate) mod topic_config;
pub(crate) mod topic_defs;
