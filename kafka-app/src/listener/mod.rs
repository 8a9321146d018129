//! Listeners: what is declared, and what runs it (the pump, its lanes, the tracker, commits).

mod declaration;
mod dispatch;

pub use declaration::Listener;
pub(crate) use dispatch::{AckSource, ChunkRunner, Delivered, Progress};
