//! OffsetCommit, versions 2 to 9: a group's progress.
//!
//! Version 6 adds the leader epoch, 7 static members; 9 belongs to the new consumer protocol, and with it an unknown group
//! is GROUP_ID_NOT_FOUND instead of ILLEGAL_GENERATION. Retention times (until 4) are taken and have no effect, as in
//! Kafka since 2.1. A commit without member and generation makes the group if there is none.

use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestTopic;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::convert::code;
use super::{Refusal, RequestContext};
use crate::coordinator::group::OffsetToCommit;
use crate::coordinator::group::classic::Identity;
use crate::error::ErrorCode;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: OffsetCommitRequest) -> Result<OffsetCommitResponse, Refusal> {
    let topics = cx.cluster.topics();
    let known: Vec<_> = request.topics.iter().flat_map(|topic| offsets_of(topic, &topics)).collect();
    let mut results = match commit(cx, &request, &known) {
        Ok(results) => results,
        Err(error) => vec![Err(error); known.len()],
    }
    .into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let index = partition.partition_index;
            let known = exists(&topics, &topic.name, index);
            let result = if known { results.next() } else { None };
            let result = result.unwrap_or(Err(ErrorCode::UnknownTopicOrPartition));
            OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code(&result))
        });
        OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    Ok(OffsetCommitResponse::default().with_topics(topics.collect()))
}

fn commit(
    cx: &RequestContext<'_>,
    request: &OffsetCommitRequest,
    offsets: &[OffsetToCommit<'_>],
) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
    let generation = request.generation_id_or_member_epoch;
    let groups = &cx.cluster.groups;
    let cell = match groups.find(&request.group_id) {
        Some(cell) => cell,
        None if generation < 0 => groups.find_or_create(&request.group_id),
        None if cx.version >= 9 => return Err(ErrorCode::GroupIdNotFound),
        None => return Err(ErrorCode::IllegalGeneration),
    };
    let identity =
        Identity { member_id: &request.member_id, instance_id: request.group_instance_id.as_deref(), generation };
    cell.turn(cx.cluster, |group, turn| group.commit_offsets(identity, offsets, turn))
}

fn offsets_of<'a>(topic: &'a OffsetCommitRequestTopic, topics: &'a Topics) -> impl Iterator<Item = OffsetToCommit<'a>> {
    let known = topic.partitions.iter().filter(|partition| exists(topics, &topic.name, partition.partition_index));
    known.map(|partition| OffsetToCommit {
        topic: &topic.name,
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_deref().unwrap_or_default(),
    })
}

pub(super) fn exists(topics: &Topics, topic: &str, partition: i32) -> bool {
    topics.by_name(topic).is_some_and(|topic| topic.partition(partition).is_some())
}
