//! OffsetFetch, versions 1 to 9: what a group has committed.
//!
//! From version 2 null topics ask for everything; from 8 many groups are asked at once, each with its own error; from 9 a
//! member of a consumer group says who it is and is refused when its epoch is not the group's. A
//! partition without a commit, of a group or topic that may not exist, is offset -1 and no error. With `require_stable` (from
//! version 7) a partition whose offset an open transaction is about to change is UNSTABLE_OFFSET_COMMIT.
//! Different from Kafka: what there is no [`Room`] for is INVALID_REQUEST.

use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{OffsetFetchRequest, OffsetFetchResponse, TopicName};

use super::convert::{code, to_wire};
use super::room::Room;
use super::{Refusal, RequestContext};
use crate::coordinator::group::offsets::{CommittedOffset, Offsets};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

/// Partitions asked for, by topic; `None` for all there are.
type Asked = Option<Vec<(TopicName, Vec<i32>)>>;
type Found = Vec<(TopicName, Vec<(i32, Committed)>)>;
/// What is committed for a partition, if anything is.
type Committed = Result<Option<CommittedOffset>, ErrorCode>;

pub(crate) fn handle(cx: &RequestContext<'_>, request: OffsetFetchRequest) -> Result<OffsetFetchResponse, Refusal> {
    let require_stable = request.require_stable;
    let mut room = Room::new();
    if cx.version >= 8 {
        let groups = request.groups.into_iter().map(|group| {
            let asked = group.topics.map(|topics| topics.into_iter().map(|t| (t.name, t.partition_indexes)).collect());
            let response = OffsetFetchResponseGroup::default();
            let member = (group.member_id.as_deref(), group.member_epoch);
            let response = match fetch(cx, &group.group_id, member, require_stable, asked, &mut room) {
                Ok(found) => response.with_topics(found.into_iter().map(batched_topic).collect()),
                Err(error) => response.with_error_code(error.code()),
            };
            response.with_group_id(group.group_id)
        });
        return Ok(OffsetFetchResponse::default().with_groups(groups.collect()));
    }
    let asked: Asked = request.topics.map(|topics| topics.into_iter().map(|t| (t.name, t.partition_indexes)).collect());
    // Version 1 has no place for an error but with partitions.
    let alone = asked.clone().filter(|_| cx.version < 2);
    let response = match fetch(cx, &request.group_id, (None, -1), require_stable, asked, &mut room) {
        Ok(found) => {
            let topics = found.into_iter().map(|found| single_topic(cx.version, found));
            OffsetFetchResponse::default().with_topics(topics.collect())
        }
        Err(error) => match alone {
            Some(asked) => {
                let topics = asked.into_iter().map(|(topic, partitions)| {
                    (topic, partitions.into_iter().map(|partition| (partition, Err(error))).collect())
                });
                let topics = topics.map(|found| single_topic(cx.version, found));
                OffsetFetchResponse::default().with_topics(topics.collect())
            }
            None => OffsetFetchResponse::default().with_error_code(error.code()),
        },
    };
    Ok(response)
}

fn fetch(
    cx: &RequestContext<'_>,
    group_id: &str,
    (member_id, epoch): (Option<&str>, i32),
    require_stable: bool,
    asked: Asked,
    room: &mut Room,
) -> Result<Found, ErrorCode> {
    room.check()?;
    cx.require(Operation::Describe, Resource::Group(group_id))?;
    let Some(cell) = cx.find_group(group_id)? else {
        return Ok(look_up(cx, &Offsets::default(), require_stable, asked, room));
    };
    cell.turn(cx.cluster, |group, _| {
        group.validate_fetch(member_id, epoch)?;
        Ok(look_up(cx, &group.offsets, require_stable, asked, room))
    })
}

fn look_up(cx: &RequestContext<'_>, offsets: &Offsets, require_stable: bool, asked: Asked, room: &mut Room) -> Found {
    let look_up = |room: &mut Room, topic: &str, partition| {
        let is_unstable = require_stable && offsets.pending().contains(topic, partition);
        let found = if is_unstable { Err(ErrorCode::UnstableOffsetCommit) } else { Ok(offsets.get(topic, partition)) };
        room.take(1, found.ok().flatten().map_or(0, |found| found.metadata.len()));
        found.map(|found| found.cloned())
    };
    let Some(asked) = asked else {
        let seen = offsets.topics().filter(|(topic, _)| cx.may(Operation::Describe, Resource::Topic(topic)));
        let all = seen.map(|(topic, partitions)| {
            let partitions = partitions.keys().map(|&partition| (partition, look_up(room, topic, partition)));
            (TopicName(to_wire(topic)), partitions.collect())
        });
        return all.collect();
    };
    asked
        .into_iter()
        .map(|(topic, partitions)| {
            let allowed = cx.require(Operation::Describe, Resource::Topic(&topic));
            let look_up = |partition| {
                let told = allowed.and_then(|()| room.check());
                (partition, told.and_then(|()| look_up(room, &topic, partition)))
            };
            let partitions = partitions.into_iter().map(look_up).collect();
            (topic, partitions)
        })
        .collect()
}

/// Offset, leader epoch and note as they are told; nothing was committed: -1, -1 and an empty note.
fn told(found: &Committed) -> (i64, i32, Option<StrBytes>) {
    found
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map_or((-1, -1, Some(StrBytes::default())), |o| (o.offset, o.leader_epoch, Some(to_wire(&o.metadata))))
}

fn batched_topic((name, partitions): (TopicName, Vec<(i32, Committed)>)) -> OffsetFetchResponseTopics {
    let partitions = partitions.iter().map(|(index, found)| {
        let (offset, leader_epoch, metadata) = told(found);
        OffsetFetchResponsePartitions::default()
            .with_partition_index(*index)
            .with_error_code(code(found))
            .with_committed_offset(offset)
            .with_committed_leader_epoch(leader_epoch)
            .with_metadata(metadata)
    });
    OffsetFetchResponseTopics::default().with_name(name).with_partitions(partitions.collect())
}

fn single_topic(version: i16, (name, partitions): (TopicName, Vec<(i32, Committed)>)) -> OffsetFetchResponseTopic {
    let partitions = partitions.iter().map(|(index, found)| {
        let (offset, leader_epoch, metadata) = told(found);
        OffsetFetchResponsePartition::default()
            .with_partition_index(*index)
            .with_error_code(code(found))
            .with_committed_offset(offset)
            .with_committed_leader_epoch(if version >= 5 { leader_epoch } else { -1 })
            .with_metadata(metadata)
    });
    OffsetFetchResponseTopic::default().with_name(name).with_partitions(partitions.collect())
}
