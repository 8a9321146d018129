//! Cutting a log off at its end, as a replica does that has followed another leader.

use super::change::LogChange;
use super::partition_log::{OutOfRange, PartitionLog};

impl PartitionLog {
    /// Makes `offset` the end, where the records of `leader_epoch` will follow. A batch that is cut in two goes whole.
    pub(crate) fn truncate_to(&mut self, offset: i64, leader_epoch: i32) -> Result<(), OutOfRange> {
        if !(self.start_offset..=self.end_offset).contains(&offset) {
            return Err(OutOfRange);
        }
        self.freeze_tail();
        while self.segments.len() > 1 && self.segments.back().is_some_and(|last| last.base_offset >= offset) {
            self.segments.pop_back();
        }
        if let Some(last) = self.segments.back_mut() {
            last.truncate_to(offset);
        }
        self.end_offset = offset;
        let base_offset = self.segments.back().map_or(0, |last| last.base_offset);
        self.changes.note(LogChange::Rewritten { base_offset, end: i64::MAX });
        self.version += 1;
        self.compacted_until = self.compacted_until.min(offset);
        self.forget_from(offset);
        self.begin_epoch(leader_epoch);
        Ok(())
    }
}
