//! Kafka's configs: which there are, what their values may be, and which value is in force.

pub(crate) mod alter;
pub(crate) mod broker_defs;
pub(crate) mod check;
pub(crate) mod client_metrics;
pub(crate) mod def;
pub(crate) mod described;
pub(crate) mod duration;
pub(crate) mod group_config;
pub(crate) mod layers;
pub(crate) mod server_names;
pub(crate) mod topic_config;
pub(crate) mod topic_defs;
pub(crate) mod unlisted_defs;
