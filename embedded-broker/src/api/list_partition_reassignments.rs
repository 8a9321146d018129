//! ListPartitionReassignments, version 0: there are none, as each is complete when it is answered.

use kafka_protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use super::{Refusal, RequestContext};

pub(crate) fn handle(
    _: &RequestContext<'_>,
    _: ListPartitionReassignmentsRequest,
) -> Result<ListPartitionReassignmentsResponse, Refusal> {
    Ok(ListPartitionReassignmentsResponse::default().with_error_message(None))
}
