//! What a producer claims of its transaction, and what becomes of a batch that is not appended.

use super::Unacknowledged;
use crate::error::ErrorCode;
use crate::log::{Appended, Guard, Proof, Rejected};

/// A batch that was appended, or was there before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) appended: Appended,
    pub(crate) log_start: i64,
    /// What its sender waits for, if it waits for all replicas in sync and they do not have it yet.
    pub(crate) pending: Option<Unacknowledged>,
}

/// A batch that was not appended.
#[derive(Debug)]
pub(crate) enum Unappended {
    Rejected(Rejected),
    /// It would begin a transaction of which nothing is known here: ask the coordinator and come back with this.
    Unverified(Guard),
}

/// What a producer says of its transaction, and what shows that it is true.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) proof: Proof,
    /// Whether each transaction of the producer has an epoch of its own.
    pub(crate) bumps_epoch: bool,
    pub(crate) now_ms: i64,
}

impl Claim {
    /// Of batches outside of transactions.
    pub(crate) const NONE: Self = Self { proof: Proof::None, bumps_epoch: false, now_ms: 0 };
}

/// Who has a batch appended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    /// The node that was asked; whichever leads, if somebody asks from inside.
    pub(crate) node: Option<i32>,
    /// Every replica in sync shall have it before it is acknowledged.
    pub(crate) wants_all: bool,
}

impl Sender {
    /// Not a client.
    pub(crate) const INSIDE: Self = Self { node: None, wants_all: false };
    /// The coordinator of a transaction, for its markers.
    pub(crate) const COORDINATOR: Self = Self { node: None, wants_all: true };
}

impl Unappended {
    /// As it is told to a producer that cannot show more.
    pub(crate) fn into_rejected(self) -> Rejected {
        match self {
            Self::Rejected(rejected) => rejected,
            Self::Unverified(_) => {
                Rejected::new(ErrorCode::InvalidTxnState, "Record was not part of an ongoing transaction")
            }
        }
    }
}

impl From<Rejected> for Unappended {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}
