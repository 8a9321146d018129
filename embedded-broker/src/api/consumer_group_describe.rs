//! ConsumerGroupDescribe, versions 0 and 1: the members of consumer groups, what they have and what they shall have.
//!
//! A group of the classic protocol is GROUP_ID_NOT_FOUND, by which Kafka's tools know to ask DescribeGroups. Version 1 adds
//! the type of each member. Different from Kafka: what there is no [`Room`] for is INVALID_REQUEST.

use kafka_protocol::messages::consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
use kafka_protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, GroupId, TopicName};

use super::convert::to_wire;
use super::room::Room;
use super::{Refusal, RequestContext};
use crate::coordinator::group::consumer::{ConsumerGroupDescription, ConsumerMemberDescription, ConsumerState};
use crate::coordinator::group::state::GroupState;
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

/// A member that speaks the classic protocol in a consumer group.
const CLASSIC: i8 = 0;
/// A member that speaks the consumer protocol itself.
const CONSUMER: i8 = 1;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: ConsumerGroupDescribeRequest,
) -> Result<ConsumerGroupDescribeResponse, Refusal> {
    let topics = cx.cluster.topics();
    let told = request.include_authorized_operations;
    let mut room = Room::new();
    let groups = request.group_ids.into_iter().map(|group_id| {
        if !cx.serves_consumer_groups() {
            let code = ErrorCode::UnsupportedVersion.code();
            return DescribedGroup::default().with_group_id(group_id).with_error_code(code).with_error_message(None);
        }
        let may_be_told = room.check().and_then(|()| cx.require(Operation::Describe, Resource::Group(&group_id)));
        if let Err(denied) = may_be_told {
            let group = DescribedGroup::default().with_group_id(group_id).with_error_code(denied.code());
            return group.with_error_message(None);
        }
        let operations = if told { cx.operations(Resource::Group(&group_id)) } else { i32::MIN };
        if group_id.is_empty() {
            return DescribedGroup::default().with_error_code(ErrorCode::InvalidGroupId.code());
        }
        let cell = match cx.find_existing_group(&group_id) {
            Ok(Some(cell)) => cell,
            Ok(None) => return missing(group_id, "not found"),
            Err(error) => {
                let group = DescribedGroup::default().with_group_id(group_id).with_error_code(error.code());
                return group.with_error_message(None);
            }
        };
        match cell.turn(cx.cluster, |group, turn| group.describe_consumer(turn.config)) {
            Some(group) if group.state == ConsumerState::Dead => missing(group_id, "not found"),
            Some(group) => {
                let described = describe(cx.version, group_id, &group, &topics).with_authorized_operations(operations);
                room.take(described.members.iter().map(elements).sum(), 0);
                if may_see_topics(cx, &described) { described } else { hidden(described) }
            }
            None => missing(group_id, "is not a consumer group"),
        }
    });
    Ok(ConsumerGroupDescribeResponse::default().with_groups(groups.collect()))
}

/// What a member tells: itself, its topics, and what it has and shall have.
fn elements(member: &Member) -> usize {
    let assignments = [&member.assignment, &member.target_assignment];
    let topics = assignments.iter().flat_map(|assignment| &assignment.topic_partitions);
    1 + member.subscribed_topic_names.len() + topics.map(|topic| 1 + topic.partitions.len() / 16).sum::<usize>()
}

fn may_see_topics(cx: &RequestContext<'_>, group: &DescribedGroup) -> bool {
    let assignments = group.members.iter().flat_map(|member| [&member.assignment, &member.target_assignment]);
    let mut topics = assignments.flat_map(|assignment| &assignment.topic_partitions);
    topics.all(|topic| cx.may(Operation::Describe, Resource::Topic(&topic.topic_name)))
}

/// What is told of a group with topics that the client may not describe.
fn hidden(group: DescribedGroup) -> DescribedGroup {
    let why = "The group has described topic(s) that the client is not authorized to describe.";
    DescribedGroup::default()
        .with_group_id(group.group_id)
        .with_error_code(ErrorCode::TopicAuthorizationFailed.code())
        .with_error_message(Some(StrBytes::from_static_str(why)))
}

fn missing(group_id: GroupId, why: &str) -> DescribedGroup {
    let message = format!("Group {} {why}.", group_id.as_str());
    DescribedGroup::default()
        .with_group_id(group_id)
        .with_error_code(ErrorCode::GroupIdNotFound.code())
        .with_error_message(Some(StrBytes::from_string(message)))
}

fn describe(version: i16, group_id: GroupId, group: &ConsumerGroupDescription, topics: &Topics) -> DescribedGroup {
    DescribedGroup::default()
        .with_group_id(group_id)
        .with_group_state(GroupState::from(group.state).name().into())
        .with_group_epoch(group.epoch)
        .with_assignment_epoch(group.assignment_epoch)
        .with_assignor_name(group.assignor.into())
        .with_members(group.members.iter().map(|member| describe_member(version, member, topics)).collect())
}

fn describe_member(version: i16, described: &ConsumerMemberDescription, topics: &Topics) -> Member {
    let member = &described.member;
    let names = member.subscription.names.iter().map(|name| TopicName(to_wire(name)));
    Member::default()
        .with_member_id(to_wire(&member.id))
        .with_instance_id(member.instance_id.as_ref().map(to_wire))
        .with_rack_id(member.rack_id.as_ref().map(to_wire))
        .with_member_epoch(member.epoch)
        .with_client_id(to_wire(&member.client_id))
        .with_client_host(to_wire(&member.client_host))
        .with_subscribed_topic_names(names.collect())
        .with_subscribed_topic_regex(Some(member.subscription.regex.as_ref().map(to_wire).unwrap_or_default()))
        .with_assignment(assignment(&member.assigned, topics))
        .with_target_assignment(assignment(&described.target, topics))
        .with_member_type(match &member.classic {
            _ if version < 1 => -1,
            Some(_) => CLASSIC,
            None => CONSUMER,
        })
}

/// The partitions of topics that still exist.
fn assignment(partitions: &crate::coordinator::group::consumer::TopicPartitions, topics: &Topics) -> Assignment {
    let mut by_topic: Vec<TopicPartitions> = Vec::new();
    for &(id, partition) in partitions {
        let Some(topic) = topics.by_id(id) else { continue };
        match by_topic.last_mut() {
            Some(last) if last.topic_id == id => last.partitions.push(partition),
            _ => by_topic.push(
                TopicPartitions::default()
                    .with_topic_id(id)
                    .with_topic_name(TopicName(to_wire(&topic.name)))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    Assignment::default().with_topic_partitions(by_topic)
}
