//! What a coordinator knows of a group: its state, its members and what each of them reads.

use std::collections::BTreeSet;

use kafka_protocol::{
    messages::{
        ConsumerGroupDescribeRequest, DescribeGroupsRequest, GroupId,
        consumer_group_describe_response::{self as next, Assignment},
        describe_groups_response as classic,
    },
    protocol::StrBytes,
};

use super::{GroupState, GroupType, assignment};
use crate::wire::{Cluster, KafkaError, Node, Target, TopicPartition, WireError};

const UNSUPPORTED_VERSION: i16 = 35;
const GROUP_ID_NOT_FOUND: i16 = 69;

/// The type of protocol of groups of consumers.
const CONSUMER: &str = "consumer";

/// A group, as its coordinator describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupDescription {
    pub(crate) group: String,
    pub(crate) kind: GroupType,
    pub(crate) state: GroupState,
    pub(crate) coordinator: Node,
    /// Empty for a group without members.
    pub(crate) assignor: String,
    /// Epochs are of the newer protocol only.
    pub(crate) group_epoch: Option<i32>,
    pub(crate) target_assignment_epoch: Option<i32>,
    pub(crate) members: Vec<GroupMember>,
}

/// A member of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GroupMember {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    /// As `/127.0.0.1`.
    pub(crate) host: String,
    /// What it reads.
    pub(crate) assignment: BTreeSet<TopicPartition>,
    /// What it is to read once all members have let go of what they lose; not known of a classic group.
    pub(crate) target_assignment: Option<BTreeSet<TopicPartition>>,
    pub(crate) epoch: Option<i32>,
    /// Whether it speaks the newer protocol; not known of a classic group, nor from an older broker.
    pub(crate) is_upgraded: Option<bool>,
}

/// How the newer request was answered.
enum Asked {
    Described(GroupDescription),
    /// It is no group of the newer protocol, for which the broker may have words.
    IsClassic(Option<StrBytes>),
}

impl Cluster {
    /// Describes a group of consumers of either protocol.
    ///
    /// # Errors
    /// There is no such group, it may not be seen, or the coordinator does not answer in time.
    pub(crate) async fn describe_group(&self, group: &str) -> Result<GroupDescription, WireError> {
        self.retrying("describeConsumerGroups", async || {
            let coordinator = self.group_coordinator(group).await?;
            // As Java clients ask: the newer protocol first. It is that answer which has words for a missing group.
            match self.describe_consumer_group(group, &coordinator).await? {
                Asked::Described(description) => Ok(description),
                Asked::IsClassic(words) => self.describe_classic_group(group, coordinator, words).await,
            }
        })
        .await
    }

    async fn describe_consumer_group(&self, group: &str, coordinator: &Node) -> Result<Asked, WireError> {
        let request = |_| ConsumerGroupDescribeRequest::default().with_group_ids(vec![group_id(group)]);
        let answer = match self.send(Target::Node(coordinator.id), request).await {
            Err(WireError::Unsupported { .. }) => return Ok(Asked::IsClassic(None)),
            answer => answer?,
        };
        let Some(described) = answer.groups.into_iter().next() else {
            return Err(nothing_described(coordinator));
        };
        match described.error_code {
            UNSUPPORTED_VERSION | GROUP_ID_NOT_FOUND => return Ok(Asked::IsClassic(described.error_message)),
            code => KafkaError::check(code, described.error_message.as_ref())?,
        }
        Ok(Asked::Described(of_consumer_protocol(&described, coordinator.clone())))
    }

    async fn describe_classic_group(
        &self,
        group: &str,
        coordinator: Node,
        words: Option<StrBytes>,
    ) -> Result<GroupDescription, WireError> {
        let request = |_| DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
        let answer = self.send(Target::Node(coordinator.id), request).await?;
        let Some(described) = answer.groups.first() else { return Err(nothing_described(&coordinator)) };
        let words = if described.error_code == GROUP_ID_NOT_FOUND { words } else { None };
        KafkaError::check(described.error_code, words.as_ref().or(described.error_message.as_ref()))?;
        let protocol = described.protocol_type.as_str();
        if !protocol.is_empty() && protocol != CONSUMER {
            return Err(WireError::Illegal(format!("GroupId {group} is not a consumer group ({protocol}).")));
        }
        Ok(of_classic_protocol(described, coordinator))
    }
}

fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}

fn nothing_described(coordinator: &Node) -> WireError {
    let node = format!("{}:{}", coordinator.host, coordinator.port);
    WireError::Broken { node, problem: "sent no description of the group".to_owned() }
}

fn of_consumer_protocol(described: &next::DescribedGroup, coordinator: Node) -> GroupDescription {
    let member = |member: &next::Member| GroupMember {
        id: member.member_id.as_str().to_owned(),
        instance_id: member.instance_id.as_ref().map(|id| id.as_str().to_owned()),
        client_id: member.client_id.as_str().to_owned(),
        host: member.client_host.as_str().to_owned(),
        assignment: assigned(&member.assignment),
        target_assignment: Some(assigned(&member.target_assignment)),
        epoch: Some(member.member_epoch),
        is_upgraded: (member.member_type >= 0).then_some(member.member_type == 1),
    };
    GroupDescription {
        group: described.group_id.as_str().to_owned(),
        kind: GroupType::Consumer,
        state: GroupState::named(&described.group_state),
        coordinator,
        assignor: described.assignor_name.as_str().to_owned(),
        group_epoch: Some(described.group_epoch),
        target_assignment_epoch: Some(described.assignment_epoch),
        members: described.members.iter().map(member).collect(),
    }
}

fn assigned(assignment: &Assignment) -> BTreeSet<TopicPartition> {
    let mut assigned = BTreeSet::new();
    for topic in &assignment.topic_partitions {
        assigned.extend(topic.partitions.iter().map(|&partition| (topic.topic_name.as_str().to_owned(), partition)));
    }
    assigned
}

fn of_classic_protocol(described: &classic::DescribedGroup, coordinator: Node) -> GroupDescription {
    let member = |member: &classic::DescribedGroupMember| GroupMember {
        id: member.member_id.as_str().to_owned(),
        instance_id: member.group_instance_id.as_ref().map(|id| id.as_str().to_owned()),
        client_id: member.client_id.as_str().to_owned(),
        host: member.client_host.as_str().to_owned(),
        // Brokers carry it unread, so it may be anything: then nothing is assigned.
        assignment: assignment::decode(&member.member_assignment).unwrap_or_default(),
        ..GroupMember::default()
    };
    GroupDescription {
        group: described.group_id.as_str().to_owned(),
        kind: GroupType::Classic,
        state: GroupState::named(&described.group_state),
        coordinator,
        assignor: described.protocol_data.as_str().to_owned(),
        group_epoch: None,
        target_assignment_epoch: None,
        members: described.members.iter().map(member).collect(),
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TopicName;

    use super::*;

    fn coordinator() -> Node {
        Node { id: 1, host: "localhost".to_owned(), port: 9092, rack: None }
    }

    #[test]
    fn a_member_of_the_newer_protocol_has_a_target() {
        let topic = next::TopicPartitions::default()
            .with_topic_name(TopicName(StrBytes::from_static_str("shop")))
            .with_partitions(vec![2, 0]);
        let assignment = Assignment::default().with_topic_partitions(vec![topic]);
        let member = next::Member::default().with_assignment(assignment).with_member_epoch(3).with_member_type(1);
        let group = next::DescribedGroup::default().with_members(vec![member]).with_group_epoch(4);
        let described = of_consumer_protocol(&group, coordinator());
        let member = &described.members[0];
        assert_eq!(described.group_epoch, Some(4));
        assert_eq!(member.assignment, BTreeSet::from([("shop".to_owned(), 0), ("shop".to_owned(), 2)]));
        assert_eq!(member.target_assignment, Some(BTreeSet::new()));
        assert_eq!((member.epoch, member.is_upgraded), (Some(3), Some(true)));
    }

    #[test]
    fn a_member_whose_assignment_cannot_be_read_has_none() {
        let member = classic::DescribedGroupMember::default().with_member_assignment(vec![1, 2, 3].into());
        let group = classic::DescribedGroup::default().with_members(vec![member]);
        let described = of_classic_protocol(&group, coordinator());
        assert_eq!(described.members[0].assignment, BTreeSet::new());
        assert_eq!(described.members[0].target_assignment, None);
    }
}
