//! [`Spread`]: among how many partitions the records of a turn are shared out: pure.
//!
//! Many partitions keep many lanes at work, and cost: the broker writes a marker to each partition that a transaction has
//! outputs in, and takes a batch of its own for it. So a turn is as wide as its handlers need: who is waited for says it.

/// How wide turns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spread {
    /// At least 1; more than there are means all.
    n_partitions: u32,
}

impl Spread {
    /// As wide as can be: nothing is known yet of how long handlers take.
    pub(crate) const ALL: Self = Self { n_partitions: u32::MAX };

    /// What each partition may have of `room` records, if `n_partitions` have some.
    pub(crate) fn share(&mut self, room: u32, n_partitions: u32) -> u32 {
        self.n_partitions = self.n_partitions.min(n_partitions.max(1));
        room.div_ceil(self.n_partitions)
    }

    /// A full turn was handled while the turn before it was still being committed: half as wide it may take twice as long.
    pub(crate) fn broker_was_waited_for(&mut self) {
        self.n_partitions = (self.n_partitions / 2).max(1);
    }

    /// The broker had nothing to do before a full turn was handled.
    pub(crate) fn handlers_were_waited_for(&mut self) {
        self.n_partitions = self.n_partitions.saturating_mul(2);
    }
}
