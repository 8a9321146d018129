//! What a test may look at without being a client.

pub(crate) mod await_stable;
mod awaiting;
pub(crate) mod committed;
pub(crate) mod disk;
pub(crate) mod group;
pub(crate) mod requests;
pub(crate) mod transactions;
mod upkeep;
