//! LeaveGroup, versions 0 to 5: members leave a classic group.
//!
//! One member with its error at the top until version 2; from 3 many, each with its own error, and static ones by their
//! instance ids. Version 5 adds a reason.

use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};

use super::convert::code;
use super::{Refusal, RequestContext};
use crate::coordinator::group::classic::LeavingMember;
use crate::error::ErrorCode;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: LeaveGroupRequest) -> Result<LeaveGroupResponse, Refusal> {
    let members = if cx.version < 3 {
        vec![MemberIdentity::default().with_member_id(request.member_id.clone())]
    } else {
        request.members
    };
    let response = match leave(cx, &request.group_id, &members) {
        Err(error) => LeaveGroupResponse::default().with_error_code(error.code()),
        Ok(results) if cx.version < 3 => {
            let first = results.first().copied().unwrap_or(Ok(()));
            LeaveGroupResponse::default().with_error_code(code(&first))
        }
        Ok(results) => {
            let members = members.into_iter().zip(&results).map(|(member, result)| {
                MemberResponse::default()
                    .with_member_id(member.member_id)
                    .with_group_instance_id(member.group_instance_id)
                    .with_error_code(code(result))
            });
            LeaveGroupResponse::default().with_members(members.collect())
        }
    };
    Ok(response)
}

fn leave(
    cx: &RequestContext<'_>,
    group_id: &str,
    members: &[MemberIdentity],
) -> Result<Vec<Result<(), ErrorCode>>, ErrorCode> {
    cx.require(Operation::Read, Resource::Group(group_id))?;
    if group_id.is_empty() {
        return Err(ErrorCode::InvalidGroupId);
    }
    let Some(cell) = cx.find_group(group_id)? else {
        return Ok(vec![Err(ErrorCode::UnknownMemberId); members.len()]);
    };
    let leaving: Vec<_> = members
        .iter()
        .map(|m| LeavingMember { member_id: &m.member_id, instance_id: m.group_instance_id.as_deref() })
        .collect();
    cell.turn(cx.cluster, |group, turn| group.leave(&leaving, turn))
}
