//! The facts a transactional id is made of. Live requests and recovery apply them through the same code.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::TransactionState;

/// A partition by its topic's name; offsets of groups go by those of `__consumer_offsets`.
pub(crate) type TopicPartition = (Arc<str>, i32);

/// No producer id.
pub(crate) const NO_PRODUCER_ID: i64 = -1;
/// No epoch.
pub(crate) const NO_EPOCH: i16 = -1;

/// One durable change, what Kafka writes to `__transaction_state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TransactionRecord {
    /// The id now stands exactly so.
    Metadata(Metadata),
    /// The id is forgotten.
    Expired,
}

/// All that is known of a transactional id, as Kafka's `TransactionLogValue` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) state: TransactionState,
    pub(crate) producer_id: i64,
    /// Before the last change of producer ids, or the same.
    pub(crate) previous_producer_id: i64,
    /// What the producer is told already and takes effect once the markers are written: its epochs have run out.
    pub(crate) next_producer_id: i64,
    pub(crate) epoch: i16,
    /// The epoch before the last bump, if a client may still come back with it.
    pub(crate) last_epoch: i16,
    pub(crate) timeout_ms: i32,
    /// Where markers will be, or are still to be, written.
    pub(crate) partitions: BTreeSet<TopicPartition>,
    /// When the transaction began; -1 if there is none.
    pub(crate) started_ms: i64,
    pub(crate) updated_ms: i64,
    /// Whether the client's last transactional request was one of [`Generation::V2`].
    pub(crate) generation: Generation,
}

/// Which of the two protocols a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Generation {
    /// Partitions are announced, and the epoch stays until somebody else comes (`transaction.version` 0 and 1).
    V1,
    /// Partitions are added by what is written to them, and each end brings a new epoch (`transaction.version` 2).
    V2,
}

impl Metadata {
    /// Of an id nobody has used before.
    pub(crate) fn new(producer_id: i64, now_ms: i64) -> Self {
        Self {
            state: TransactionState::Empty,
            producer_id,
            previous_producer_id: NO_PRODUCER_ID,
            next_producer_id: NO_PRODUCER_ID,
            epoch: NO_EPOCH,
            last_epoch: NO_EPOCH,
            timeout_ms: 0,
            partitions: BTreeSet::new(),
            started_ms: -1,
            updated_ms: now_ms,
            generation: Generation::V1,
        }
    }

    /// Whether no epoch is left for another producer: the highest is kept for fencing the one that has the last but one.
    pub(crate) fn is_exhausted(&self) -> bool {
        is_exhausted(self.epoch)
    }
}

pub(crate) fn is_exhausted(epoch: i16) -> bool {
    epoch >= i16::MAX - 1
}
