//! A consumer group as a test looks at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::await_stable::AwaitStable;
use crate::cluster::Cluster;
use crate::coordinator::CoordinatorKind;
use crate::coordinator::group::Group;
use crate::coordinator::group::classic::MemberDescription;
use crate::coordinator::group::config::GroupConfig;
use crate::coordinator::group::consumer::{Assignment, ConsumerMember};
use crate::coordinator::group::consumer_protocol::assigned_partitions;
use crate::coordinator::group::offsets::CommittedOffset;
use crate::coordinator::group::state::GroupState;
use crate::coordinator::group::turn::Turn;
use crate::error::Error;
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
        // What a producer was told to be committed with its transaction is committed here.
        self.cluster.transactions.settle(self.cluster);
        self.turn(|group, _| committed(group)).unwrap_or_default()
    }

    /// What the group has committed for one partition: the offset of the next record to read.
    #[must_use]
    pub fn committed_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        self.committed().get(&(topic.to_owned(), partition)).map(|committed| committed.offset)
    }

    /// Where the group is between two generations; [`GroupState::Dead`] when there is no such group.
    #[must_use]
    pub fn state(&self) -> GroupState {
        self.turn(|group, _| state(group)).unwrap_or(GroupState::Dead)
    }

    /// Who is in the group, by member id.
    #[must_use]
    pub fn members(&self) -> Vec<GroupMember> {
        let topics = self.cluster.topics();
        self.turn(|group, turn| members(group, &topics, turn.config)).unwrap_or_default()
    }

    /// The node that coordinates the group: the leader of its partition of `__consumer_offsets`. `None` while nobody leads it,
    /// and before a client has asked for a coordinator of any group, which is when Kafka makes that topic.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// assert_eq!(broker.group("billing").coordinator(), None);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use]
    pub fn coordinator(&self) -> Option<i32> {
        self.cluster.coordinator_of(CoordinatorKind::Groups, &self.id)
    }

    /// Has another node coordinate the group, and whatever else belongs to the same partition of `__consumer_offsets`: its leader
    /// moves there. Who waits for an answer is told `NOT_COORDINATOR`, and members go on at the new one.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// broker.group("billing").move_coordinator(3)?;
    /// assert_eq!(broker.group("billing").coordinator(), Some(3));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The node has no replica of the partition that is in sync and may lead.
    pub fn move_coordinator(&self, node: i32) -> Result<(), Error> {
        self.cluster.move_coordinator(CoordinatorKind::Groups, &self.id, node)
    }

    /// Waits until the group is stable with exactly so many members, and gives them; with none, until it is empty.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// # use std::time::Duration;
    /// let broker = EmbeddedBroker::builder().start()?;
    /// let alone = broker.group("billing").await_stable(1).within(Duration::from_millis(1)).wait();
    /// assert!(alone.unwrap_err().to_string().contains("it is Dead with 0"));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn await_stable(&self, members: usize) -> AwaitStable {
        AwaitStable::new(self.cluster, &self.id, members)
    }

    /// Takes a member out, as an administrator would: the others get its partitions, and it learns of it with its next
    /// request. Whether it was there.
    #[must_use = "the member may not have been there"]
    pub fn evict(&self, member_id: &str) -> bool {
        self.turn(|group, turn| group.evict(member_id, turn)).unwrap_or(false)
    }

    /// Lets the members assign their partitions anew: those of the classic protocol are asked to join again, those of the
    /// consumer protocol get a new epoch. Whether there are any.
    #[must_use = "the group may have no members"]
    pub fn rebalance_now(&self) -> bool {
        self.turn(|group, turn| group.rebalance(turn)).unwrap_or(false)
    }

    /// Has the members of a group of the consumer protocol (KIP-848) own exactly these partitions, by member id, in place of
    /// what the assignor says, until the group changes again. Whether it is such a group and has members; topics that are not
    /// there are left out.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("orders", 2).start()?;
    /// let assigned = broker.group("billing").assign([("member-1", vec![("orders", 0), ("orders", 1)])]);
    /// assert!(!assigned, "nobody is in the group");
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use = "the group may have no members"]
    pub fn assign<'t>(&self, target: impl IntoIterator<Item = (&'t str, Vec<(&'t str, i32)>)>) -> bool {
        let topics = self.cluster.topics();
        let known = |(topic, partition): (&str, i32)| Some((topics.by_name(topic)?.id, partition));
        let of_member = |(member, partitions): (&str, Vec<_>)| {
            (Arc::from(member), partitions.into_iter().filter_map(known).collect())
        };
        let target: Assignment = target.into_iter().map(of_member).collect();
        self.turn(|group, turn| group.assign(&target, turn)).unwrap_or(false)
    }

    fn turn<R>(&self, call: impl FnOnce(&mut Group, &mut Turn<'_>) -> R) -> Option<R> {
        Some(self.cluster.groups.find(&self.id)?.turn(self.cluster, call))
    }
}

/// A group that was only asked for is not there.
fn state(group: &Group) -> GroupState {
    if group.exists() { group.state() } else { GroupState::Dead }
}

/// State and members of a group, as they are at one moment; nothing that is due is done.
pub(super) fn look_at(cluster: &Cluster, group_id: &str) -> (GroupState, Vec<GroupMember>) {
    let Some(cell) = cluster.groups.find(group_id) else { return (GroupState::Dead, Vec::new()) };
    let topics = cluster.topics();
    cell.look(|group| (state(group), members(group, &topics, &cluster.settings.group)))
}

fn members(group: &Group, topics: &Topics, config: &GroupConfig) -> Vec<GroupMember> {
    if let Some(classic) = group.describe_classic() {
        return classic.members.iter().map(GroupMember::from).collect();
    }
    let consumer = group.describe_consumer(config).map(|consumer| consumer.members).unwrap_or_default();
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
            assignment: assigned_partitions(&member.assignment)
                .unwrap_or_default()
                .into_iter()
                .map(|(topic, partition)| (topic.to_string(), partition))
                .collect(),
        }
    }
}
