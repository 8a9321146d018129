//! DescribeTopicPartitions, version 0: topics and their partitions, a page at a time.
//!
//! As Kafka: topics come by name; an empty list asks for all; a page ends at the limit of partitions, and its cursor is
//! where the next one begins; what the client may not describe is refused by name, at the end, and left out of all.

use std::collections::BTreeSet;

use kafka_protocol::messages::describe_topic_partitions_request::Cursor as From;
use kafka_protocol::messages::describe_topic_partitions_response::{
    Cursor, DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
};
use kafka_protocol::messages::{BrokerId, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, TopicName};

use super::{Refusal, RequestContext};
use crate::cluster::{Nodes, Picture};
use crate::error::ErrorCode;
use crate::internal_topics::is_internal;
use crate::partition::Leadership;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, check_name};

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeTopicPartitionsRequest,
) -> Result<DescribeTopicPartitionsResponse, Refusal> {
    if request.cursor.as_ref().is_some_and(|cursor| cursor.partition_index < 0) {
        return Err(Refusal::new("the cursor of a DescribeTopicPartitions request is before the first partition"));
    }
    let picture = cx.cluster.picture(cx.node_id);
    let all = request.topics.is_empty();
    let mut names: BTreeSet<String> = if all {
        picture.topics.iter().map(|topic| topic.name.as_ref().to_owned()).collect()
    } else {
        request.topics.iter().map(|topic| topic.name.to_string()).collect()
    };
    if let Some(cursor) = &request.cursor {
        names.retain(|name| name.as_str() >= cursor.topic_name.as_str());
    }
    let (names, denied): (BTreeSet<String>, BTreeSet<String>) =
        names.into_iter().partition(|name| cx.may(Operation::Describe, Resource::Topic(name)));
    let limit = request.response_partition_limit.clamp(1, cx.cluster.settings.described_partitions);
    let mut response = page(&picture, names, request.cursor.as_ref(), usize::try_from(limit).unwrap_or(1));
    for topic in &mut response.topics {
        let name = topic.name.as_ref().map_or("", |name| name.as_str());
        topic.topic_authorized_operations = cx.operations(Resource::Topic(name));
    }
    // As Kafka: whether those are there is not told, and of all topics they are left out.
    response.topics.extend(denied.into_iter().filter(|_| !all).map(|name| {
        DescribeTopicPartitionsResponseTopic::default()
            .with_error_code(ErrorCode::TopicAuthorizationFailed.code())
            .with_name(Some(TopicName(StrBytes::from_string(name))))
    }));
    Ok(response)
}

fn page(
    picture: &Picture,
    names: BTreeSet<String>,
    from: Option<&From>,
    mut remaining: usize,
) -> DescribeTopicPartitionsResponse {
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let wire_name = TopicName(StrBytes::from_string(name.clone()));
        if remaining == 0 {
            return response.with_next_cursor(Some(Cursor::default().with_topic_name(wire_name)));
        }
        let Some(topic) = picture.topics.by_name(&name) else {
            let code = check_name(&name).err().and_then(|error| error.code());
            response.topics.push(
                DescribeTopicPartitionsResponseTopic::default()
                    .with_error_code(code.unwrap_or(ErrorCode::UnknownTopicOrPartition).code())
                    .with_name(Some(wire_name)),
            );
            continue;
        };
        let first = from.filter(|cursor| cursor.topic_name.as_str() == name).map_or(0, |cursor| cursor.partition_index);
        let first = usize::try_from(first).unwrap_or(0).min(topic.partitions.len());
        let end = topic.partitions.len().min(first + remaining);
        response.topics.push(describe(picture, topic, first, end));
        remaining -= end - first;
        if end < topic.partitions.len() {
            let index = i32::try_from(end).unwrap_or(i32::MAX);
            return response
                .with_next_cursor(Some(Cursor::default().with_topic_name(wire_name).with_partition_index(index)));
        }
    }
    response
}

fn describe(picture: &Picture, topic: &Topic, first: usize, end: usize) -> DescribeTopicPartitionsResponseTopic {
    let partitions = picture.partitions(topic).take(end).skip(first);
    DescribeTopicPartitionsResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_string(topic.name.as_ref().to_owned()))))
        .with_topic_id(topic.id)
        .with_is_internal(is_internal(&topic.name))
        .with_partitions(
            partitions.map(|(index, leadership)| describe_partition(&picture.nodes, index, &leadership)).collect(),
        )
}

fn describe_partition(nodes: &Nodes, index: i32, leadership: &Leadership) -> DescribeTopicPartitionsResponsePartition {
    let to_wire = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
    DescribeTopicPartitionsResponsePartition::default()
        .with_partition_index(index)
        .with_leader_id(BrokerId(leadership.leader))
        .with_leader_epoch(leadership.leader_epoch)
        .with_isr_nodes(to_wire(&leadership.in_sync))
        .with_replica_nodes(to_wire(&leadership.replicas))
        .with_eligible_leader_replicas(Some(to_wire(&leadership.eligible)))
        .with_last_known_elr(Some(to_wire(leadership.last_leader.as_slice())))
        .with_offline_replicas(to_wire(&nodes.offline_among(&leadership.replicas)))
}
