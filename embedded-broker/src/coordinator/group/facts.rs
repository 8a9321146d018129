//! What is durable of a group, as the fewest records that make a group like it.

use super::machine::{Group, Members};
use super::record::GroupRecord;

impl Group {
    /// These records, replayed on a new group, make this one, as far as it is durable.
    pub(crate) fn facts(&self) -> Vec<GroupRecord> {
        if !self.exists {
            return Vec::new();
        }
        let mut facts = self.facts_of_members();
        let (overtaken, staged) = self.offsets.pending().facts();
        facts.extend(overtaken);
        for (topic, partitions) in self.offsets.topics() {
            facts.extend(partitions.iter().map(|(&partition, offset)| GroupRecord::OffsetCommitted {
                topic: topic.clone(),
                partition,
                offset: offset.clone(),
            }));
        }
        facts.extend(staged);
        facts
    }

    /// Those without offsets.
    pub(super) fn facts_of_members(&self) -> Vec<GroupRecord> {
        match &self.members {
            Members::Classic(group) => group.facts().map(GroupRecord::Metadata).into_iter().collect(),
            Members::Consumer(group) => group.facts().into_iter().map(GroupRecord::Consumer).collect(),
        }
    }
}
