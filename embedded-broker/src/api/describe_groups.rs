//! DescribeGroups, versions 0 to 6: the members of classic groups and what they have.
//!
//! A group that does not exist is Dead; from version 6 also GROUP_ID_NOT_FOUND with a message, by which Kafka's tools tell
//! it from others. From version 3 authorized operations are listed if asked for.
//! Different from Kafka: what there is no [`Room`] for is INVALID_REQUEST.

use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};

use super::convert::to_wire;
use super::room::Room;
use super::{Refusal, RequestContext};
use crate::coordinator::group::classic::{ClassicState, GroupDescription, MemberDescription};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeGroupsRequest,
) -> Result<DescribeGroupsResponse, Refusal> {
    let told = request.include_authorized_operations;
    let mut room = Room::new();
    let groups = request.groups.into_iter().map(|group_id| {
        let may_be_told = room.check().and_then(|()| cx.require(Operation::Describe, Resource::Group(&group_id)));
        if let Err(denied) = may_be_told {
            return DescribedGroup::default().with_group_id(group_id).with_error_code(denied.code());
        }
        let operations = if told { cx.operations(Resource::Group(&group_id)) } else { i32::MIN };
        let found = match cx.find_existing_group(&group_id) {
            Ok(found) => found.map(|cell| cell.turn(cx.cluster, |group, _| group.describe_classic())),
            Err(error) => return DescribedGroup::default().with_group_id(group_id).with_error_code(error.code()),
        };
        let described = match found {
            Some(Some(group)) if group.state != ClassicState::Dead => describe(cx.version, group_id, &group),
            Some(None) => missing(cx.version, group_id, "is not a classic group"),
            Some(Some(_)) | None => missing(cx.version, group_id, "not found"),
        };
        let texts = described.members.iter().map(|m| m.member_metadata.len() + m.member_assignment.len());
        room.take(1 + described.members.len(), texts.sum());
        // Only an error hides what may be done.
        if described.error_code == 0 { described.with_authorized_operations(operations) } else { described }
    });
    Ok(DescribeGroupsResponse::default().with_groups(groups.collect()))
}

fn missing(version: i16, group_id: GroupId, why: &str) -> DescribedGroup {
    let message = format!("Group {} {why}.", group_id.as_str());
    let group = DescribedGroup::default().with_group_id(group_id).with_group_state(ClassicState::Dead.name().into());
    if version < 6 {
        return group;
    }
    group.with_error_code(ErrorCode::GroupIdNotFound.code()).with_error_message(Some(StrBytes::from_string(message)))
}

fn describe(version: i16, group_id: GroupId, group: &GroupDescription) -> DescribedGroup {
    DescribedGroup::default()
        .with_group_id(group_id)
        .with_group_state(group.state.name().into())
        .with_protocol_type(to_wire(&group.protocol_type))
        .with_protocol_data(to_wire(&group.protocol))
        .with_members(group.members.iter().map(|member| describe_member(version, member)).collect())
}

fn describe_member(version: i16, member: &MemberDescription) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(to_wire(&member.member_id))
        .with_group_instance_id(member.instance_id.as_ref().filter(|_| version >= 4).map(to_wire))
        .with_client_id(to_wire(&member.client_id))
        .with_client_host(to_wire(&member.client_host))
        .with_member_metadata(member.metadata.clone())
        .with_member_assignment(member.assignment.clone())
}
