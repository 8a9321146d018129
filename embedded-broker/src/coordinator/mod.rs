//! Coordinators as pure state machines: state, request and time in; response, records and timers out.
//!
//! Nothing in here sees a socket, a clock or a thread. The shell (`cluster/` and the request files) holds the lock,
//! passes the time in, hands the responses to whoever waits for them and sets the timers that came out.

pub(crate) mod group;
pub(crate) mod shards;
pub(crate) mod transaction;

use std::sync::Arc;

use uuid::Uuid;

/// The protocol's error codes, as the coordinators answer them.
pub(crate) use crate::error::ErrorCode;

/// What a coordinator coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CoordinatorKind {
    Groups,
    Transactions,
}

/// What a deadline of the broker's heap is for. A new deadline for the same key takes the place of the old one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimerKey {
    /// The earliest deadline of a group, which keeps its own and is asked again when this one is served.
    Group(Arc<str>),
    /// Committed offsets are looked through for those whose time is over.
    OffsetExpiry,
    /// The next look at transactions that are open for too long.
    TransactionTimeouts,
    /// The next look at transactional ids that nobody uses.
    TransactionalIds,
    /// The next look at producers that are silent.
    ProducerIds,
    /// The next look at what logs need not keep.
    LogRetention,
    /// The next look at logs that may be worth compacting.
    LogCleaner,
    /// A coordinator has read what is written of one of its partitions.
    CoordinatorLoad(CoordinatorKind, i32),
    /// The next look at leaders that are not where they belong.
    LeaderBalance,
    /// Somebody notices that a node was lost.
    NodeSession(i32),
    /// A node cannot write to its directory, and halts.
    DiskFailed(i32),
    /// What becomes of a partition's replicas though nothing happens: by the id of its topic, and its index.
    Replicas(Uuid, i32),
    /// A test helper that gives up.
    Await(u64),
}
