//! OffsetCommit, versions 2 to 9: a group's progress.
//!
//! Version 6 adds the leader epoch, 7 static members; 9 belongs to the new consumer protocol, and with it an unknown
//! group is GROUP_ID_NOT_FOUND instead of ILLEGAL_GENERATION. A retention time (until 4) takes the place of
//! `offsets.retention.minutes` for the offsets it comes with. A commit without member and generation makes the group if
//! there is none.

use std::sync::Arc;
use std::time::Duration;

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};

use super::convert::code;
use super::{Refusal, RequestContext};
use crate::coordinator::group::OffsetToCommit;
use crate::coordinator::group::classic::Identity;
use crate::error::ErrorCode;
use crate::groups::GroupCell;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: OffsetCommitRequest) -> Result<OffsetCommitResponse, Refusal> {
    let mut results = commit(cx, &request).into_iter();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().zip(results.by_ref().take(topic.partitions.len()));
        let partitions = partitions.map(|(partition, result)| {
            let index = partition.partition_index;
            OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code(&result))
        });
        OffsetCommitResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions.collect())
    });
    Ok(OffsetCommitResponse::default().with_topics(topics.collect()))
}

/// One result for each partition, in the order asked.
fn commit(cx: &RequestContext<'_>, request: &OffsetCommitRequest) -> Vec<Result<(), ErrorCode>> {
    if let Err(denied) = cx.require(Operation::Read, Resource::Group(&request.group_id)) {
        return request.topics.iter().flat_map(|topic| &topic.partitions).map(|_| Err(denied)).collect();
    }
    let topics = cx.cluster.topics();
    let known = |topic: &OffsetCommitRequestTopic| {
        topic.partitions.iter().any(|p| find(cx, &topics, &topic.name, p.partition_index).is_ok())
    };
    // A group is not made for topics that do not exist.
    let group =
        if request.topics.iter().any(known) { group_of(cx, request) } else { Err(ErrorCode::UnknownTopicOrPartition) };
    match group {
        Err(error) => for_each_known(cx, &topics, request, |_| Err(error)),
        Ok(cell) => cell.turn(cx.cluster, |group, turn| {
            // Read while the group is locked: a topic that goes after this takes the offset along.
            let topics = cx.cluster.topics();
            let identity = Identity {
                member_id: &request.member_id,
                instance_id: request.group_instance_id.as_deref(),
                generation: request.generation_id_or_member_epoch,
            };
            let allowed = group.validate_commit(identity, cx.version, turn);
            for_each_known(cx, &topics, request, |offset| allowed.and_then(|()| group.commit_offset(offset, turn)))
        }),
    }
}

fn group_of(cx: &RequestContext<'_>, request: &OffsetCommitRequest) -> Result<Arc<GroupCell>, ErrorCode> {
    match cx.find_group(&request.group_id)? {
        Some(cell) => Ok(cell),
        None if request.generation_id_or_member_epoch < 0 => cx.find_or_create_group(&request.group_id),
        None if cx.version >= 9 => Err(ErrorCode::GroupIdNotFound),
        None => Err(ErrorCode::IllegalGeneration),
    }
}

fn for_each_known(
    cx: &RequestContext<'_>,
    topics: &Topics,
    request: &OffsetCommitRequest,
    mut commit: impl FnMut(&OffsetToCommit<'_>) -> Result<(), ErrorCode>,
) -> Vec<Result<(), ErrorCode>> {
    let partitions = request.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (&*topic.name, p)));
    let retention = u64::try_from(request.retention_time_ms).ok().map(Duration::from_millis);
    let results = partitions.map(|(topic, partition)| {
        find(cx, topics, topic, partition.partition_index)?;
        commit(&read(topic, partition, retention))
    });
    results.collect()
}

fn read<'a>(
    topic: &'a str,
    partition: &'a OffsetCommitRequestPartition,
    retention: Option<Duration>,
) -> OffsetToCommit<'a> {
    OffsetToCommit {
        topic,
        partition: partition.partition_index,
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.as_deref().unwrap_or_default(),
        retention,
    }
}

/// Whether there is such a partition, for a client that may read it.
pub(super) fn find(cx: &RequestContext<'_>, topics: &Topics, topic: &str, partition: i32) -> Result<(), ErrorCode> {
    cx.require(Operation::Read, Resource::Topic(topic))?;
    if exists(topics, topic, partition) { Ok(()) } else { Err(ErrorCode::UnknownTopicOrPartition) }
}

pub(super) fn exists(topics: &Topics, topic: &str, partition: i32) -> bool {
    topics.by_name(topic).is_some_and(|topic| topic.partition(partition).is_some())
}
