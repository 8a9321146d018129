//! ListGroups, versions 0 to 5: every group that the node coordinates. Version 4 can choose by state, 5 by type.
//!
//! Names of states and types are compared without regard to case; one that does not exist fits no group.

use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest, ListGroupsResponse};

use super::convert::to_wire;
use super::{Refusal, RequestContext};
use crate::coordinator::CoordinatorKind;
use crate::coordinator::group::state::GroupState;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: ListGroupsRequest) -> Result<ListGroupsResponse, Refusal> {
    if let Err(error) = cx.cluster.check_loaded(CoordinatorKind::Groups, cx.node_id) {
        return Ok(ListGroupsResponse::default().with_error_code(error.code()));
    }
    let mut groups = Vec::new();
    let sees_all = cx.may(Operation::Describe, Resource::Cluster);
    for cell in cx.cluster.groups.all() {
        if !sees_all && !cx.may(Operation::Describe, Resource::Group(&cell.id)) {
            continue;
        }
        if cx.find_group(&cell.id).is_err() {
            continue;
        }
        let (exists, state, kind, protocol_type) =
            cell.turn(cx.cluster, |group, _| (group.exists(), group.state(), group.kind(), group.protocol_type()));
        let chosen = passes(&request.types_filter, kind) && passes(&request.states_filter, state.name());
        if chosen && exists && state != GroupState::Dead {
            let from =
                |first: i16, text: &'static str| if cx.version >= first { text.into() } else { StrBytes::default() };
            groups.push(
                ListedGroup::default()
                    .with_group_id(GroupId(to_wire(&cell.id)))
                    .with_protocol_type(to_wire(&protocol_type))
                    .with_group_state(from(4, state.name()))
                    .with_group_type(from(5, kind)),
            );
        }
    }
    Ok(ListGroupsResponse::default().with_groups(groups))
}

fn passes(filter: &[StrBytes], name: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.trim().eq_ignore_ascii_case(name))
}
