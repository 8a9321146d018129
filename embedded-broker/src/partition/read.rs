//! What is asked of a read, and what it finds beside the records.

use crate::log::AbortedTransaction;

/// The offsets of a partition at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: i64,
    /// What consumers may read up to. With one replica, all there is.
    pub(crate) high_watermark: i64,
    /// What readers of committed records may read up to.
    pub(crate) last_stable: i64,
}

impl Offsets {
    /// Where a reader of this isolation comes to the end.
    pub(crate) fn end(&self, isolation: Isolation) -> i64 {
        match isolation {
            Isolation::ReadUncommitted => self.high_watermark,
            Isolation::ReadCommitted => self.last_stable,
        }
    }
}

/// Which records a reader is shown, by Kafka's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    ReadUncommitted,
    /// Nothing of transactions that are open, and all it takes to skip the aborted ones.
    ReadCommitted,
}

impl Isolation {
    /// As requests have it: 1 for committed records only.
    pub(crate) fn from_wire(level: i8) -> Self {
        if level == 1 { Self::ReadCommitted } else { Self::ReadUncommitted }
    }
}

/// What is asked of a read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadFrom {
    pub(crate) offset: i64,
    /// The leader epoch the client knows, or -1.
    pub(crate) leader_epoch: i32,
    /// The epoch of the last record the client has, or -1: its log may have taken another way than this one.
    pub(crate) last_fetched_epoch: i32,
    pub(crate) max_bytes: usize,
    pub(crate) at_least_one: bool,
    pub(crate) isolation: Isolation,
}

impl ReadFrom {
    /// All there is from `offset` on, for whoever looks from inside.
    pub(crate) fn everything(offset: i64, isolation: Isolation) -> Self {
        let (leader_epoch, last_fetched_epoch) = (-1, -1);
        Self { offset, leader_epoch, last_fetched_epoch, max_bytes: usize::MAX, at_least_one: true, isolation }
    }
}

/// What there was to read, but for the records themselves.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) offsets: Offsets,
    /// The client's log is another one from here on: the last epoch both have, and where it ends. Nothing is read then.
    pub(crate) diverging: Option<(i32, i64)>,
    /// What a reader of committed records must skip of what it got; empty for others.
    pub(crate) aborted: Vec<AbortedTransaction>,
}
