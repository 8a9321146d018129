//! One group: its members, in one of two protocols, and its committed offsets.

use std::sync::Arc;
use std::time::Duration;

use super::classic::{ClassicGroup, ClassicState, GroupDescription, Identity, JoinRequest, LeavingMember, SyncRequest};
use super::consumer::{Catalog, ConsumerGroup, ConsumerGroupDescription, ConsumerHeartbeat, Heard, HeartbeatRefused};
use super::offsets::{CommittedOffset, Offsets};
use super::record::GroupRecord;
use super::state::GroupState;
use super::turn::{JoinRefused, Ticket, Turn};
use crate::coordinator::ErrorCode;

/// A group as one value, owned by whoever holds its lock.
#[derive(Debug)]
pub(crate) struct Group {
    members: Members,
    pub(crate) offsets: Offsets,
}

/// The protocol the members speak. A group without members takes the protocol of whoever comes.
#[derive(Debug)]
enum Members {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
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
        Self { members: Members::Classic(ClassicGroup::new()), offsets: Offsets::default() }
    }

    pub(crate) fn state(&self) -> GroupState {
        match &self.members {
            Members::Classic(group) => group.state().into(),
            Members::Consumer(group) => group.state().into(),
        }
    }

    /// The type of the group, as ListGroups has it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.members {
            Members::Classic(_) => "classic",
            Members::Consumer(_) => "consumer",
        }
    }

    pub(crate) fn protocol_type(&self) -> Arc<str> {
        match &self.members {
            Members::Classic(group) => group.protocol_type(),
            Members::Consumer(_) => "consumer".into(),
        }
    }

    /// When [`Self::poll`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        match &self.members {
            Members::Classic(group) => group.next_deadline(),
            Members::Consumer(group) => group.next_deadline(),
        }
    }

    /// Does all that is due.
    pub(crate) fn poll(&mut self, turn: &mut Turn<'_>) {
        match &mut self.members {
            Members::Classic(group) => group.poll(turn),
            Members::Consumer(group) => group.poll(turn),
        }
    }

    /// The one place where durable facts become true.
    pub(crate) fn replay(&mut self, record: &GroupRecord) {
        match record {
            GroupRecord::OffsetCommitted { topic, partition, offset } => {
                self.offsets.replay_committed(topic, *partition, offset);
            }
            GroupRecord::OffsetDeleted { topic, partition } => self.offsets.replay_deleted(topic, *partition),
            GroupRecord::Metadata(metadata) => self.become_classic().replay(metadata),
            GroupRecord::Consumer(record) => self.become_consumer().replay(record),
            GroupRecord::Deleted => *self = Self::new(),
        }
    }

    /// JoinGroup of the classic protocol.
    pub(crate) fn join(&mut self, request: &JoinRequest, ticket: Ticket, turn: &mut Turn<'_>) {
        if self.state() == GroupState::Empty {
            self.become_classic();
        }
        match &mut self.members {
            Members::Classic(group) => group.join(request, ticket, turn),
            Members::Consumer(_) => {
                let error = ErrorCode::InconsistentGroupProtocol;
                turn.reply_join(ticket, Err(JoinRefused { error, member_id: Arc::clone(&request.member_id) }));
            }
        }
    }

    /// SyncGroup of the classic protocol.
    pub(crate) fn sync(&mut self, request: &SyncRequest<'_>, ticket: Ticket, turn: &mut Turn<'_>) {
        match &mut self.members {
            Members::Classic(group) => group.sync(request, ticket, turn),
            Members::Consumer(_) => turn.reply_sync(ticket, Err(ErrorCode::UnknownMemberId)),
        }
    }

    /// Heartbeat of the classic protocol.
    pub(crate) fn heartbeat(&mut self, identity: Identity<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        match &mut self.members {
            Members::Classic(group) => group.heartbeat(identity, turn),
            Members::Consumer(_) => Err(ErrorCode::UnknownMemberId),
        }
    }

    /// LeaveGroup of the classic protocol.
    pub(crate) fn leave(
        &mut self,
        leaving: &[LeavingMember<'_>],
        turn: &mut Turn<'_>,
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        match &mut self.members {
            Members::Classic(group) => group.leave(leaving, turn),
            Members::Consumer(_) => Ok(vec![Err(ErrorCode::UnknownMemberId); leaving.len()]),
        }
    }

    /// ConsumerGroupHeartbeat.
    pub(crate) fn consumer_heartbeat(
        &mut self,
        request: &ConsumerHeartbeat,
        catalog: &dyn Catalog,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, HeartbeatRefused> {
        request.check()?;
        if self.state() == GroupState::Empty && request.epoch == 0 {
            self.become_consumer();
        }
        match &mut self.members {
            Members::Consumer(group) => group.heartbeat(request, catalog, turn),
            Members::Classic(group) if group.state() == ClassicState::Dead => {
                let message = "the group was deleted".to_owned();
                Err(HeartbeatRefused { error: ErrorCode::CoordinatorNotAvailable, message })
            }
            Members::Classic(_) => {
                let message = "The group is not a consumer group.".to_owned();
                Err(HeartbeatRefused { error: ErrorCode::GroupIdNotFound, message })
            }
        }
    }

    /// The members as DescribeGroups tells of them, if they speak the classic protocol.
    pub(crate) fn describe_classic(&self) -> Option<GroupDescription> {
        match &self.members {
            Members::Classic(group) => Some(group.describe()),
            Members::Consumer(_) => None,
        }
    }

    /// The members as ConsumerGroupDescribe tells of them, if they speak the consumer protocol.
    pub(crate) fn describe_consumer(&self) -> Option<ConsumerGroupDescription> {
        match &self.members {
            Members::Classic(_) => None,
            Members::Consumer(group) => Some(group.describe()),
        }
    }

    /// Checks who commits.
    ///
    /// # Errors
    /// The committer may not commit anything.
    pub(crate) fn validate_commit(
        &mut self,
        identity: Identity<'_>,
        version: i16,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        match &mut self.members {
            Members::Classic(group) => group.validate_commit(identity, turn),
            Members::Consumer(group) => group.validate_commit(identity.member_id, identity.generation, version),
        }
    }

    /// Commits one offset of somebody whom [`Self::validate_commit`] has let through.
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

    /// Checks who asks for offsets; members of classic groups need not say.
    pub(crate) fn validate_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        match &self.members {
            Members::Classic(_) => Ok(()),
            Members::Consumer(group) => group.validate_fetch(member_id, epoch),
        }
    }

    /// # Errors
    /// The group does not allow offsets to be deleted now.
    pub(crate) fn validate_offset_delete(&self) -> Result<(), ErrorCode> {
        match &self.members {
            Members::Classic(group) => group.validate_offset_delete(),
            Members::Consumer(_) => Ok(()),
        }
    }

    /// Drops one committed offset; one that is not there is dropped already.
    ///
    /// # Errors
    /// A live member is subscribed to the topic.
    pub(crate) fn delete_offset(&mut self, topic: &str, partition: i32, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        let subscribed = match &self.members {
            Members::Classic(group) => group.is_subscribed_to(topic),
            Members::Consumer(group) => group.is_subscribed_to(topic),
        };
        if subscribed {
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
        match &self.members {
            Members::Classic(group) => group.validate_delete()?,
            Members::Consumer(group) => group.validate_delete()?,
        }
        self.apply(GroupRecord::Deleted, turn);
        match &mut self.members {
            Members::Classic(group) => group.die(turn),
            Members::Consumer(group) => group.die(),
        }
        Ok(())
    }

    fn become_classic(&mut self) -> &mut ClassicGroup {
        if let Members::Consumer(_) = &self.members {
            self.members = Members::Classic(ClassicGroup::new());
        }
        match &mut self.members {
            Members::Classic(group) => group,
            Members::Consumer(_) => unreachable!("the group has just become a classic one"),
        }
    }

    fn become_consumer(&mut self) -> &mut ConsumerGroup {
        if let Members::Classic(_) = &self.members {
            self.members = Members::Consumer(ConsumerGroup::default());
        }
        match &mut self.members {
            Members::Consumer(group) => group,
            Members::Classic(_) => unreachable!("the group has just become a consumer group"),
        }
    }

    fn apply(&mut self, record: GroupRecord, turn: &mut Turn<'_>) {
        self.replay(&record);
        turn.records.push(record);
    }

    #[cfg(test)]
    pub(crate) fn classic(&self) -> &ClassicGroup {
        match &self.members {
            Members::Classic(group) => group,
            Members::Consumer(_) => panic!("the group is a consumer group"),
        }
    }

    #[cfg(test)]
    pub(crate) fn consumer(&self) -> &ConsumerGroup {
        match &self.members {
            Members::Consumer(group) => group,
            Members::Classic(_) => panic!("the group is a classic one"),
        }
    }
}
