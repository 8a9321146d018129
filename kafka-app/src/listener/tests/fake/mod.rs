//! A double of the client, runners with gates, and a pump that a test turns by hand under a clock of its own.

mod clerk;
mod client;
mod gate;
mod handlers;
mod rig;
mod world;

pub(super) use client::{client_that_hangs, client_that_hangs_when_assigned, client_with, orders};
pub(super) use gate::Acks;
pub(super) use handlers::Fate;
pub(super) use rig::Rig;
pub(super) use world::{Event, N_PARTITIONS, World};
