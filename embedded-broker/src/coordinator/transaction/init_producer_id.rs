//! InitProducerId: a producer takes the id over, and whoever had it before is fenced.

use super::machine::Transaction;
use super::record::{Metadata, NO_EPOCH, TransactionRecord, is_exhausted};
use super::state::TransactionState;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

/// What a producer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InitRequest {
    pub(crate) timeout_ms: i32,
    /// Producer id and epoch of one that goes on after an error.
    pub(crate) expected: Option<(i64, i16)>,
}

impl InitRequest {
    /// # Errors
    /// The timeout is not positive, or longer than the broker allows.
    pub(crate) fn check(&self, max_timeout_ms: i32) -> Result<(), ErrorCode> {
        let is_valid = (1..=max_timeout_ms).contains(&self.timeout_ms);
        if is_valid { Ok(()) } else { Err(ErrorCode::InvalidTransactionTimeout) }
    }
}

impl Transaction {
    /// Gives out a producer id and an epoch that no other producer has.
    ///
    /// # Errors
    /// `CONCURRENT_TRANSACTIONS` until what the producer before has begun is aborted; this is what begins that abort.
    /// `PRODUCER_FENCED` for one that goes on with an epoch another has taken over from.
    pub(crate) fn init_producer_id(
        &mut self,
        request: &InitRequest,
        turn: &mut Turn<'_>,
    ) -> Result<(i64, i16), ErrorCode> {
        if request.expected.is_some_and(|expected| !self.may_go_on(expected)) {
            return Err(ErrorCode::ProducerFenced);
        }
        match self.state() {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => Err(ErrorCode::ConcurrentTransactions),
            TransactionState::Ongoing => {
                self.fence(turn);
                Err(ErrorCode::ConcurrentTransactions)
            }
            TransactionState::Empty | TransactionState::CompleteCommit | TransactionState::CompleteAbort => {
                let next = self.with_next_producer(request, turn)?;
                let given = (next.producer_id, next.epoch);
                self.apply(TransactionRecord::Metadata(next), turn);
                Ok(given)
            }
            TransactionState::Dead | TransactionState::PrepareEpochFence => Err(ErrorCode::CoordinatorNotAvailable),
        }
    }

    /// Whether the producer id is one the caller may have: the present one, or the one before if its epochs ran out and
    /// the answer that said so was lost. The epoch is looked at later.
    fn may_go_on(&self, (producer_id, epoch): (i64, i16)) -> bool {
        let known = &self.metadata;
        known.epoch == NO_EPOCH
            || producer_id == known.producer_id
            || (producer_id == known.previous_producer_id && is_exhausted(epoch))
    }

    fn with_next_producer(&self, request: &InitRequest, turn: &mut Turn<'_>) -> Result<Metadata, ErrorCode> {
        let known = &self.metadata;
        let expected_epoch = request.expected.map(|(_, epoch)| epoch);
        let mut next = known.clone();
        if known.is_exhausted() && expected_epoch.is_none_or(|epoch| self.has_last(epoch)) {
            next.producer_id = (turn.new_producer_id)();
            next.epoch = 0;
            next.last_epoch = expected_epoch.unwrap_or(NO_EPOCH);
        } else {
            (next.epoch, next.last_epoch) = self.next_epoch(expected_epoch)?;
        }
        next.state = TransactionState::Empty;
        next.previous_producer_id = known.producer_id;
        next.timeout_ms = request.timeout_ms;
        next.partitions.clear();
        next.started_ms = -1;
        next.updated_ms = turn.now_ms;
        Ok(next)
    }

    /// Whether the epoch is the last that was given out. The highest never is: it only fences the one before.
    fn has_last(&self, epoch: i16) -> bool {
        let known = &self.metadata;
        epoch == known.epoch || (known.epoch == i16::MAX && epoch == known.last_epoch)
    }

    /// The epoch that is given out, and the one that a repetition of this request would come with.
    fn next_epoch(&self, expected: Option<i16>) -> Result<(i16, i16), ErrorCode> {
        let known = &self.metadata;
        let bumped = known.epoch.saturating_add(1);
        match expected {
            None => Ok((bumped, NO_EPOCH)),
            Some(epoch) if known.epoch == NO_EPOCH || epoch == known.epoch => Ok((bumped, known.epoch)),
            // It has the epoch already and did not hear of it.
            Some(epoch) if epoch == known.last_epoch => Ok((known.epoch, known.last_epoch)),
            Some(_) => Err(ErrorCode::ProducerFenced),
        }
    }
}
