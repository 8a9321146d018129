//! DeleteAcls, versions 1 to 3: takes away the ACLs that each filter means, and tells which they were.
//!
//! As Kafka: SECURITY_DISABLED without an authorizer; a filter that lacks a number closes the connection.

use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsMatchingAcl};
use kafka_protocol::messages::{DeleteAclsRequest, DeleteAclsResponse};

use super::answer::failure;
use super::{Refusal, RequestContext, create_acls};
use crate::error::Error;
use crate::protocol::StrBytes;
use crate::security::acl::binding::Acl;
use crate::security::acl::filter::{AclFilter, AsAsked};

pub(crate) fn handle(cx: &RequestContext<'_>, request: DeleteAclsRequest) -> Result<DeleteAclsResponse, Refusal> {
    let filters: Vec<_> = request.filters.iter().map(filter).collect();
    if filters.iter().any(AsAsked::is_incomplete) {
        return Err(Refusal::new("a filter of ACLs lacks a number"));
    }
    let filters: Vec<_> = filters.into_iter().map(AclFilter::of).collect();
    let legal: Vec<AclFilter> = filters.iter().filter_map(|filter| filter.as_ref().ok().cloned()).collect();
    let authorizer = create_acls::authorizer(cx);
    let results = match authorizer.and_then(|authorizer| cx.cluster.delete_acls(authorizer, &legal)) {
        Ok(gone) => {
            let mut gone = gone.into_iter();
            let of_one = |filter: Result<AclFilter, Error>| match filter {
                Ok(_) => deleted(gone.next().unwrap_or_default()),
                Err(error) => refused(&error),
            };
            filters.into_iter().map(of_one).collect()
        }
        Err(error) => filters.iter().map(|_| refused(&error)).collect(),
    };
    Ok(DeleteAclsResponse::default().with_filter_results(results))
}

fn deleted(acls: Vec<Acl>) -> DeleteAclsFilterResult {
    let acls = acls.into_iter().map(matching).collect();
    DeleteAclsFilterResult::default().with_error_message(None).with_matching_acls(acls)
}

fn refused(error: &Error) -> DeleteAclsFilterResult {
    let (code, message) = failure(error);
    DeleteAclsFilterResult::default().with_error_code(code).with_error_message(message)
}

fn filter(asked: &DeleteAclsFilter) -> AsAsked<'_> {
    AsAsked {
        resource: asked.resource_type_filter,
        name: asked.resource_name_filter.as_deref(),
        pattern: asked.pattern_type_filter,
        principal: asked.principal_filter.as_deref(),
        host: asked.host_filter.as_deref(),
        operation: asked.operation,
        permission: asked.permission_type,
    }
}

fn matching(acl: Acl) -> DeleteAclsMatchingAcl {
    DeleteAclsMatchingAcl::default()
        .with_error_message(None)
        .with_resource_type(acl.resource.wire())
        .with_resource_name(StrBytes::from_string(acl.name))
        .with_pattern_type(acl.pattern.wire())
        .with_principal(StrBytes::from_string(acl.principal))
        .with_host(StrBytes::from_string(acl.host))
        .with_operation(acl.operation.wire())
        .with_permission_type(acl.permission.wire())
}
