//! Exactly once: outputs into the transaction, and failures that leave it.
//!
//! A handler that sends nothing before it succeeds fails in place, as at least once. One that may have sent something
//! (it takes a `Template`, or some of what it returned was refused) spoils its transaction: all of it is given up, its
//! records come again, and how often this one has failed is remembered. A retry that has to wait longer than a transaction
//! should stay open is waited out between transactions.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::run::{Delays, Fault, Next, Run, Sending};
use crate::{
    client::RecordSink,
    error::Error,
    error_handler::{Decision, Reason, decide},
    handler::{ErrorClass, Failure},
    listener::{
        later::later,
        metrics::{count, count_many},
        transaction::{Prior, Transaction},
    },
    observe,
    record::{ProducerRecord, TopicPartition},
};

/// How often the dead letter of a record may fail with its transaction before the listener stops, and how long it waits
/// after the first time; the wait doubles.
const DEAD_LETTERS: (u32, Duration) = (8, Duration::from_millis(250));

/// Why what a handler returned is not in the transaction.
pub(super) struct Unsent {
    pub(super) failure: Failure,
    /// Some of it is.
    pub(super) is_torn: bool,
}

impl From<Unsent> for Fault {
    fn from(Unsent { failure, is_torn }: Unsent) -> Self {
        if is_torn { Self::Torn(failure) } else { Self::Failed(failure) }
    }
}

impl<'a> Run<'a> {
    pub(super) fn transaction(&self) -> Option<&'a Transaction> {
        self.chunk.transaction
    }

    /// Whether records of this chunk may have failed in a transaction that was given up: usually none has.
    pub(super) fn has_priors(&self) -> bool {
        self.transaction().is_some_and(|transaction| !transaction.ledger().is_empty())
    }

    /// What is known of a record that failed in a transaction that was given up.
    pub(super) fn prior(&self, index: usize) -> Option<Prior> {
        self.transaction()?.ledger().prior(&self.partition(), self.record(index).offset())
    }

    pub(super) fn partition(&self) -> TopicPartition {
        TopicPartition::new(Arc::clone(self.chunk.topic), self.chunk.partition)
    }

    /// What is done about a record that has failed before: `Again` if it is delivered once more.
    pub(super) async fn after_prior(&self, index: usize, prior: &Prior) -> Result<Next, Error> {
        // Its delay is over.
        let failed = self.failed(index, prior.class, prior.n_failed(), prior.reason.destination.as_deref());
        let decision = match decide(self.listener(), failed, Duration::default) {
            Decision::Retry(_) => {
                count(&self.shared.policy.metrics.retried);
                return Ok(Next::Again);
            }
            // What it is forwarded as is not delivered either.
            Decision::RetryTopic { .. } | Decision::DeadLetter(_)
                if prior.n_undelivered >= self.listener().retry.attempts + DEAD_LETTERS.0 =>
            {
                Decision::Stop
            }
            decision => decision,
        };
        self.carry_out(index, prior.n_failed(), decision, &prior.reason).await
    }

    /// Puts what a handler returned into the transaction, in order; waits for room only.
    pub(super) async fn entrust(&self, records: Vec<ProducerRecord>) -> Result<(), Unsent> {
        let Some(sink) = self.sink() else {
            let failure = Failure::stop("there is no producer for what the handler returned");
            return Err(Unsent { failure, is_torn: false });
        };
        let n_records = records.len();
        for (nth, record) in records.into_iter().enumerate() {
            if let Err(failed) = sink.entrust(record).await {
                return Err(Unsent { failure: Failure::retry(failed), is_torn: nth > 0 });
            }
        }
        count_many(&self.shared.policy.metrics.sent, n_records);
        Ok(())
    }

    /// Whether what failed has to leave the transaction; then it is seen to. `indexes`: what was delivered and failed.
    pub(super) fn leave(
        &self,
        indexes: &[usize],
        attempt: u32,
        is_torn: bool,
        class: ErrorClass,
        decision: &Decision,
        reason: &Reason,
    ) -> Option<Next> {
        let transaction = self.transaction()?;
        if transaction.is_broken() {
            transaction.taint();
            return Some(Next::Revoked); // It has not failed by itself.
        }
        let delay = match decision {
            Decision::Retry(delay) => *delay,
            Decision::RetryTopic { .. } | Decision::DeadLetter(_) | Decision::Skip | Decision::Stop => Duration::ZERO,
        };
        if !is_torn && delay <= transaction.longest_wait() {
            return None;
        }
        if *decision == Decision::Stop {
            transaction.taint();
            return None; // The listener stops, and nothing of this is committed.
        }
        let first = *indexes.first()?;
        if self.remember(indexes, attempt, class, reason) {
            observe::leaving_transaction(self.place(first, attempt), &reason.message, delay);
        }
        if is_torn {
            transaction.taint();
        }
        if !delay.is_zero() {
            self.progress.rewind(later(Instant::now(), delay));
        }
        Some(Next::Revoked)
    }

    /// Waits until what failed in place is delivered again. Where its transaction has to end before that, how often it has
    /// failed is remembered.
    pub(super) async fn retry(&self, indexes: &[usize], attempt: u32, delay: Duration, reason: &Reason) -> Next {
        let Some(first) = indexes.first() else { return Next::Finished };
        observe::retrying(self.place(*first, attempt), &reason.message, delay);
        if self.waited(delay).await {
            count_many(&self.shared.policy.metrics.retried, indexes.len());
            return Next::Again;
        }
        self.remember(indexes, attempt, ErrorClass::Retry, reason);
        Next::Revoked
    }

    /// Remembers the failure of what comes again in another transaction; false where it counts for nothing.
    fn remember(&self, indexes: &[usize], attempt: u32, class: ErrorClass, reason: &Reason) -> bool {
        let Some(transaction) = self.transaction().filter(|transaction| self.fails_by_itself(transaction)) else {
            return false;
        };
        let (partition, reason) = (self.partition(), Arc::new(reason.clone()));
        for index in indexes {
            let offset = self.record(*index).offset();
            transaction.ledger().failed(&partition, offset, attempt, class, Arc::clone(&reason));
        }
        true
    }

    /// Whether what fails does so by itself, and not because its transaction or its partition has ended. One that takes no
    /// more records, as when its time is up, has not ended for those that run.
    fn fails_by_itself(&self, transaction: &Transaction) -> bool {
        !transaction.is_broken() && !transaction.has_ended() && !self.progress.is_gone()
    }

    /// Puts a dead letter into the transaction.
    pub(super) async fn send_letter(
        &self,
        transaction: &Transaction,
        sink: &dyn RecordSink,
        (index, attempt): (usize, u32),
        letter: ProducerRecord,
        reason: &Reason,
    ) -> Sending {
        let Err(failed) = sink.entrust(letter).await else { return Sending::Acknowledged };
        transaction.taint();
        if !self.fails_by_itself(transaction) {
            return Sending::Revoked;
        }
        let (offset, reason) = (self.record(index).offset(), Arc::new(reason.clone()));
        let n_failed = transaction.ledger().undelivered(&self.partition(), offset, &reason);
        if n_failed >= DEAD_LETTERS.0 {
            return Sending::Failed(failed.into());
        }
        let delay = DEAD_LETTERS.1.saturating_mul(1 << (n_failed - 1).min(10));
        let to = failed.record().topic.as_deref().unwrap_or_default();
        observe::resending(self.place(index, attempt), &failed.to_string(), to, delay);
        self.progress.rewind(later(Instant::now(), delay));
        Sending::Revoked
    }

    /// The delay after so many deliveries.
    pub(super) fn delay_after(&self, delays: &mut Option<Delays>, attempt: u32) -> Duration {
        if let Some(delays) = delays {
            return delays.next_delay();
        }
        // The first one here may be a later one of the record.
        let mut started = self.delays();
        let skipped = if self.transaction().is_some() { attempt.saturating_sub(1) } else { 0 };
        for _ in 0..skipped.min(1_000) {
            started.next_delay();
        }
        delays.insert(started).next_delay()
    }
}
