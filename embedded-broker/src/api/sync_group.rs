//! SyncGroup, versions 0 to 5: the leader of a classic group hands in the assignment, everybody fetches its share.
//!
//! Version 3 adds static members, 5 the protocol type and name, which must be there and be the group's. Held until the
//! leader's has come; a broker that stops answers NOT_COORDINATOR.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::{SyncGroupRequest, SyncGroupResponse};

use super::convert::to_wire;
use super::join_group::own;
use super::{Refusal, RequestContext};
use crate::coordinator::group::classic::{Identity, SyncRequest};
use crate::coordinator::group::turn::{Reply, SyncReply};
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: SyncGroupRequest) -> Result<SyncGroupResponse, Refusal> {
    let response = match sync(cx, &request) {
        Ok(synced) => {
            let named = |name: &Option<_>| name.as_ref().filter(|_| cx.version >= 5).map(to_wire);
            SyncGroupResponse::default()
                .with_protocol_type(named(&synced.protocol_type))
                .with_protocol_name(named(&synced.protocol))
                .with_assignment(synced.assignment)
        }
        Err(error) => SyncGroupResponse::default().with_error_code(error.code()),
    };
    Ok(response)
}

fn sync(cx: &RequestContext<'_>, request: &SyncGroupRequest) -> SyncReply {
    if cx.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return Err(ErrorCode::InconsistentGroupProtocol);
    }
    cx.require(Operation::Read, Resource::Group(&request.group_id))?;
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let cell = cx.find_group(&request.group_id)?.ok_or(ErrorCode::UnknownMemberId)?;
    let assignments: HashMap<&str, Bytes> =
        request.assignments.iter().map(|one| (one.member_id.as_str(), own(&one.assignment))).collect();
    let sync = SyncRequest {
        identity: Identity {
            member_id: &request.member_id,
            instance_id: request.group_instance_id.as_deref(),
            generation: request.generation_id,
        },
        protocol_type: request.protocol_type.as_deref(),
        protocol: request.protocol_name.as_deref(),
        assignments,
    };
    match cell.wait(cx.cluster, cx.waiter, |group, ticket, turn| group.sync(&sync, ticket, turn)) {
        Some(Reply::Sync(reply)) => reply,
        Some(Reply::Join(_)) | None => Err(ErrorCode::NotCoordinator),
    }
}
