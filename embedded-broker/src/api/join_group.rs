//! JoinGroup, versions 0 to 9: a member comes into a classic group.
//!
//! Version 0 has no rebalance timeout: the session timeout counts. 4 makes a new member come back with the id it is
//! given (MEMBER_ID_REQUIRED), 5 adds static members, 7 the protocol type in the answer, 8 a reason, 9 tells a static
//! leader to keep the assignment. Held until the generation is made; a broker that stops answers NOT_COORDINATOR.

use bytes::Bytes;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use uuid::Uuid;

use super::convert::{from_wire, millis, to_wire};
use super::{Refusal, RequestContext};
use crate::coordinator::group::classic::{JoinRequest, Protocol};
use crate::coordinator::group::turn::{JoinRefused, JoinReply, Joined, Reply};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: JoinGroupRequest) -> Result<JoinGroupResponse, Refusal> {
    let response = match join(cx, &request) {
        Ok(joined) => accepted(cx.version, &joined),
        Err(refused) => JoinGroupResponse::default()
            .with_error_code(refused.error.code())
            .with_generation_id(-1)
            .with_protocol_name(protocol_name(cx.version, None))
            .with_member_id(to_wire(&refused.member_id)),
    };
    Ok(response)
}

fn join(cx: &RequestContext<'_>, request: &JoinGroupRequest) -> JoinReply {
    let join = read(cx, request);
    let refused = |error| JoinRefused { error, member_id: join.member_id.clone() };
    if let Err(error) = cx.require(Operation::Read, Resource::Group(&request.group_id)) {
        return Err(JoinRefused { error, member_id: "".into() });
    }
    if request.group_id.is_empty() {
        return Err(refused(ErrorCode::InvalidGroupId));
    }
    join.check(&cx.cluster.settings.group).map_err(refused)?;
    // Only a newcomer makes a group: an id that somebody was given elsewhere is unknown here.
    let found = if join.member_id.is_empty() {
        cx.find_or_create_group(&request.group_id).map(Some)
    } else {
        cx.find_group(&request.group_id)
    };
    // As Kafka: who does not coordinate the group says nothing of members.
    let found = found.map_err(|error| JoinRefused { error, member_id: "".into() })?;
    let cell = found.ok_or_else(|| refused(ErrorCode::UnknownMemberId))?;
    let member_id = join.member_id.clone();
    match cell.wait(cx.cluster, cx.waiter, |group, ticket, turn| group.join(&join, ticket, turn)) {
        Some(Reply::Join(reply)) => reply,
        Some(Reply::Sync(_)) | None => Err(JoinRefused { error: ErrorCode::NotCoordinator, member_id }),
    }
}

fn read(cx: &RequestContext<'_>, request: &JoinGroupRequest) -> JoinRequest {
    let session_timeout = millis(request.session_timeout_ms);
    let protocols = request.protocols.iter();
    JoinRequest {
        member_id: from_wire(&request.member_id),
        instance_id: request.group_instance_id.as_ref().map(from_wire),
        client_id: cx.client_id.unwrap_or_default().into(),
        client_host: format!("/{}", cx.peer.ip()).into(),
        session_timeout,
        rebalance_timeout: if cx.version == 0 { session_timeout } else { millis(request.rebalance_timeout_ms) },
        protocol_type: from_wire(&request.protocol_type),
        protocols: protocols.map(|p| Protocol { name: from_wire(&p.name), metadata: own(&p.metadata) }).collect(),
        can_rejoin_with_id: cx.version >= 4,
        can_skip_assignment: cx.version >= 9,
        fresh: Uuid::new_v4().as_u128(),
    }
}

/// A copy, so that what is kept for long does not keep the whole request.
pub(super) fn own(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn accepted(version: i16, joined: &Joined) -> JoinGroupResponse {
    let members = joined.members.iter().map(|member| {
        JoinGroupResponseMember::default()
            .with_member_id(to_wire(&member.member_id))
            .with_group_instance_id(member.instance_id.as_ref().filter(|_| version >= 5).map(to_wire))
            .with_metadata(member.metadata.clone())
    });
    JoinGroupResponse::default()
        .with_generation_id(joined.generation)
        .with_protocol_type(joined.protocol_type.as_ref().filter(|_| version >= 7).map(to_wire))
        .with_protocol_name(protocol_name(version, joined.protocol.as_ref().map(to_wire)))
        .with_leader(to_wire(&joined.leader))
        .with_skip_assignment(joined.skip_assignment)
        .with_member_id(to_wire(&joined.member_id))
        .with_members(members.collect())
}

/// Null is allowed from version 7.
fn protocol_name(version: i16, name: Option<StrBytes>) -> Option<StrBytes> {
    if version < 7 { Some(name.unwrap_or_default()) } else { name }
}
