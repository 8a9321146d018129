//! One transactional id as one value: the facts, the one place where they change, and what follows once markers are written.

use std::collections::BTreeSet;

use super::record::{Generation, Metadata, NO_EPOCH, NO_PRODUCER_ID, TopicPartition, TransactionRecord};
use super::state::TransactionState;
use super::turn::{Markers, Turn};
use crate::coordinator::ErrorCode;

/// A transactional id, owned by whoever holds its lock.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(super) metadata: Metadata,
}

/// A transactional id as DescribeTransactions shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) state: TransactionState,
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) timeout_ms: i32,
    pub(crate) started_ms: i64,
    pub(crate) partitions: BTreeSet<TopicPartition>,
}

impl Transaction {
    /// An id nobody has used before.
    pub(crate) fn new(producer_id: i64, now_ms: i64) -> Self {
        Self { metadata: Metadata::new(producer_id, now_ms) }
    }

    pub(crate) fn state(&self) -> TransactionState {
        self.metadata.state
    }

    pub(crate) fn describe(&self) -> Description {
        let known = &self.metadata;
        Description {
            state: known.state,
            producer_id: known.producer_id,
            epoch: known.epoch,
            timeout_ms: known.timeout_ms,
            started_ms: known.started_ms,
            partitions: known.partitions.clone(),
        }
    }

    /// The one place where durable facts become true.
    pub(crate) fn replay(&mut self, record: &TransactionRecord) {
        match record {
            TransactionRecord::Metadata(metadata) => self.metadata = metadata.clone(),
            TransactionRecord::Expired => self.metadata.state = TransactionState::Dead,
        }
    }

    /// Makes the next state true, if it may follow this one.
    pub(super) fn apply(&mut self, record: TransactionRecord, turn: &mut Turn<'_>) {
        let next = match &record {
            TransactionRecord::Metadata(metadata) => metadata.state,
            TransactionRecord::Expired => TransactionState::Dead,
        };
        debug_assert!(next.predecessors().contains(&self.state()), "{:?} to {next:?}", self.state());
        self.replay(&record);
        turn.records.push(record);
    }

    /// Decides how the transaction ends; the markers that make it so are left to the turn's owner.
    pub(super) fn prepare(&mut self, next: Metadata, turn: &mut Turn<'_>) {
        self.apply(TransactionRecord::Metadata(next), turn);
        turn.markers = self.pending_markers();
    }

    /// What is still to be written; after a restart as well.
    pub(crate) fn pending_markers(&self) -> Option<Markers> {
        let known = &self.metadata;
        known.state.is_moving().then(|| Markers {
            producer_id: known.producer_id,
            epoch: known.epoch,
            committed: known.state == TransactionState::PrepareCommit,
            partitions: known.partitions.clone(),
        })
    }

    /// All markers are written: the transaction is over, and the next may begin.
    pub(crate) fn complete(&mut self, turn: &mut Turn<'_>) {
        let state = match self.state() {
            TransactionState::PrepareCommit => TransactionState::CompleteCommit,
            TransactionState::PrepareAbort => TransactionState::CompleteAbort,
            // Somebody else was faster.
            _ => return,
        };
        let mut next = self.metadata.clone();
        next.state = state;
        next.previous_producer_id = next.producer_id;
        if next.next_producer_id != NO_PRODUCER_ID && next.generation == Generation::V2 {
            // The producer knows of it since its EndTxn was answered. Its last epoch stays the last it has seen.
            next.producer_id = next.next_producer_id;
            next.epoch = 0;
        }
        next.next_producer_id = NO_PRODUCER_ID;
        next.partitions.clear();
        next.updated_ms = turn.now_ms;
        self.apply(TransactionRecord::Metadata(next), turn);
    }

    /// Aborts a transaction that is open for longer than its producer allowed, and fences that producer.
    pub(crate) fn expire_transaction(&mut self, turn: &mut Turn<'_>) {
        let known = &self.metadata;
        let is_late = known.started_ms.saturating_add(known.timeout_ms.into()) < turn.now_ms;
        if known.state == TransactionState::Ongoing && is_late {
            self.fence(turn);
        }
    }

    /// Aborts an open transaction on nobody's request, under an epoch that its producer does not have.
    pub(crate) fn fence(&mut self, turn: &mut Turn<'_>) {
        if self.state() != TransactionState::Ongoing {
            return;
        }
        let mut next = self.metadata.clone();
        next.state = TransactionState::PrepareAbort;
        next.previous_producer_id = next.producer_id;
        next.next_producer_id = NO_PRODUCER_ID;
        next.last_epoch = next.epoch;
        // Never past the highest: the epoch before it is the last that a producer is given.
        next.epoch = next.epoch.saturating_add(1);
        next.updated_ms = turn.now_ms;
        next.generation = Generation::V2;
        debug_assert!(next.epoch > next.last_epoch && next.last_epoch != NO_EPOCH, "an epoch to fence with is left");
        self.prepare(next, turn);
    }

    /// Whether nothing has happened for so long that the id is to be forgotten.
    pub(crate) fn is_expired(&self, turn: &Turn<'_>) -> bool {
        let idle_ms = i64::try_from(turn.config.id_expiration.as_millis()).unwrap_or(i64::MAX);
        self.state().may_expire() && self.metadata.updated_ms <= turn.now_ms.saturating_sub(idle_ms)
    }

    /// Forgets the id. Whoever still holds it finds it dead and looks again.
    pub(crate) fn expire_id(&mut self, turn: &mut Turn<'_>) -> bool {
        let expired = self.is_expired(turn);
        if expired {
            self.apply(TransactionRecord::Expired, turn);
        }
        expired
    }

    /// Checks that a request comes from the producer that has the id now.
    pub(super) fn check_producer(&self, producer_id: i64, epoch: i16) -> Result<(), ErrorCode> {
        match &self.metadata {
            known if known.producer_id != producer_id => Err(ErrorCode::InvalidProducerIdMapping),
            known if known.epoch != epoch => Err(ErrorCode::ProducerFenced),
            _ => Ok(()),
        }
    }
}
