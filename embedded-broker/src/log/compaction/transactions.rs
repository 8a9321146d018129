//! What of transactions may go: the records of aborted ones at once, and a marker when none of its transaction's records is
//! left.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::log::aborted::AbortedTransaction;
use crate::log::batch::BatchHeader;
use crate::log::marker::EndMarker;

/// The transactions that a walk over the log, from front to back, is in.
pub(super) struct CleanedTransactions {
    /// Those still ahead: first offset and producer.
    ahead: BTreeSet<(i64, i64)>,
    /// Aborted ones that have begun, and whether a batch of theirs was seen.
    aborted: HashMap<i64, bool>,
    /// Producers of which batches were seen that are not aborted.
    committed: HashSet<i64>,
}

impl CleanedTransactions {
    /// A walk that begins at `from`, where transactions that have ended before it are over.
    pub(super) fn new(aborted: &[AbortedTransaction], from: i64) -> Self {
        let ahead = aborted.iter().filter(|aborted| aborted.last_offset >= from);
        let ahead = ahead.map(|aborted| (aborted.first_offset, aborted.producer_id)).collect();
        Self { ahead, aborted: HashMap::new(), committed: HashSet::new() }
    }

    /// Takes note of a batch of data; whether its records are aborted.
    pub(super) fn data(&mut self, header: &BatchHeader) -> bool {
        self.begin_up_to(header.last_offset());
        if !header.is_transactional() {
            return false;
        }
        if let Some(seen) = self.aborted.get_mut(&header.producer_id) {
            *seen = true;
            return true;
        }
        self.committed.insert(header.producer_id);
        false
    }

    /// Takes note of a control batch; whether nothing that it decides is left.
    pub(super) fn control(&mut self, header: &BatchHeader, whole: &[u8]) -> bool {
        self.begin_up_to(header.last_offset());
        let id = header.producer_id;
        match EndMarker::read(header, whole) {
            Some(marker) if marker.committed => !self.committed.remove(&id),
            Some(_) => {
                // One that ends before the log's start is not listed any more; what is left of it was taken for committed.
                let unlisted = self.committed.remove(&id);
                self.aborted.remove(&id) != Some(true) && !unlisted
            }
            // Its record was compacted away before.
            None => true,
        }
    }

    fn begin_up_to(&mut self, offset: i64) {
        while let Some((_, id)) = self.ahead.first().copied().filter(|(first, _)| *first <= offset) {
            self.ahead.pop_first();
            self.aborted.entry(id).or_insert(false);
        }
    }
}
