//! A group goes from one coordinator to another, which has nothing but its records.

use super::machine::{Group, Members};
use super::record::GroupRecord;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

impl Group {
    /// Becomes the group that its records tell of: requests that are held are sent to the other coordinator, ids that
    /// were handed out and not used are forgotten, and a generation that was not complete is the one before it. Nothing
    /// happens by itself until the group is [loaded](Self::loaded).
    pub(crate) fn unload(&mut self, turn: &mut Turn<'_>) {
        let records = self.facts_of_members();
        if let Members::Classic(group) = &mut self.members {
            group.send_away(ErrorCode::NotCoordinator, turn);
        }
        let mut read = Self::new();
        records.iter().for_each(|record: &GroupRecord| read.replay(record));
        // What is told of offsets is all in records.
        read.offsets = std::mem::take(&mut self.offsets);
        read.exists = self.exists;
        *self = read;
    }
}
