//! Listeners: what is declared, and what runs it (the pump, its lanes, the tracker, commits).

mod ack;
mod declaration;
mod dispatch;
mod metrics;
mod tracker;

pub use ack::{Ack, Acked};
pub(crate) use ack::{AckSource, AckTarget};
pub use declaration::Listener;
pub(crate) use dispatch::{ChunkRunner, Delivered, Progress};
pub use metrics::{ListenerCounts, ListenerMetrics};
