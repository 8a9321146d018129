//! What a partition has lost by elections.

use std::ops::Range;

use crate::replication::Elected;

/// The end of a log that an election has cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) offsets: Range<i64>,
    /// What of it consumers could read: it had been acknowledged to producers that wait for all replicas.
    pub(crate) read: Range<i64>,
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) unclean: bool,
}

impl Loss {
    /// The loss of an election, if it has cost anything.
    pub(super) fn of(elected: &Elected) -> Option<Self> {
        let (cut, leader) = (elected.cut?, elected.leader?);
        Some(Self {
            offsets: cut.from..cut.until,
            read: cut.from..cut.high_watermark.clamp(cut.from, cut.until),
            leader,
            leader_epoch: elected.epoch,
            unclean: elected.unclean,
        })
    }
}
