//! Listeners: what is declared, and what runs it (the pump, its lanes, the tracker, commits).

mod ack;
mod assigned;
mod assignment;
mod collector;
mod commit;
mod container;
mod declaration;
mod dispatch;
mod fault_log;
mod lag;
mod lane;
mod mailbox;
mod metrics;
mod pump;
mod registry;
mod slot;
mod supervisor;
mod tracker;
mod watchdog;

pub use ack::{Ack, Acked};
pub(crate) use ack::{AckSource, AckTarget};
pub use container::ListenerState;
pub(crate) use container::{Container, ContainerSpec};
pub(crate) use declaration::Handler;
pub use declaration::Listener;
pub(crate) use dispatch::{Chunk, ChunkRunner, Delivered, Policy, Progress};
pub use lag::PartitionLag;
pub use metrics::{ListenerCounts, ListenerMetrics};
pub(crate) use pump::StopReport;
pub use registry::{ListenerHandle, ListenerRegistry};
pub(crate) use supervisor::Connect;

#[cfg(test)]
mod tests;
