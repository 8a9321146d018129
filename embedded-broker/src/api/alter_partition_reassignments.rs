//! AlterPartitionReassignments, versions 0 and 1: gives partitions other replicas.
//!
//! As Kafka: a partition keeps its old replicas until the new ones are in sync, and null has it go back; each partition is
//! answered by itself, and the answer does not wait for the move. Whether replicas may become more or fewer is asked from
//! version 1 on.

use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};

use super::answer::{failure, outcome};
use super::{Refusal, RequestContext};
use crate::cluster::{Asked, Move};
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
    let mut moved = reassign(cx, &request).into_iter();
    let responses = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().zip(&mut moved).map(|(asked, moved)| {
            let (code, text) = outcome(&moved);
            ReassignablePartitionResponse::default()
                .with_partition_index(asked.partition_index)
                .with_error_code(code)
                .with_error_message(text)
        });
        ReassignableTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
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

/// What is asked of one partition, with the nodes it shall be on.
type Wanted<'a> = (&'a ReassignableTopic, &'a ReassignablePartition, Option<Vec<i32>>);

fn wanted(request: &AlterPartitionReassignmentsRequest) -> Vec<Wanted<'_>> {
    let each = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |asked| (topic, asked)));
    let ids = |asked: &ReassignablePartition| Some(asked.replicas.as_ref()?.iter().map(|id| id.0).collect());
    each.map(|(topic, asked)| (topic, asked, ids(asked))).collect()
}

/// Has all partitions move that may; what becomes of each, in the order of the request.
fn reassign(cx: &RequestContext<'_>, request: &AlterPartitionReassignmentsRequest) -> Vec<Result<(), Error>> {
    let topics = cx.cluster.topics();
    let nodes = cx.cluster.node_ids();
    let may_grow = cx.version < 1 || request.allow_replication_factor_change;
    let wanted = wanted(request);
    let mut checked: Vec<_> = wanted.iter().map(|one| check(&topics, &nodes, one, may_grow)).collect();
    let good: Vec<Asked<'_>> = checked.iter_mut().filter_map(|one| one.as_mut().ok()?.take()).collect();
    let mut moved = cx.cluster.move_partitions(&good).into_iter();
    checked.into_iter().map(|one| one.and_then(|_| moved.next().unwrap_or(Ok(())))).collect()
}

fn check<'a>(
    topics: &'a Topics,
    nodes: &[i32],
    (topic, asked, target): &'a Wanted<'a>,
    may_grow: bool,
) -> Result<Option<Asked<'a>>, Error> {
    let unknown = |why: String| Error::with_code(ErrorCode::UnknownTopicOrPartition, why);
    let (name, index) = (&*topic.name, asked.partition_index);
    let topic = topics.by_name(name).ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
    let partition =
        topic.partition(index).ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?;
    let wish = match target {
        None => Move::Back,
        Some(target) => {
            placement::check_manual(nodes, target, None)?;
            let before = partition.assignment().len_at_the_end();
            if !may_grow && before != target.len() {
                let why = format!("The replication factor is changed from {before} to {}", target.len());
                return Err(Error::with_code(ErrorCode::InvalidReplicationFactor, why));
            }
            Move::To(target)
        }
    };
    Ok(Some(Asked { topic, index, partition, wish }))
}
