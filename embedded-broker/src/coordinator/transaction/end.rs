//! EndTxn: the decision to commit or abort, in both generations of the protocol.

use super::machine::Transaction;
use super::record::{Generation, Metadata, NO_PRODUCER_ID};
use super::state::TransactionState;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

/// How a producer wants its transaction to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndRequest {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) commit: bool,
    pub(crate) generation: Generation,
}

/// What the producer goes on with; only clients of [`Generation::V2`] are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

/// What an EndTxn means where it meets the transaction.
enum Meaning {
    /// This is the decision; there may be nothing to decide about.
    Decide { has_begun: bool },
    /// It was decided so before.
    Repetition,
}

impl Transaction {
    /// Decides the producer's transaction.
    ///
    /// # Errors
    /// Another producer has the id, the transaction cannot end so, or the markers of the same decision are still written.
    pub(crate) fn end(&mut self, request: &EndRequest, turn: &mut Turn<'_>) -> Result<Ended, ErrorCode> {
        let meaning = match request.generation {
            Generation::V1 => self.meaning_v1(request)?,
            Generation::V2 => self.meaning_v2(request)?,
        };
        if let Meaning::Decide { has_begun } = meaning {
            let next = self.decided(request, has_begun, turn);
            self.prepare(next, turn);
        }
        Ok(self.next_of_producer(request))
    }

    /// The epoch stays, so only the state tells a repetition from the next request.
    fn meaning_v1(&self, request: &EndRequest) -> Result<Meaning, ErrorCode> {
        self.check_producer(request.producer_id, request.epoch)?;
        match (self.state(), request.commit) {
            (TransactionState::Ongoing, _) => Ok(Meaning::Decide { has_begun: true }),
            (TransactionState::CompleteCommit, true) | (TransactionState::CompleteAbort, false) => {
                Ok(Meaning::Repetition)
            }
            (TransactionState::PrepareCommit, true) | (TransactionState::PrepareAbort, false) => {
                Err(ErrorCode::ConcurrentTransactions)
            }
            (TransactionState::Dead, _) => Err(ErrorCode::InvalidProducerIdMapping),
            _ => Err(ErrorCode::InvalidTxnState),
        }
    }

    /// The decision has raised the epoch, so who comes with the one before repeats itself. To abort is always right for
    /// a producer that does not know whether its transaction has begun.
    fn meaning_v2(&self, request: &EndRequest) -> Result<Meaning, ErrorCode> {
        let is_repetition = self.is_repetition(request);
        let is_overflow = self.is_repetition_over_new_id(request);
        if self.metadata.producer_id != request.producer_id && !is_overflow {
            return Err(ErrorCode::InvalidProducerIdMapping);
        }
        let is_current = request.epoch == self.metadata.epoch;
        let is_known = match self.state() {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => is_repetition,
            TransactionState::CompleteCommit | TransactionState::CompleteAbort => {
                // The highest epoch fences, and is never given out: Kafka would, and could not fence any more.
                (is_repetition && self.metadata.epoch < i16::MAX) || is_overflow || is_current
            }
            _ => is_current,
        };
        if !is_known {
            return Err(ErrorCode::ProducerFenced);
        }
        let repeats = is_repetition || is_overflow;
        match (self.state(), request.commit) {
            (TransactionState::Ongoing, _) => Ok(Meaning::Decide { has_begun: true }),
            (TransactionState::PrepareCommit, true) | (TransactionState::PrepareAbort, false) => {
                Err(ErrorCode::ConcurrentTransactions)
            }
            (TransactionState::CompleteCommit, true) | (TransactionState::CompleteAbort, false) if repeats => {
                Ok(Meaning::Repetition)
            }
            (TransactionState::Empty | TransactionState::CompleteCommit | TransactionState::CompleteAbort, false)
                if !repeats =>
            {
                Ok(Meaning::Decide { has_begun: false })
            }
            (TransactionState::Dead, _) => Err(ErrorCode::InvalidProducerIdMapping),
            _ => Err(ErrorCode::InvalidTxnState),
        }
    }

    fn is_repetition(&self, request: &EndRequest) -> bool {
        i32::from(self.metadata.epoch) == i32::from(request.epoch) + 1
    }

    /// The last transaction used up the epochs: the producer has a new id and does not know.
    fn is_repetition_over_new_id(&self, request: &EndRequest) -> bool {
        let known = &self.metadata;
        known.previous_producer_id == request.producer_id && request.epoch == i16::MAX - 1 && known.epoch == 0
    }

    fn decided(&self, request: &EndRequest, has_begun: bool, turn: &mut Turn<'_>) -> Metadata {
        let known = &self.metadata;
        let mut next = known.clone();
        next.state = if request.commit { TransactionState::PrepareCommit } else { TransactionState::PrepareAbort };
        next.previous_producer_id = known.producer_id;
        next.next_producer_id = NO_PRODUCER_ID;
        if request.generation == Generation::V2 {
            if known.is_exhausted() {
                next.next_producer_id = (turn.new_producer_id)();
            }
            next.epoch = known.epoch.saturating_add(1);
            next.last_epoch = known.epoch;
        }
        if !has_begun {
            next.started_ms = turn.now_ms;
        }
        next.updated_ms = turn.now_ms;
        next.generation = request.generation;
        next
    }

    /// What the producer uses next: a new id takes effect for it at once, though the markers go out under the old one.
    fn next_of_producer(&self, request: &EndRequest) -> Ended {
        let known = &self.metadata;
        match (request.generation, known.next_producer_id) {
            (Generation::V1, _) => Ended { producer_id: NO_PRODUCER_ID, epoch: -1 },
            (Generation::V2, NO_PRODUCER_ID) => Ended { producer_id: known.producer_id, epoch: known.epoch },
            (Generation::V2, next) => Ended { producer_id: next, epoch: 0 },
        }
    }
}
