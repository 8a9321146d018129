//! Which transactions of a partition were aborted: what readers of committed records must skip.

#[cfg(test)]
mod tests;

/// One aborted transaction that had records here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AbortedTransaction {
    pub(crate) producer_id: i64,
    /// Of its first record.
    pub(crate) first_offset: i64,
    /// Of the marker that ended it.
    pub(crate) last_offset: i64,
    /// What was stable once it had ended: every transaction that ended later began here or after.
    pub(crate) stable_after: i64,
}

/// The aborted transactions of one partition, in the order their markers were written.
#[derive(Debug, Default)]
pub(crate) struct AbortedTransactions(Vec<AbortedTransaction>);

impl AbortedTransactions {
    /// Notes the transaction that the newest marker has ended; `stable_after` is the last stable offset with it gone.
    pub(crate) fn push(&mut self, producer_id: i64, first_offset: i64, last_offset: i64, stable_after: i64) {
        self.0.push(AbortedTransaction { producer_id, first_offset, last_offset, stable_after });
    }

    /// The transactions with records or a marker in `from..until`, by their first offsets. A reader of that range needs
    /// all of them, and is misled by none.
    pub(crate) fn overlapping(&self, from: i64, until: i64) -> Vec<AbortedTransaction> {
        let mut found = Vec::new();
        let first = self.0.partition_point(|aborted| aborted.last_offset < from);
        for aborted in &self.0[first..] {
            if aborted.first_offset < until {
                found.push(*aborted);
            }
            if aborted.stable_after >= until {
                break;
            }
        }
        found.sort_unstable_by_key(|aborted| (aborted.first_offset, aborted.last_offset));
        found
    }

    /// All of them, in the order of their markers.
    pub(crate) fn all(&self) -> &[AbortedTransaction] {
        &self.0
    }

    /// Forgets transactions that end before `offset`: nobody can read them any more.
    pub(crate) fn delete_before(&mut self, offset: i64) {
        let gone = self.0.partition_point(|aborted| aborted.last_offset < offset);
        self.0.drain(..gone);
    }

    /// Forgets the transactions that the markers at these offsets have ended: there is nothing left to skip.
    pub(crate) fn forget(&mut self, markers: &[i64]) {
        if !markers.is_empty() {
            self.0.retain(|aborted| !markers.contains(&aborted.last_offset));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
