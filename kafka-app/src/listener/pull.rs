//! [`Pull`]: one look of a pump at the queues of its partitions, and what it may take there.

use std::{sync::Arc, time::Instant};

use super::{lane::Lanes, transaction::Transaction};
use crate::{client::Fault, record::RawRecord};

/// What a pull needs of its pump.
pub(crate) struct Pull<'p> {
    pub(crate) now: Instant,
    /// Records are held until they are committed.
    pub(crate) is_at_most_once: bool,
    /// Look even if nothing was signalled.
    pub(crate) is_forced: bool,
    pub(crate) lanes: &'p mut Lanes,
    pub(crate) scratch: &'p mut Vec<RawRecord>,
    /// Exactly once: the transaction that takes the records.
    pub(crate) turn: Option<TakingTurn>,
    /// Records that may be handed over yet, by the listener's rate.
    pub(crate) allowance: u64,
}

impl Pull<'_> {
    /// Records that may be handed over yet.
    pub(crate) fn allowance(&self) -> usize {
        let of_turn = self.turn.as_ref().map_or(u64::MAX, TakingTurn::allowance);
        usize::try_from(of_turn.min(self.allowance)).unwrap_or(usize::MAX)
    }
}

/// A transaction that takes records.
pub(crate) struct TakingTurn {
    pub(crate) index: usize,
    pub(crate) transaction: Arc<Transaction>,
    /// Records it takes yet.
    pub(crate) room: u32,
    /// Of these, what one partition may have, so that others get some.
    pub(crate) share: u32,
    pub(crate) n_handed: u32,
    /// It is to take one record only, also of who takes batches.
    pub(crate) is_one_by_one: bool,
}

impl TakingTurn {
    pub(crate) fn allowance(&self) -> u64 {
        u64::from(self.share.min(self.room.saturating_sub(self.n_handed)))
    }
}

/// What a pull saw.
#[derive(Default)]
pub(crate) struct Pulled {
    /// There is more and room for it.
    pub(crate) more: bool,
    pub(crate) n_taken: usize,
    pub(crate) faults: Vec<Fault>,
}
