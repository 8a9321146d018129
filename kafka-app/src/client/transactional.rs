//! [`TransactionalClient`]: what the runtime needs of a transactional producer. A double of it tests what is done about
//! each error without a broker.

use std::{fmt, time::Duration};

use super::{ffi::GroupMetadata, port::StoredOffset, producer::Producer};

/// The calls of a transactional producer. All but `begin` wait for the network, so they belong on a thread of their own;
/// one that ended with [`TransactionFaultKind::Retry`] is made again, and no other before it ended otherwise.
pub(crate) trait TransactionalClient: Send + Sync {
    /// Gets the producer's id and closes what an earlier owner of the `transactional.id` left open.
    fn init(&self) -> Outcome;
    /// What is produced from here on belongs to a transaction.
    fn begin(&self) -> Outcome;
    /// Waits until every record is acknowledged or has failed. Before the offsets: the first request of a transaction
    /// that follows another at once is told to wait, and is repeated sooner for records than for offsets.
    fn flush(&self) -> Outcome;
    /// Why the first record of the transaction was not delivered that was not since others were not; does not wait.
    fn failure(&self) -> Option<Undelivered>;
    /// Whether records are refused because the transaction has failed already; does not wait.
    fn is_broken(&self) -> bool;
    /// Puts a group's positions into the transaction.
    fn send_offsets(&self, offsets: &[StoredOffset], group: &GroupMetadata) -> Outcome;
    /// Commits what was sent since `begin`.
    fn commit(&self) -> Outcome;
    /// Gives up what was sent since `begin`.
    fn abort(&self) -> Outcome;
}

/// Why a record of a transaction was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undelivered {
    pub(crate) text: String,
    /// It would be delivered at no other time either; else who takes it was away.
    pub(crate) is_its_own: bool,
}

pub(crate) type Outcome = Result<(), TransactionFault>;

/// An error of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TransactionFault {
    pub(crate) kind: TransactionFaultKind,
    pub(crate) text: String,
}

/// What can be done about a [`TransactionFault`]: exactly what the client says by its flags, never by code or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransactionFaultKind {
    /// The same call again.
    Retry,
    /// The transaction is to be aborted; another may begin.
    Abort,
    /// The producer is of no more use: it was fenced, or has lost its place.
    Fatal,
}

impl fmt::Display for TransactionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How long one call waits before it says that it is to be made again; so a stop need not wait longer either.
const CALL: Duration = Duration::from_secs(5);

impl TransactionalClient for Producer {
    fn init(&self) -> Outcome {
        self.native().init_transactions(CALL)
    }

    fn begin(&self) -> Outcome {
        self.forget_failure();
        self.native().begin_transaction()
    }

    fn flush(&self) -> Outcome {
        // Nothing but time can keep it from success.
        self.native()
            .flush(CALL)
            .map_err(|code| TransactionFault { kind: TransactionFaultKind::Retry, text: code.to_string() })?;
        match self.failure() {
            Some(undelivered) => Err(TransactionFault { kind: TransactionFaultKind::Abort, text: undelivered.text }),
            None => Ok(()),
        }
    }

    fn failure(&self) -> Option<Undelivered> {
        Self::failure(self)
    }

    fn is_broken(&self) -> bool {
        Self::is_broken(self)
    }

    fn send_offsets(&self, offsets: &[StoredOffset], group: &GroupMetadata) -> Outcome {
        self.native().send_offsets(offsets, group, CALL)
    }

    fn commit(&self) -> Outcome {
        self.native().commit_transaction(CALL)
    }

    fn abort(&self) -> Outcome {
        self.native().abort_transaction(CALL)
    }
}
