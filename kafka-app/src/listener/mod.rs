//! Listeners: what is declared, and what runs it (the pump, its lanes, the tracker, commits).

mod ack;
mod declaration;
mod dispatch;
mod metrics;
mod tracker;

pub use ack::{Ack, Acked};
pub(crate) use ack::{AckSource, AckTarget};
pub(crate) use declaration::Handler;
pub use declaration::Listener;
pub(crate) use dispatch::{Chunk, ChunkRunner, Delivered, Policy, Progress};
pub use metrics::{ListenerCounts, ListenerMetrics};
