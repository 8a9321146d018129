//! A consumer group as a test looks at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::cluster::Cluster;
use crate::coordinator::group::Group;
use crate::coordinator::group::classic::MemberDescription;
use crate::coordinator::group::consumer::ConsumerMember;
use crate::coordinator::group::consumer_protocol::assigned_partitions;
use crate::coordinator::group::offsets::CommittedOffset;
use crate::coordinator::group::state::GroupState;
use crate::topic::Topics;

/// A consumer group of an [`EmbeddedBroker`](crate::EmbeddedBroker), looked at from inside: each call shows the moment.
///
/// ```
/// use embedded_broker::{EmbeddedBroker, GroupState};
///
/// let broker = EmbeddedBroker::builder().topic("orders", 3).start()?;
/// let billing = broker.group("billing");
/// assert!(billing.committed().is_empty());
/// assert_eq!(billing.state(), GroupState::Dead); // nobody has asked for it yet
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct ConsumerGroup<'a> {
    cluster: &'a Arc<Cluster>,
    id: String,
}

/// A committed offset with what was said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OffsetAndMetadata {
    /// The offset of the next record to read.
    pub offset: i64,
    /// The leader epoch of the record before it, if the committer knew it.
    pub leader_epoch: Option<i32>,
    /// The committer's note; empty when there was none.
    pub metadata: String,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// What the coordinator calls it.
    pub member_id: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// `client.id`.
    pub client_id: String,
    /// Where it connected from.
    pub client_host: String,
    /// Topic and partition of everything it was assigned, in the leader's order; of a classic group, empty unless it is stable.
    pub assignment: Vec<(String, i32)>,
}

impl<'a> ConsumerGroup<'a> {
    pub(crate) fn new(cluster: &'a Arc<Cluster>, id: String) -> Self {
        Self { cluster, id }
    }

    /// Everything the group has committed, by topic and partition.
    #[must_use]
    pub fn committed(&self) -> BTreeMap<(String, i32), OffsetAndMetadata> {
        self.look(committed).unwrap_or_default()
    }

    /// Where the group is between two generations; [`GroupState::Dead`] when there is no such group.
    #[must_use]
    pub fn state(&self) -> GroupState {
        self.look(|group| group.state()).unwrap_or(GroupState::Dead)
    }

    /// Who is in the group, by member id.
    #[must_use]
    pub fn members(&self) -> Vec<GroupMember> {
        let topics = self.cluster.topics();
        self.look(|group| members(group, &topics)).unwrap_or_default()
    }

    fn look<R>(&self, look: impl FnOnce(&Group) -> R) -> Option<R> {
        let cell = self.cluster.groups.find(&self.id)?;
        Some(cell.turn(self.cluster, |group, _| look(group)))
    }
}

fn members(group: &Group, topics: &Topics) -> Vec<GroupMember> {
    if let Some(classic) = group.describe_classic() {
        return classic.members.iter().map(GroupMember::from).collect();
    }
    let consumer = group.describe_consumer().map(|consumer| consumer.members).unwrap_or_default();
    consumer.iter().map(|member| consumer_member(&member.member, topics)).collect()
}

fn consumer_member(member: &ConsumerMember, topics: &Topics) -> GroupMember {
    let named = |&(id, partition): &(Uuid, i32)| topics.by_id(id).map(|topic| (topic.name.to_string(), partition));
    let mut assignment: Vec<_> = member.assigned.iter().filter_map(named).collect();
    assignment.sort();
    GroupMember {
        member_id: member.id.to_string(),
        instance_id: member.instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        assignment,
    }
}

fn committed(group: &Group) -> BTreeMap<(String, i32), OffsetAndMetadata> {
    let all = group.offsets.topics().flat_map(|(topic, partitions)| {
        partitions.iter().map(|(&partition, offset)| ((topic.to_string(), partition), offset.into()))
    });
    all.collect()
}

impl From<&CommittedOffset> for OffsetAndMetadata {
    fn from(committed: &CommittedOffset) -> Self {
        Self {
            offset: committed.offset,
            leader_epoch: (committed.leader_epoch >= 0).then_some(committed.leader_epoch),
            metadata: committed.metadata.to_string(),
        }
    }
}

impl From<&MemberDescription> for GroupMember {
    fn from(member: &MemberDescription) -> Self {
        Self {
            member_id: member.member_id.to_string(),
            instance_id: member.instance_id.as_ref().map(ToString::to_string),
            client_id: member.client_id.to_string(),
            client_host: member.client_host.to_string(),
            assignment: assigned_partitions(&member.assignment).unwrap_or_default(),
        }
    }
}
