//! OffsetForLeaderEpoch, versions 2 to 4: where a leader epoch ended, for clients that check whether a log was cut off.
//!
//! As Kafka: the largest epoch not newer than the one asked for and its end; a future epoch is answered with -1 and -1.

use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::partition::Reader;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;
use crate::topic::Topics;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: OffsetForLeaderEpochRequest,
) -> Result<OffsetForLeaderEpochResponse, Refusal> {
    let topics = cx.cluster.topics();
    let is_broker = cx.may(Operation::ClusterAction, Resource::Cluster);
    let results = request.topics.into_iter().map(|topic| {
        let allowed = if is_broker { Ok(()) } else { cx.require(Operation::Describe, Resource::Topic(&topic.topic)) };
        let partitions = topic.partitions.iter().map(|asked| {
            let answer = EpochEndOffset::default().with_partition(asked.partition);
            match allowed.and_then(|()| end_of(cx, &topics, &topic.topic, asked)) {
                Ok((epoch, end)) => answer.with_leader_epoch(epoch).with_end_offset(end),
                Err(code) => answer.with_error_code(code.code()),
            }
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default().with_topic(topic.topic).with_partitions(partitions)
    });
    Ok(OffsetForLeaderEpochResponse::default().with_topics(results.collect()))
}

fn end_of(
    cx: &RequestContext<'_>,
    topics: &Topics,
    name: &str,
    asked: &OffsetForLeaderPartition,
) -> Result<(i32, i64), ErrorCode> {
    let topic = topics.by_name(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let partition = topic.partition(asked.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let reader = Reader::of_leader(cx.node_id, asked.current_leader_epoch);
    partition.look(reader, |log, _| log.epochs().end_of(asked.leader_epoch, log.end_offset()))
}
