//! Heartbeat, versions 0 to 4: a member of a classic group is alive. Version 3 adds static members.

use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse};

use super::convert::code;
use super::{Refusal, RequestContext};
use crate::coordinator::group::classic::Identity;
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: HeartbeatRequest) -> Result<HeartbeatResponse, Refusal> {
    Ok(HeartbeatResponse::default().with_error_code(code(&beat(cx, &request))))
}

fn beat(cx: &RequestContext<'_>, request: &HeartbeatRequest) -> Result<(), ErrorCode> {
    cx.require(Operation::Read, Resource::Group(&request.group_id))?;
    if request.group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let identity = Identity {
        member_id: &request.member_id,
        instance_id: request.group_instance_id.as_deref(),
        generation: request.generation_id,
    };
    let cell = cx.find_group(&request.group_id)?.ok_or(ErrorCode::UnknownMemberId)?;
    cell.turn(cx.cluster, |group, turn| group.heartbeat(identity, turn))
}
