//! One group: its members' protocol and its committed offsets.

use std::time::Duration;

use super::classic::ClassicGroup;
use super::offsets::{CommittedOffset, Offsets};
use super::record::GroupRecord;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

/// A group as one value, owned by whoever holds its lock.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) classic: ClassicGroup,
    pub(crate) offsets: Offsets,
}

/// One partition of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetToCommit<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: &'a str,
}

impl Group {
    pub(crate) fn new() -> Self {
        Self { classic: ClassicGroup::new(), offsets: Offsets::default() }
    }

    /// When [`Self::poll`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.classic.next_deadline()
    }

    /// Does all that is due.
    pub(crate) fn poll(&mut self, turn: &mut Turn<'_>) {
        self.classic.poll(turn);
    }

    /// The one place where durable facts become true.
    pub(crate) fn replay(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::OffsetCommitted { topic, partition, offset } => {
                self.offsets.replay_committed(topic, *partition, offset);
            }
            GroupRecord::OffsetDeleted { topic, partition } => self.offsets.replay_deleted(topic, *partition),
            GroupRecord::Metadata(metadata) => self.classic.replay(metadata),
            GroupRecord::Deleted => *self = Self::new(),
        }
    }

    /// Commits one offset of somebody whom [`ClassicGroup::validate_commit`] has let through.
    ///
    /// # Errors
    /// The note is too long.
    pub(crate) fn commit_offset(&mut self, commit: &OffsetToCommit<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        if commit.metadata.len() > turn.config.offset_metadata_max_bytes {
            return Err(ErrorCode::OffsetMetadataTooLarge);
        }
        let record = GroupRecord::OffsetCommitted {
            topic: self.offsets.topic_name(commit.topic),
            partition: commit.partition,
            offset: CommittedOffset {
                offset: commit.offset,
                leader_epoch: commit.leader_epoch,
                metadata: commit.metadata.into(),
            },
        };
        self.apply(record, turn);
        Ok(())
    }

    /// Drops one committed offset; one that is not there is dropped already.
    ///
    /// # Errors
    /// A live member is subscribed to the topic.
    pub(crate) fn delete_offset(&mut self, topic: &str, partition: i32, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        if self.classic.is_subscribed_to(topic) {
            return Err(ErrorCode::GroupSubscribedToTopic);
        }
        if self.offsets.get(topic, partition).is_some() {
            let topic = self.offsets.topic_name(topic);
            self.apply(GroupRecord::OffsetDeleted { topic, partition }, turn);
        }
        Ok(())
    }

    /// Drops the offsets of a topic that was deleted, whoever is subscribed to it.
    pub(crate) fn forget_topic(&mut self, topic: &str, turn: &mut Turn<'_>) {
        for record in self.offsets.forget_topic(topic) {
            self.apply(record, turn);
        }
    }

    /// Deletes the group with its offsets. Whoever still holds it finds it dead.
    ///
    /// # Errors
    /// Members are in it.
    pub(crate) fn delete(&mut self, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        self.classic.validate_delete()?;
        self.apply(GroupRecord::Deleted, turn);
        self.classic.die(turn);
        Ok(())
    }

    fn apply(&mut self, record: GroupRecord, turn: &mut Turn<'_>) {
        self.replay(&record);
        turn.records.push(record);
    }
}
