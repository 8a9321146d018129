//! What is deleted of a group: offsets, by name or with their topic, and the group itself.

use std::collections::HashSet;

use super::machine::{Group, Members};
use super::record::GroupRecord;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

impl Group {
    /// # Errors
    /// The group does not allow offsets to be deleted now.
    pub(crate) fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        match &self.members {
            Members::Classic(group) => group.validate_offset_delete(),
            Members::Consumer(_) => Ok(()),
        }
    }

    /// Whether offsets of the topic are in use: a member subscribes to it.
    pub(super) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.members {
            Members::Classic(group) => group.is_subscribed_to(topic),
            Members::Consumer(group) => group.is_subscribed_to(topic),
        }
    }

    /// Drops one committed offset; one that is not there is dropped already.
    ///
    /// # Errors
    /// A live member is subscribed to the topic.
    pub(crate) fn delete_offset(&mut self, topic: &str, partition: i32, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        if self.is_subscribed_to(topic) {
            return Err(ErrorCode::GroupSubscribedToTopic);
        }
        if self.offsets.get(topic, partition).is_some() || self.offsets.pending().contains(topic, partition) {
            let topic = self.offsets.topic_name(topic);
            self.apply(GroupRecord::OffsetDeleted { topic, partition }, turn);
        }
        Ok(())
    }

    /// Drops the offsets of topics that were deleted, whoever is subscribed to them.
    pub(crate) fn forget_topics(&mut self, topics: &HashSet<&str>, turn: &mut Turn<'_>) {
        for record in self.offsets.forget_topics(topics) {
            self.apply(record, turn);
        }
    }

    /// Deletes the group with its offsets. Whoever still holds it is told to look again.
    ///
    /// # Errors
    /// Members are in it.
    pub(crate) fn delete(&mut self, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        match &self.members {
            Members::Classic(group) => group.validate_delete()?,
            Members::Consumer(group) => group.validate_delete()?,
        }
        self.die(turn);
        Ok(())
    }

    /// Ends the group with its offsets and whoever is in it. Who is held, and who still holds it, is told to look again.
    pub(crate) fn die(&mut self, turn: &mut Turn<'_>) {
        // Those who are held first: the record makes another, empty group of it.
        self.members.die(turn);
        if self.exists {
            self.apply(GroupRecord::Deleted, turn);
        }
        self.members.die(turn);
    }
}

impl Members {
    fn die(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Classic(group) => group.die(turn),
            Self::Consumer(group) => group.die(),
        }
    }
}
