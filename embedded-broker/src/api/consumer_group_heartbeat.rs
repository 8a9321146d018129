//! ConsumerGroupHeartbeat, versions 0 and 1: the one request by which a member of a consumer group (KIP-848) joins, lives,
//! is assigned partitions and leaves.
//!
//! Version 1 lets members choose their own ids and subscribe by a pattern that the broker resolves.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::messages::consumer_group_heartbeat_response::{Assignment, TopicPartitions as WirePartitions};
use kafka_protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use uuid::Uuid;

use super::convert::{from_wire, millis, to_wire};
use super::{Refusal, RequestContext};
use crate::coordinator::group::consumer::{ConsumerHeartbeat, Heard, HeartbeatRefused, TopicPartitions, refused};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: ConsumerGroupHeartbeatRequest,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    if !cx.serves_consumer_groups() {
        let code = ErrorCode::UnsupportedVersion.code();
        return Ok(ConsumerGroupHeartbeatResponse::default().with_error_code(code).with_error_message(None));
    }
    if let Err(denied) = may_join(cx, &request) {
        let response = ConsumerGroupHeartbeatResponse::default().with_error_code(denied.code());
        return Ok(response.with_error_message(None));
    }
    let response = match beat(cx, &request) {
        Ok(heard) => answer(&heard),
        Err(refused) => ConsumerGroupHeartbeatResponse::default()
            .with_error_code(refused.error.code())
            .with_error_message(Some(StrBytes::from_string(refused.message)).filter(|message| !message.is_empty())),
    };
    Ok(response)
}

/// As Kafka: to join a group one must be allowed to read it, and to see the topics one subscribes to.
fn may_join(cx: &RequestContext<'_>, request: &ConsumerGroupHeartbeatRequest) -> Result<(), ErrorCode> {
    cx.require(Operation::Read, Resource::Group(&request.group_id))?;
    let mut names = request.subscribed_topic_names.iter().flatten();
    names.try_for_each(|name| cx.require(Operation::Describe, Resource::Topic(name)))
}

fn beat(cx: &RequestContext<'_>, request: &ConsumerGroupHeartbeatRequest) -> Result<Heard, HeartbeatRefused> {
    let heartbeat = read(cx, request);
    heartbeat.check(&request.group_id, &cx.cluster.settings.group)?;
    let groups = &cx.cluster.groups;
    let elsewhere = |error| refused(error, String::new());
    let known = cx.find_group(&request.group_id).map_err(elsewhere)?;
    let is_new = known.is_none();
    let found = match known {
        None if heartbeat.epoch == 0 => Some(cx.find_or_create_group(&request.group_id).map_err(elsewhere)?),
        known => known,
    };
    let kind = if heartbeat.leaves() { "Group" } else { "Consumer group" };
    let missing = || refused(ErrorCode::GroupIdNotFound, format!("{kind} {} not found.", request.group_id.as_str()));
    let cell = found.ok_or_else(missing)?;
    let heard = cell.turn(cx.cluster, |group, turn| group.consumer_heartbeat(&heartbeat, turn));
    if is_new && heard.is_err() {
        groups.forget_unborn(&cell, cx.cluster);
    }
    heard
}

fn read(cx: &RequestContext<'_>, request: &ConsumerGroupHeartbeatRequest) -> ConsumerHeartbeat {
    let timeout = request.rebalance_timeout_ms;
    let names = request.subscribed_topic_names.as_ref();
    ConsumerHeartbeat {
        member_id: member_id(cx, request),
        may_lack_id: cx.version == 0,
        epoch: request.member_epoch,
        instance_id: request.instance_id.as_ref().map(from_wire),
        rack_id: request.rack_id.as_ref().map(from_wire),
        client_id: cx.client_id.unwrap_or_default().into(),
        client_host: format!("/{}", cx.peer.ip()).into(),
        rebalance_timeout: (timeout >= 0).then(|| millis(timeout)),
        names: names.map(|names| names.iter().map(|name| from_wire(name)).collect::<BTreeSet<_>>()),
        regex: request.subscribed_topic_regex.as_ref().map(from_wire),
        assignor: request.server_assignor.as_ref().map(from_wire),
        owned: request.topic_partitions.as_ref().map(|topics| {
            let partitions = topics.iter().flat_map(|t| t.partitions.iter().map(|&partition| (t.topic_id, partition)));
            partitions.collect()
        }),
    }
}

/// In version 0 a new member is given its id.
fn member_id(cx: &RequestContext<'_>, request: &ConsumerGroupHeartbeatRequest) -> Arc<str> {
    if cx.version == 0 && request.member_id.is_empty() && request.member_epoch == 0 {
        return Uuid::new_v4().to_string().into();
    }
    from_wire(&request.member_id)
}

fn answer(heard: &Heard) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse::default()
        .with_member_id(Some(to_wire(&heard.member_id)))
        .with_member_epoch(heard.epoch)
        .with_heartbeat_interval_ms(i32::try_from(heard.interval.as_millis()).unwrap_or(i32::MAX))
        .with_assignment(heard.assignment.as_ref().map(assignment))
}

fn assignment(assigned: &TopicPartitions) -> Assignment {
    let mut topics: Vec<WirePartitions> = Vec::new();
    for &(topic_id, partition) in assigned {
        match topics.last_mut() {
            Some(topic) if topic.topic_id == topic_id => topic.partitions.push(partition),
            _ => topics.push(WirePartitions::default().with_topic_id(topic_id).with_partitions(vec![partition])),
        }
    }
    Assignment::default().with_topic_partitions(topics)
}
