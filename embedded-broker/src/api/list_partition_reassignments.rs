//! ListPartitionReassignments, version 0: the partitions that are on their way to other nodes.
//!
//! As Kafka: null asks for all of them; of those asked for by name, what is not there or does not move is left out.

use std::sync::Arc;

use kafka_protocol::messages::list_partition_reassignments_response::{
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use kafka_protocol::messages::{
    BrokerId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, TopicName,
};

use super::answer::outcome;
use super::{Refusal, RequestContext};
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::{Topic, Topics};

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: ListPartitionReassignmentsRequest,
) -> Result<ListPartitionReassignmentsResponse, Refusal> {
    let listed = cx.authorize(Operation::Describe, Resource::Cluster);
    let (code, text) = outcome(&listed);
    let response = ListPartitionReassignmentsResponse::default().with_error_code(code).with_error_message(text);
    Ok(if listed.is_ok() { response.with_topics(moving(&cx.cluster.topics(), &request)) } else { response })
}

fn moving(topics: &Topics, request: &ListPartitionReassignmentsRequest) -> Vec<OngoingTopicReassignment> {
    let asked: Vec<(&Arc<Topic>, Vec<i32>)> = match &request.topics {
        None => {
            topics.iter().map(|topic| (topic, (0..).zip(&topic.partitions).map(|(index, _)| index).collect())).collect()
        }
        Some(asked) => {
            let known = asked.iter().filter_map(|asked| Some((asked, topics.by_name(&asked.name)?)));
            known.map(|(asked, topic)| (topic, asked.partition_indexes.clone())).collect()
        }
    };
    let topics = asked.iter().map(|(topic, indexes)| {
        let partitions = indexes.iter().filter_map(|index| describe(topic, *index));
        let name = TopicName(StrBytes::from_string(topic.name.as_ref().to_owned()));
        OngoingTopicReassignment::default().with_name(name).with_partitions(partitions.collect())
    });
    topics.filter(|topic| !topic.partitions.is_empty()).collect()
}

fn describe(topic: &Topic, index: i32) -> Option<OngoingPartitionReassignment> {
    let assignment = topic.partition(index)?.assignment();
    let to_wire = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
    assignment.is_moving().then(|| {
        OngoingPartitionReassignment::default()
            .with_partition_index(index)
            .with_replicas(to_wire(&assignment.replicas))
            .with_adding_replicas(to_wire(&assignment.adding))
            .with_removing_replicas(to_wire(&assignment.removing))
    })
}
