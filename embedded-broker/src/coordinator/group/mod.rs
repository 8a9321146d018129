//! The group coordinator: consumer groups and their committed offsets.
//!
//! [`Group`] is pure: state, request and time in, facts and answers out. It sees no socket, clock or thread.

pub(crate) mod catalog;
pub(crate) mod classic;
pub(crate) mod config;
pub(crate) mod consumer;
pub(crate) mod consumer_protocol;
mod deletion;
mod expire;
mod facts;
mod hand_over;
mod hash_order;
mod machine;
mod migration;
pub(crate) mod offsets;
pub(crate) mod pending;
pub(crate) mod record;
pub(crate) mod state;
mod timers;
mod transactional;
pub(crate) mod turn;

#[cfg(test)]
mod tests;

pub(crate) use machine::{Group, OffsetToCommit};
