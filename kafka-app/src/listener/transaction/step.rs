//! What a [`Cycle`](super::cycle::Cycle) asks for, and what it is told.

use crate::client::TransactionFaultKind;

/// What is to be done about a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make a producer for it.
    Open(usize),
    /// Begin a transaction.
    Begin(usize),
    /// Send its outputs.
    Flush(usize),
    /// Send its positions and commit.
    Commit(usize),
    /// Give it up.
    Abort(usize),
    /// Ask the broker what is committed, then say [`Cycle::positioned`].
    AskPositions,
    /// Once no handler runs: go back to what is committed, then say [`Cycle::rewound`].
    Rewind,
}

/// What came of a step.
pub(crate) type Outcome = Result<(), TransactionFaultKind>;

/// The step that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Open,
    Begin,
    Flush,
    Commit,
    Abort,
}

/// How a turn that takes no more came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Everything it took is finished, or everything up to some record of each partition.
    Finished,
    /// Nothing it took is finished, and nothing was sent.
    Nothing,
    /// What is finished has gaps, or something unfinished may have been sent.
    Torn,
}
