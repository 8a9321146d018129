//! ListPartitionReassignments, version 0: there are none, as each is complete when it is answered.

use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use super::answer::outcome;
use super::{Refusal, RequestContext};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    _: ListPartitionReassignmentsRequest,
) -> Result<ListPartitionReassignmentsResponse, Refusal> {
    let listed = cx.authorize(Operation::Describe, Resource::Cluster);
    let (code, text) = outcome(&listed);
    Ok(ListPartitionReassignmentsResponse::default().with_error_code(code).with_error_message(text))
}
