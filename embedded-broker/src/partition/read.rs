//! What is asked of a read, and what it finds beside the records.

use crate::log::AbortedTransaction;

/// The offsets of a partition at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: i64,
    /// The offset the next record will get.
    pub(crate) log_end: i64,
    /// What consumers may read up to. With one replica, all there is.
    pub(crate) high_watermark: i64,
    /// Where the leader's epoch began.
    pub(crate) epoch_start: i64,
    /// What readers of committed records may read up to.
    pub(crate) last_stable: i64,
}

impl Offsets {
    /// There is nothing of which anything could be told.
    pub(crate) const NONE: Self =
        Self { log_start: -1, log_end: -1, high_watermark: -1, epoch_start: -1, last_stable: -1 };

    /// As they are told by a follower that has got this far.
    pub(crate) fn up_to(self, end: i64) -> Self {
        Self {
            log_end: end.min(self.log_end),
            high_watermark: end.min(self.high_watermark),
            last_stable: end.min(self.last_stable),
            ..self
        }
    }

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

/// Who reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader {
    /// The node that was asked; whichever leads, if somebody looks from inside.
    pub(crate) node: Option<i32>,
    /// The leader epoch the client knows, or -1.
    pub(crate) leader_epoch: i32,
    /// No follower will do.
    pub(crate) of_leader: bool,
}

impl Reader {
    /// Not a client.
    pub(crate) const INSIDE: Self = Self { node: None, leader_epoch: -1, of_leader: false };

    /// Who asks a node and wants the leader.
    pub(crate) fn of_leader(node: i32, leader_epoch: i32) -> Self {
        Self { node: Some(node), leader_epoch, of_leader: true }
    }
}

/// What is asked of a read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadFrom {
    pub(crate) reader: Reader,
    pub(crate) offset: i64,
    /// The epoch of the last record the client has, or -1: its log may have taken another way than this one.
    pub(crate) last_fetched_epoch: i32,
    pub(crate) max_bytes: usize,
    pub(crate) at_least_one: bool,
    pub(crate) isolation: Isolation,
}

impl ReadFrom {
    /// All there is from `offset` on, for whoever looks from inside.
    pub(crate) fn everything(offset: i64, isolation: Isolation) -> Self {
        let reader = Reader::INSIDE;
        Self { reader, offset, last_fetched_epoch: -1, max_bytes: usize::MAX, at_least_one: true, isolation }
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
