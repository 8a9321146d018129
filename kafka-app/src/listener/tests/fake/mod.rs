//! A double of the client, a runner with a gate, and a pump that a test turns by hand under a clock of its own.

mod clerk;
mod client;
mod gate;
mod rig;

pub(super) use client::{client_that_hangs, client_that_hangs_when_assigned, client_with, orders};
pub(super) use gate::Acks;
pub(super) use rig::Rig;
