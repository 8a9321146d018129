//! DescribeAcls, versions 1 to 3: the ACLs that a filter means, by resource.
//!
//! As Kafka: SECURITY_DISABLED without an authorizer; a filter that lacks a number closes the connection. ACLs come
//! in order, where Kafka has none.

use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::security::acl::binding::Acl;
use crate::security::acl::filter::{AclFilter, AsAsked};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: DescribeAclsRequest) -> Result<DescribeAclsResponse, Refusal> {
    let asked = AsAsked {
        resource: request.resource_type_filter,
        name: request.resource_name_filter.as_deref(),
        pattern: request.pattern_type_filter,
        principal: request.principal_filter.as_deref(),
        host: request.host_filter.as_deref(),
        operation: request.operation,
        permission: request.permission_type,
    };
    if asked.is_incomplete() {
        return Err(Refusal::new("a filter of ACLs lacks a number"));
    }
    Ok(match describe(cx, asked) {
        Ok(resources) => {
            DescribeAclsResponse::default().with_error_message(Some(StrBytes::default())).with_resources(resources)
        }
        Err(error) => {
            let (code, message) = failure(&error);
            DescribeAclsResponse::default().with_error_code(code).with_error_message(message)
        }
    })
}

fn describe(cx: &RequestContext<'_>, asked: AsAsked<'_>) -> Result<Vec<DescribeAclsResource>, Error> {
    cx.authorize(Operation::Describe, Resource::Cluster)?;
    let disabled = || Error::with_code(ErrorCode::SecurityDisabled, "No Authorizer is configured on the broker");
    let authorizer = cx.cluster.authorizer.as_ref().ok_or_else(disabled)?;
    // As Kafka: a word that nobody knows is one that no ACL has.
    let acls = AclFilter::of(asked).map(|filter| authorizer.describe(&filter)).unwrap_or_default();
    let mut resources: Vec<DescribeAclsResource> = Vec::new();
    for Acl { resource, pattern, name, principal, host, operation, permission } in acls {
        let description = AclDescription::default()
            .with_principal(StrBytes::from_string(principal))
            .with_host(StrBytes::from_string(host))
            .with_operation(operation.wire())
            .with_permission_type(permission.wire());
        // They come sorted by resource, pattern and name.
        match resources.last_mut() {
            Some(last)
                if (last.resource_type, last.pattern_type, last.resource_name.as_str())
                    == (resource.wire(), pattern.wire(), name.as_str()) =>
            {
                last.acls.push(description);
            }
            _ => resources.push(
                DescribeAclsResource::default()
                    .with_resource_type(resource.wire())
                    .with_pattern_type(pattern.wire())
                    .with_resource_name(StrBytes::from_string(name))
                    .with_acls(vec![description]),
            ),
        }
    }
    Ok(resources)
}
