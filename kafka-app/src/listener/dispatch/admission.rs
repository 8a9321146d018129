//! Whether the handler may be called now, and whether a failure is its record's.

use super::run::{Next, Run};
use crate::{
    config::Delivery,
    error_handler::Reason,
    handler::{ErrorClass, Failure},
    listener::{breaker::Pass, circuit::Verdict, metrics::count_many, transaction::Transaction},
    observe,
};

impl<'a> Run<'a> {
    /// Waits until the handler may be called, for this record or for those that begin with it; `None`: the partition goes first,
    /// or is read again when that time comes.
    pub(super) async fn admitted(&self, first: usize) -> Option<Pass<'a>> {
        let breaker = &self.shared.policy.guards.breaker;
        if !breaker.is_troubled() {
            return Some(breaker.pass());
        }
        let longest = self.transaction().map(Transaction::longest_wait);
        let record = (self.partition(), self.record(first).offset());
        tokio::select! {
            biased;
            () = self.progress.revoked() => None,
            admitted = breaker.admit(record, longest) => match admitted {
                Ok(pass) => Some(pass),
                // No transaction is kept open for so long: what it has is committed, the rest comes again.
                Err(until) => {
                    self.progress.rewind(until);
                    None
                }
            },
        }
    }

    /// What is done about a failure that is not its record's fault: what the handler needs is down, or the handler said
    /// "not now". `None`: it counts, by the listener's policy.
    pub(super) fn postponed(
        &self,
        indexes: &[usize],
        attempt: u32,
        failure: &Failure,
        is_torn: bool,
        pass: Option<Pass<'_>>,
    ) -> Option<Next> {
        let (pass, first) = (pass?, *indexes.first()?);
        let not_before = match failure.class {
            ErrorClass::NotNow(after) => Some(after),
            ErrorClass::Retry => None,
            // It was looked at, and refused: what that needed is there.
            ErrorClass::DeadLetter | ErrorClass::Skip | ErrorClass::Stop => {
                pass.answered();
                return None;
            }
        };
        // A transaction that fails under its handler says nothing of what the handler needs.
        if self.transaction().is_some_and(Transaction::is_broken) {
            return None;
        }
        let reason = Reason::of_failure(failure);
        let verdict = pass.failed((self.partition(), self.record(first).offset()), not_before, &reason.message);
        // At most once, the record was committed before it was handled: it is not handled again.
        if verdict == Verdict::Counts || self.listener().delivery == Delivery::AtMostOnce {
            return None;
        }
        count_many(&self.shared.policy.metrics.postponed, indexes.len());
        observe::postponed(self.place(first, attempt), &reason.message);
        Some(self.set_aside(is_torn))
    }

    /// Another delivery later that counts no more than the last; what has sent something is undone with its transaction.
    pub(super) fn set_aside(&self, is_torn: bool) -> Next {
        match self.transaction().filter(|_| is_torn) {
            Some(transaction) => {
                transaction.taint();
                Next::Revoked
            }
            None => Next::Later,
        }
    }
}
