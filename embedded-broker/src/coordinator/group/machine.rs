//! One group: its members, in one of two protocols, and its committed offsets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::classic::{ClassicGroup, GroupDescription, Identity, JoinRequest, LeavingMember, SyncRequest};
use super::config::GroupConfig;
use super::consumer::{
    Assignment, ConsumerGroup, ConsumerGroupDescription, ConsumerHeartbeat, ConsumerRecord, ConsumerState, Heard,
    HeartbeatRefused, Leaving,
};
use super::migration::not_a_consumer_group;
use super::offsets::{CommittedOffset, Offsets};
use super::record::GroupRecord;
use super::state::GroupState;
use super::turn::{JoinRefused, Ticket, Turn};
use crate::coordinator::ErrorCode;

/// A group as one value, owned by whoever holds its lock.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) members: Members,
    pub(crate) offsets: Offsets,
    /// Something durable is known of it. A group that was only looked up does not exist.
    pub(super) exists: bool,
}

/// The protocol the members speak. A group without members takes the protocol of whoever comes.
#[derive(Debug)]
pub(super) enum Members {
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
    /// How long it shall be kept, if the committer says so.
    pub(crate) retention: Option<Duration>,
}

impl OffsetToCommit<'_> {
    /// # Errors
    /// The note is too long.
    pub(super) fn to_committed(&self, turn: &Turn<'_>) -> Result<CommittedOffset, ErrorCode> {
        // Kafka counts what Java calls characters.
        if self.metadata.encode_utf16().count() > turn.config.offset_metadata_max_bytes {
            return Err(ErrorCode::OffsetMetadataTooLarge);
        }
        let retention_ms = self.retention.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
        Ok(CommittedOffset {
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.into(),
            committed_ms: turn.wall_ms,
            expires_ms: retention_ms.map(|retention| turn.wall_ms.saturating_add(retention)),
        })
    }
}

impl Group {
    pub(crate) fn new() -> Self {
        Self { members: Members::Classic(ClassicGroup::new()), offsets: Offsets::default(), exists: false }
    }

    /// Whether anything is known of the group beside its name.
    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    pub(crate) fn state(&self) -> GroupState {
        match &self.members {
            Members::Classic(group) => group.state().into(),
            Members::Consumer(group) => group.state().into(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state() == GroupState::Empty
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
        while let Members::Consumer(group) = &mut self.members {
            let Some(overdue) = group.pop_overdue(turn.now) else { return };
            self.fence(&[overdue], turn);
        }
        if let Members::Classic(group) = &mut self.members {
            group.poll(turn);
        }
    }

    /// The one place where durable facts become true.
    pub(crate) fn replay(&mut self, record: &GroupRecord) {
        self.exists = true;
        match record {
            GroupRecord::OffsetCommitted { topic, partition, offset } => {
                self.offsets.replay_committed(topic, *partition, offset);
            }
            GroupRecord::OffsetStaged { producer_id, topic, partition, offset } => {
                self.offsets.replay_staged(*producer_id, topic, *partition, offset);
            }
            GroupRecord::TransactionEnded { producer_id, committed } => {
                self.offsets.replay_ended(*producer_id, *committed);
            }
            GroupRecord::OffsetDeleted { topic, partition } => self.offsets.replay_deleted(topic, *partition),
            GroupRecord::Metadata(metadata) => self.become_classic().replay(metadata),
            GroupRecord::MetadataDeleted => {
                if let Members::Classic(group) = &mut self.members {
                    *group = ClassicGroup::new();
                }
            }
            GroupRecord::Consumer(ConsumerRecord::Removed) => _ = self.become_classic(),
            GroupRecord::Consumer(record) => self.become_consumer().replay(record),
            GroupRecord::Deleted => *self = Self::new(),
        }
    }

    /// Starts the timers of a group that was read from its records.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>) {
        match &mut self.members {
            Members::Classic(group) => group.loaded(turn),
            Members::Consumer(group) => group.loaded(turn),
        }
    }

    /// JoinGroup of the classic protocol.
    pub(crate) fn join(&mut self, request: &JoinRequest, ticket: Ticket, turn: &mut Turn<'_>) {
        match &mut self.members {
            Members::Consumer(group) if group.state() != ConsumerState::Empty => {
                let reply = group.join_classic(request, turn);
                let downgrade = reply.as_ref().ok().and_then(|join| join.downgrade);
                turn.reply_join(ticket, reply.map(|join| join.joined));
                if let Some(rebalance) = downgrade {
                    self.downgrade(&[], rebalance, turn);
                }
            }
            Members::Consumer(_) if !request.member_id.is_empty() => {
                let error = ErrorCode::UnknownMemberId;
                turn.reply_join(ticket, Err(JoinRefused { error, member_id: Arc::clone(&request.member_id) }));
            }
            Members::Consumer(_) | Members::Classic(_) => self.classic_for_newcomers(turn).join(request, ticket, turn),
        }
    }

    /// The classic group, made now if there is none: a first JoinGroup makes a group even when it is refused.
    fn classic_for_newcomers(&mut self, turn: &mut Turn<'_>) -> &mut ClassicGroup {
        let was_consumer = if let Members::Consumer(group) = &mut self.members {
            group.end(turn);
            true
        } else {
            false
        };
        let is_new = was_consumer || !self.exists;
        let group = self.become_classic();
        if is_new {
            turn.records.push(GroupRecord::Metadata(group.begin(turn.world.wall_ms)));
        }
        self.exists = true;
        self.become_classic()
    }

    /// SyncGroup of the classic protocol.
    pub(crate) fn sync(&mut self, request: &SyncRequest<'_>, ticket: Ticket, turn: &mut Turn<'_>) {
        match &mut self.members {
            Members::Classic(group) => group.sync(request, ticket, turn),
            Members::Consumer(group) => {
                let reply = group.sync_classic(request, turn);
                turn.reply_sync(ticket, reply);
            }
        }
    }

    /// Heartbeat of the classic protocol.
    pub(crate) fn heartbeat(&mut self, identity: Identity<'_>, turn: &mut Turn<'_>) -> Result<(), ErrorCode> {
        match &mut self.members {
            Members::Classic(group) => group.heartbeat(identity, turn),
            Members::Consumer(group) => group.heartbeat_classic(identity, turn),
        }
    }

    /// LeaveGroup of the classic protocol, which takes members of either out.
    pub(crate) fn leave(
        &mut self,
        leaving: &[LeavingMember<'_>],
        turn: &mut Turn<'_>,
    ) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
        match &mut self.members {
            Members::Classic(group) => group.leave(leaving, turn),
            Members::Consumer(group) => {
                let found: Vec<_> = leaving.iter().map(|member| group.leaving(*member)).collect();
                let gone: BTreeSet<Arc<str>> = found.iter().flatten().cloned().collect();
                self.fence(&gone.into_iter().collect::<Vec<_>>(), turn);
                Ok(found.into_iter().map(|found| found.map(drop)).collect())
            }
        }
    }

    /// ConsumerGroupHeartbeat.
    pub(crate) fn consumer_heartbeat(
        &mut self,
        request: &ConsumerHeartbeat,
        turn: &mut Turn<'_>,
    ) -> Result<Heard, HeartbeatRefused> {
        request.check(turn.group_id, turn.config)?;
        match &mut self.members {
            Members::Classic(_) if request.epoch == 0 => self.upgrade(request, turn),
            Members::Classic(_) => Err(not_a_consumer_group(turn.group_id)),
            Members::Consumer(group) if !request.leaves() => group.heartbeat(request, turn),
            Members::Consumer(group) => {
                if let Leaving::ForGood(id) = group.good_bye(request, turn)? {
                    self.fence(&[id], turn);
                }
                let (member_id, epoch) = (Arc::clone(&request.member_id), request.epoch);
                Ok(Heard { member_id, epoch, interval: Duration::ZERO, assignment: None })
            }
        }
    }

    /// Takes a member out as an administrator would, with whatever follows for the others. Whether it was there.
    pub(crate) fn evict(&mut self, member_id: &str, turn: &mut Turn<'_>) -> bool {
        let leaving = [LeavingMember { member_id, instance_id: None }];
        let static_id = self.instance_of(member_id);
        let leaving = leaving.map(|member| LeavingMember { instance_id: static_id.as_deref(), ..member });
        self.leave(&leaving, turn).is_ok_and(|results| results.contains(&Ok(())))
    }

    fn instance_of(&self, member_id: &str) -> Option<Arc<str>> {
        match &self.members {
            Members::Classic(group) => group.instance_of(member_id),
            Members::Consumer(group) => group.instance_of(member_id),
        }
    }

    /// Lets the members assign anew, as if one of them had asked for it. Whether there are any.
    pub(crate) fn rebalance(&mut self, turn: &mut Turn<'_>) -> bool {
        match &mut self.members {
            Members::Classic(group) => group.rebalance(turn),
            Members::Consumer(group) => group.rebalance(turn),
        }
    }

    /// Gives the members exactly these partitions, until the group changes by itself. Whether it speaks the consumer
    /// protocol and has members.
    pub(crate) fn assign(&mut self, target: &Assignment, turn: &mut Turn<'_>) -> bool {
        match &mut self.members {
            Members::Classic(_) => false,
            Members::Consumer(group) => group.assign(target, turn),
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
    pub(crate) fn describe_consumer(&self, config: &GroupConfig) -> Option<ConsumerGroupDescription> {
        match &self.members {
            Members::Classic(_) => None,
            Members::Consumer(group) => Some(group.describe(config)),
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
        let offset = commit.to_committed(turn)?;
        let topic = self.offsets.topic_name(commit.topic);
        self.apply(GroupRecord::OffsetCommitted { topic, partition: commit.partition, offset }, turn);
        Ok(())
    }

    /// Checks who asks for offsets; members of classic groups need not say.
    pub(crate) fn validate_fetch(&self, member_id: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        match &self.members {
            Members::Classic(_) => Ok(()),
            Members::Consumer(group) => group.validate_fetch(member_id, epoch),
        }
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

    pub(super) fn apply(&mut self, record: GroupRecord, turn: &mut Turn<'_>) {
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
