//! What becomes of a partition by an event.

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Change {
    /// The high watermark has moved on.
    pub(crate) high_watermark: bool,
    /// The replicas in sync, or those that may be elected, are others.
    pub(crate) in_sync: bool,
    /// There are other replicas, or the move to them is complete.
    pub(crate) replicas: bool,
    /// Somebody else leads, or nobody any more; or whoever leads does so in a new epoch.
    pub(crate) elected: Option<Elected>,
}

impl Change {
    /// Whether anything at all has changed.
    pub(crate) fn is_any(&self) -> bool {
        *self != Self::default()
    }

    /// Both of two that came one after the other.
    pub(super) fn and(self, next: Self) -> Self {
        let elected = match (self.elected, next.elected) {
            (Some(first), Some(last)) => Some(first.and(last)),
            (first, last) => last.or(first),
        };
        Self {
            high_watermark: self.high_watermark | next.high_watermark,
            in_sync: self.in_sync | next.in_sync,
            replicas: self.replicas | next.replicas,
            elected,
        }
    }
}

/// An election, and what it makes of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elected {
    /// Absent when nobody can lead.
    pub(crate) leader: Option<i32>,
    pub(crate) epoch: i32,
    /// It was not in sync: what was acknowledged may be lost.
    pub(crate) unclean: bool,
    /// What the log loses by it.
    pub(crate) cut: Option<Cut>,
}

impl Elected {
    /// The last of two elections, with what both have cost: nothing was appended between them.
    fn and(self, last: Self) -> Self {
        let cut = match (self.cut, last.cut) {
            (Some(first), Some(last)) => Some(Cut { from: last.from, ..first }),
            (first, last) => last.or(first),
        };
        Self { unclean: self.unclean | last.unclean, cut, ..last }
    }
}

/// The end of a log that is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The first offset that is lost, and the end from now on.
    pub(crate) from: i64,
    /// The end before.
    pub(crate) until: i64,
    /// What was before it, consumers could read.
    pub(crate) high_watermark: i64,
}
