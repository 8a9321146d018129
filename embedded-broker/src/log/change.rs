//! What becomes of segments, for whoever keeps a copy of the log.

use super::producer_state::ProducerEntry;

/// A change that is no appended batch. Told in order, each after the batches that were appended before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogChange {
    /// What is appended from now on goes to a new segment, which begins here.
    Rolled {
        /// The offset its first record will get.
        base_offset: i64,
        /// The producers of that moment, who know nothing yet of what comes.
        producers: Vec<ProducerEntry>,
    },
    /// A segment is gone; it was not the active one.
    Dropped {
        /// The offset it began at.
        base_offset: i64,
    },
    /// What lies from here to before `end` has changed: the segment that begins here says what it is now.
    Rewritten {
        /// The offset the segment begins at.
        base_offset: i64,
        /// Segments that began before this are gone, but for the one that begins at `base_offset`.
        end: i64,
    },
}

/// The changes since somebody last asked; none are noted as long as nobody wants them.
#[derive(Debug, Default)]
pub(crate) struct LogChanges {
    wanted: bool,
    changes: Vec<LogChange>,
}

impl LogChanges {
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    pub(super) fn are_wanted(&self) -> bool {
        self.wanted
    }

    pub(super) fn note(&mut self, change: LogChange) {
        if self.wanted {
            self.changes.push(change);
        }
    }

    /// Whether segments are to go.
    pub(crate) fn drop_segments(&self) -> bool {
        self.changes.iter().any(|change| matches!(change, LogChange::Dropped { .. }))
    }

    pub(crate) fn take(&mut self) -> Vec<LogChange> {
        std::mem::take(&mut self.changes)
    }
}
