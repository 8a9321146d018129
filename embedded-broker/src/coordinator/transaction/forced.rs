//! What a test makes of a transactional id, by the ways that producers and time have.

use super::end::EndRequest;
use super::init_producer_id::InitRequest;
use super::machine::Transaction;
use super::record::{NO_EPOCH, TransactionRecord};
use super::state::TransactionState;
use super::turn::Turn;

/// What an id is left with whose epochs are as good as used up: the next producer gets the one behind it, ends one
/// transaction with it, and is then at the last one.
const NEARLY_EXHAUSTED: i16 = i16::MAX - 3;

impl Transaction {
    /// Aborts the open transaction, as its producer would. Whether there is one.
    pub(crate) fn abort(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.state() != TransactionState::Ongoing {
            return false;
        }
        let known = &self.metadata;
        let (producer_id, epoch, generation) = (known.producer_id, known.epoch, known.generation);
        self.end(&EndRequest { producer_id, epoch, commit: false, generation }, turn).is_ok()
    }

    /// Aborts the open transaction, as its timeout would. Whether there is one.
    pub(crate) fn time_out(&mut self, turn: &mut Turn<'_>) -> bool {
        let is_open = self.state() == TransactionState::Ongoing;
        self.fence(turn);
        is_open
    }

    /// Fences the producer, as another one with the same id would. Whether that can be now.
    pub(crate) fn take_over(&mut self, turn: &mut Turn<'_>) -> bool {
        let is_open = self.state() == TransactionState::Ongoing;
        let other = InitRequest { timeout_ms: self.metadata.timeout_ms, expected: None };
        // With an open transaction it has to come again, but what it did to that stays done.
        self.init_producer_id(&other, turn).is_ok() || is_open
    }

    /// Leaves the id with next to no epochs. Whether that can be now: not while a transaction is open.
    pub(crate) fn exhaust_epochs(&mut self, turn: &mut Turn<'_>) -> bool {
        if !self.state().may_expire() {
            return false;
        }
        let mut next = self.metadata.clone();
        next.state = TransactionState::Empty;
        next.epoch = next.epoch.max(NEARLY_EXHAUSTED);
        next.last_epoch = NO_EPOCH;
        next.updated_ms = turn.now_ms;
        self.apply(TransactionRecord::Metadata(next), turn);
        true
    }
}
