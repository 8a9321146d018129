//! Listeners: what is declared, and what runs it (the pump, its lanes, the tracker, commits).

mod ack;
mod assigned;
mod assignment;
mod brake;
mod breaker;
mod circuit;
mod collector;
mod commit;
mod container;
mod declaration;
mod dispatch;
mod done_bits;
mod ends;
mod events;
mod fault_log;
mod gate;
mod guards;
mod idle;
mod in_flight;
mod key_lanes;
mod key_queues;
mod key_states;
mod lag;
mod lane;
mod lane_chunk;
mod later;
mod limiter;
mod mailbox;
mod metrics;
mod pauses;
mod placement;
mod promises;
mod pull;
mod pulse;
mod pump;
mod registry;
mod restarts;
mod sequence;
mod slot;
mod standing;
mod supervisor;
mod to_end;
mod tracker;
mod transaction;
mod waiting_room;
mod watchdog;

pub use ack::{Ack, Acked};
pub(crate) use ack::{AckSource, AckTarget};
#[cfg(test)]
pub(crate) use breaker::Breaker;
pub use breaker::CircuitState;
pub use container::ListenerState;
pub(crate) use container::{Container, ContainerSpec};
pub(crate) use declaration::Handler;
pub use declaration::Listener;
#[cfg(test)]
pub(crate) use dispatch::Delivered;
pub(crate) use dispatch::{Chunk, ChunkRunner, Policy, Progress};
pub(crate) use events::EventBus;
pub use events::{ListenerEvent, ListenerEvents, RecordFate};
pub(crate) use guards::Guards;
pub(crate) use key_states::{KeyStates, Left, Origin};
pub use lag::PartitionLag;
pub(crate) use later::later;
pub use metrics::{ListenerCounts, ListenerMetrics};
pub(crate) use pulse::HANGS_AFTER;
pub use registry::{ListenerHandle, ListenerRegistry};
#[cfg(test)]
pub(crate) use transaction::Transaction;
pub(crate) use transaction::{OpenProducerOf, TurnProducer};

#[cfg(test)]
mod tests;
