//! AlterPartitionReassignments, versions 0 and 1: gives partitions other replicas.
//!
//! As Kafka on one node: the only assignment there can be is the present one, which is complete at once; there is none
//! in progress that could be cancelled.
//! Left out: assignments to other nodes, as nothing is replicated yet.

use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};

use super::answer::{failure, outcome};
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::placement;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: AlterPartitionReassignmentsRequest,
) -> Result<AlterPartitionReassignmentsResponse, Refusal> {
    if let Err(denied) = cx.authorize(Operation::Alter, Resource::Cluster) {
        return Ok(refused(&request, &denied));
    }
    let topics = cx.cluster.topics();
    let nodes = cx.cluster.node_ids();
    let responses = request.topics.iter().map(|topic| reassign_all(&topics, &nodes, topic));
    // As Kafka: asking for nothing has an empty text, and anything else none.
    let text = request.topics.is_empty().then(StrBytes::default);
    let response =
        AlterPartitionReassignmentsResponse::default().with_error_message(text).with_responses(responses.collect());
    Ok(if cx.version >= 1 {
        response.with_allow_replication_factor_change(request.allow_replication_factor_change)
    } else {
        response
    })
}

fn refused(request: &AlterPartitionReassignmentsRequest, why: &Error) -> AlterPartitionReassignmentsResponse {
    let (code, text) = failure(why);
    let responses = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|asked| {
            ReassignablePartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code)
                .with_error_message(text.clone())
        });
        ReassignableTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    let responses = responses.collect();
    AlterPartitionReassignmentsResponse::default()
        .with_error_code(code)
        .with_error_message(text)
        .with_responses(responses)
}

fn reassign_all(topics: &Topics, nodes: &[i32], topic: &ReassignableTopic) -> ReassignableTopicResponse {
    let partitions = topic.partitions.iter().map(|asked| {
        let (code, text) = outcome(&reassign(topics, nodes, &topic.name, asked));
        ReassignablePartitionResponse::default()
            .with_partition_index(asked.partition_index)
            .with_error_code(code)
            .with_error_message(text)
    });
    ReassignableTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
}

fn reassign(topics: &Topics, nodes: &[i32], name: &str, asked: &ReassignablePartition) -> Result<(), Error> {
    let unknown = |why: String| Error::with_code(ErrorCode::UnknownTopicOrPartition, why);
    let topic = topics.by_name(name).ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
    let index = asked.partition_index;
    let partition =
        topic.partition(index).ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?;
    let Some(replicas) = &asked.replicas else {
        return Err(Error::with_code(ErrorCode::NoReassignmentInProgress, ""));
    };
    let replicas: Vec<i32> = replicas.iter().map(|id| id.0).collect();
    placement::check_manual(nodes, &replicas, None)?;
    if replicas == partition.leadership().replicas {
        return Ok(());
    }
    let why = "The embedded broker does not move replicas to other nodes.";
    Err(Error::with_code(ErrorCode::InvalidReplicaAssignment, why))
}
