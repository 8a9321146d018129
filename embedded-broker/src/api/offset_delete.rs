//! OffsetDelete, version 0: forgets committed offsets of a group, topic by topic.
//!
//! A topic that a live member is subscribed to keeps them (GROUP_SUBSCRIBED_TO_TOPIC).

use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::convert::code;
use super::offset_commit::find;
use super::{Refusal, RequestContext};
use crate::coordinator::group::Group;
use crate::coordinator::group::turn::Turn;
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: OffsetDeleteRequest) -> Result<OffsetDeleteResponse, Refusal> {
    if let Err(denied) = cx.require(Operation::Delete, Resource::Group(&request.group_id)) {
        return Ok(OffsetDeleteResponse::default().with_error_code(denied.code()));
    }
    let topics = cx.cluster.topics();
    if request.group_id.is_empty() {
        return Ok(OffsetDeleteResponse::default().with_error_code(ErrorCode::InvalidGroupId.code()));
    }
    let deleted = cx.find_group(&request.group_id).and_then(|found| {
        let cell = found.ok_or(ErrorCode::GroupIdNotFound)?;
        cell.turn(cx.cluster, |group, turn| delete(cx, group, &request, &topics, turn))
    });
    let response = match deleted {
        Ok(topics) => OffsetDeleteResponse::default().with_topics(topics),
        Err(error) => OffsetDeleteResponse::default().with_error_code(error.code()),
    };
    Ok(response)
}

fn delete(
    cx: &RequestContext<'_>,
    group: &mut Group,
    request: &OffsetDeleteRequest,
    topics: &Topics,
    turn: &mut Turn<'_>,
) -> Result<Vec<OffsetDeleteResponseTopic>, ErrorCode> {
    group.validate_offset_delete()?;
    let deleted = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let index = partition.partition_index;
            let found = find(cx, topics, &topic.name, index);
            let result = found.and_then(|()| group.delete_offset(&topic.name, index, turn));
            OffsetDeleteResponsePartition::default().with_partition_index(index).with_error_code(code(&result))
        });
        let partitions = partitions.collect();
        OffsetDeleteResponseTopic::default().with_name(topic.name.clone()).with_partitions(partitions)
    });
    Ok(deleted.collect())
}
