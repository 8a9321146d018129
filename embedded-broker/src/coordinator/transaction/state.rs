//! Where a transaction is, and from where it can get there.

/// The state of a transactional id, by Kafka's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum TransactionState {
    /// The producer is known and has begun nothing.
    Empty,
    /// Partitions or offsets belong to an open transaction.
    Ongoing,
    /// The decision to commit is made; markers are being written.
    PrepareCommit,
    /// The decision to abort is made; markers are being written.
    PrepareAbort,
    /// Committed, with all markers written.
    CompleteCommit,
    /// Aborted, with all markers written.
    CompleteAbort,
    /// The transactional id was not used for too long and is forgotten.
    Dead,
    /// A newer producer has come, or time is up: the epoch is raised before the open transaction is aborted. A turn never
    /// ends in it.
    PrepareEpochFence,
}

use TransactionState::{
    CompleteAbort, CompleteCommit, Dead, Empty, Ongoing, PrepareAbort, PrepareCommit, PrepareEpochFence,
};

impl TransactionState {
    /// Every state.
    pub(crate) const ALL: [Self; 8] =
        [Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort, Dead, PrepareEpochFence];

    /// The states this one can be entered from.
    pub(crate) const fn predecessors(self) -> &'static [Self] {
        match self {
            Empty => &[Empty, CompleteCommit, CompleteAbort],
            Ongoing => &[Ongoing, Empty, CompleteCommit, CompleteAbort],
            PrepareCommit => &[Ongoing],
            // From the settled states only with KIP-890: a client that does not know where it stands aborts.
            PrepareAbort => &[Ongoing, PrepareEpochFence, Empty, CompleteCommit, CompleteAbort],
            CompleteCommit => &[PrepareCommit],
            CompleteAbort => &[PrepareAbort],
            Dead => &[Empty, CompleteCommit, CompleteAbort],
            PrepareEpochFence => &[Ongoing],
        }
    }

    /// Whether markers are on their way: whoever wants to begin something has to wait.
    pub(crate) const fn is_moving(self) -> bool {
        matches!(self, PrepareCommit | PrepareAbort)
    }

    /// Whether an id that is not used in this state may be forgotten.
    pub(crate) const fn may_expire(self) -> bool {
        matches!(self, Empty | CompleteCommit | CompleteAbort)
    }

    /// Kafka's name of the state, as DescribeTransactions and ListTransactions show it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Empty => "Empty",
            Ongoing => "Ongoing",
            PrepareCommit => "PrepareCommit",
            PrepareAbort => "PrepareAbort",
            CompleteCommit => "CompleteCommit",
            CompleteAbort => "CompleteAbort",
            Dead => "Dead",
            PrepareEpochFence => "PrepareEpochFence",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
