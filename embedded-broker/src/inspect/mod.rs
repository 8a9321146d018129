//! What a test may look at without being a client, and what it may do to the state of the broker.

pub(crate) mod append;
pub(crate) mod await_records;
pub(crate) mod await_stable;
mod awaiting;
pub(crate) mod committed;
pub(crate) mod connections;
pub(crate) mod group;
pub(crate) mod producers;
pub(crate) mod record;
pub(crate) mod replicas;
pub(crate) mod requests;
pub(crate) mod topic;
pub(crate) mod transactions;
mod upkeep;
pub(crate) mod version_report;
pub(crate) mod violations;
