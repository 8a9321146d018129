//! DeleteGroups, versions 0 to 2: deletes groups without members, with their committed offsets.

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::convert::code;
use super::{Refusal, RequestContext};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: DeleteGroupsRequest) -> Result<DeleteGroupsResponse, Refusal> {
    let results = request.groups_names.into_iter().map(|group_id| {
        let allowed = cx.require(Operation::Delete, Resource::Group(&group_id));
        let result = allowed.and_then(|()| {
            cx.find_group(&group_id)?;
            cx.cluster.groups.delete(&group_id, cx.cluster)
        });
        DeletableGroupResult::default().with_group_id(group_id).with_error_code(code(&result))
    });
    Ok(DeleteGroupsResponse::default().with_results(results.collect()))
}
