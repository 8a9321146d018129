//! Who may do what.

use std::{ffi::CString, ptr};

use rdkafka::bindings::{
    self as sys, rd_kafka_AclOperation_t as NativeOperation, rd_kafka_AclPermissionType_t as NativePermission,
    rd_kafka_ResourcePatternType_t as NativePattern, rd_kafka_ResourceType_t as NativeResource,
    rd_kafka_admin_op_t as Op,
};

use super::{
    Outcome,
    call::{Answer, Call, Request},
    numbers::{acl_operation, acl_pattern, acl_permission, acl_resource, error_of},
    owned::{Owned, lent, pointers},
};
use crate::{
    admin::{AclBinding, AclBindingFilter, AclOperation, AclPermission, AclResourceType, PatternFilter, PatternType},
    client::ffi::text::{buffer_text, c_string, c_text},
    error::{Error, Result},
};

/// Grants and denies.
pub(crate) struct CreateAcls(pub(crate) Vec<AclBinding>);

/// Asks who may do what.
pub(crate) struct DescribeAcls(pub(crate) AclBindingFilter);

/// Takes back what filters find.
pub(crate) struct DeleteAcls(pub(crate) Vec<AclBindingFilter>);

impl Request for CreateAcls {
    type Answer = Vec<Outcome<()>>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_CREATEACLS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let bindings = self.0.iter().map(binding).collect::<Result<Vec<_>>>()?;
        let mut bindings_ptr = pointers(&bindings);
        // SAFETY: client, options and queue are alive; the bindings are copied.
        unsafe {
            sys::rd_kafka_CreateAcls(
                call.client(),
                bindings_ptr.as_mut_ptr(),
                bindings.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_CreateAcls_result(answer.event());
            let created = lent(result, sys::rd_kafka_CreateAcls_result_acls);
            created.into_iter().map(|one| error_of(sys::rd_kafka_acl_result_error(one)).map_or(Ok(()), Err)).collect()
        }
    }
}

impl Request for DescribeAcls {
    type Answer = Vec<AclBinding>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DESCRIBEACLS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let filter = filter(&self.0)?;
        // SAFETY: client, options and queue are alive; the filter is copied.
        unsafe { sys::rd_kafka_DescribeAcls(call.client(), filter.as_ptr(), call.options(), call.queue()) };
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_DescribeAcls_result(answer.event());
            let found = lent(result, sys::rd_kafka_DescribeAcls_result_acls);
            found.into_iter().map(|one| read_binding(one)).collect()
        }
    }
}

impl Request for DeleteAcls {
    type Answer = Vec<Outcome<Vec<AclBinding>>>;
    const OP: Op = Op::RD_KAFKA_ADMIN_OP_DELETEACLS;

    fn send(&self, call: &Call<'_>) -> Result<()> {
        let filters = self.0.iter().map(filter).collect::<Result<Vec<_>>>()?;
        let mut filters_ptr = pointers(&filters);
        // SAFETY: client, options and queue are alive; the filters are copied.
        unsafe {
            sys::rd_kafka_DeleteAcls(
                call.client(),
                filters_ptr.as_mut_ptr(),
                filters.len(),
                call.options(),
                call.queue(),
            );
        }
        Ok(())
    }

    fn read(answer: &Answer) -> Self::Answer {
        // SAFETY: the event is alive, and of this kind or null is returned; so is what it lends.
        unsafe {
            let result = sys::rd_kafka_event_DeleteAcls_result(answer.event());
            let responses = lent(result, sys::rd_kafka_DeleteAcls_result_responses);
            responses.into_iter().map(|response| deleted(response)).collect()
        }
    }
}

/// # Safety
/// The response is alive.
unsafe fn deleted(response: *const sys::rd_kafka_DeleteAcls_result_response_t) -> Outcome<Vec<AclBinding>> {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(error) = error_of(sys::rd_kafka_DeleteAcls_result_response_error(response)) {
            return Err(error);
        }
        let found = lent(response, sys::rd_kafka_DeleteAcls_result_response_matching_acls);
        let one = |found| error_of(sys::rd_kafka_AclBinding_error(found)).map_or_else(|| Ok(read_binding(found)), Err);
        found.into_iter().map(one).collect()
    }
}

fn binding(acl: &AclBinding) -> Result<Owned<sys::rd_kafka_AclBinding_t>> {
    let name = c_string(&acl.resource, "resource")?;
    let (principal, host) = (c_string(&acl.principal, "principal")?, c_string(&acl.host, "host")?);
    let mut error = [0; 256];
    // SAFETY: the texts are copied; the buffer comes with its length; the binding is ours.
    unsafe {
        let native = sys::rd_kafka_AclBinding_new(
            native_resource(Some(acl.resource_type)),
            name.as_ptr(),
            native_pattern(acl.pattern_type.into()),
            principal.as_ptr(),
            host.as_ptr(),
            native_operation(Some(acl.operation)),
            native_permission(Some(acl.permission)),
            error.as_mut_ptr(),
            error.len(),
        );
        Owned::new(native, sys::rd_kafka_AclBinding_destroy, "right")
            .map_err(|e| Error::new(e.kind(), format!("{acl}: {}", buffer_text(&error))))
    }
}

fn filter(filter: &AclBindingFilter) -> Result<Owned<sys::rd_kafka_AclBindingFilter_t>> {
    let text = |text: &Option<String>, what| text.as_ref().map(|text| c_string(text, what)).transpose();
    let (name, principal, host) =
        (text(&filter.resource, "resource")?, text(&filter.principal, "principal")?, text(&filter.host, "host")?);
    let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    let mut error = [0; 256];
    // SAFETY: the texts are copied, and none means any; the buffer comes with its length; the filter is ours.
    unsafe {
        let native = sys::rd_kafka_AclBindingFilter_new(
            native_resource(filter.resource_type),
            pointer(&name),
            native_pattern(filter.pattern_type),
            pointer(&principal),
            pointer(&host),
            native_operation(filter.operation),
            native_permission(filter.permission),
            error.as_mut_ptr(),
            error.len(),
        );
        Owned::new(native, sys::rd_kafka_AclBinding_destroy, "filter")
            .map_err(|e| Error::new(e.kind(), format!("a filter of rights: {}", buffer_text(&error))))
    }
}

/// # Safety
/// The binding is alive.
unsafe fn read_binding(acl: *const sys::rd_kafka_AclBinding_t) -> AclBinding {
    // SAFETY: the caller's promise; all of it is copied.
    unsafe {
        AclBinding {
            resource_type: AclResourceType::of(acl_resource(acl)),
            resource: c_text(sys::rd_kafka_AclBinding_name(acl)),
            pattern_type: PatternType::of(acl_pattern(acl)),
            principal: c_text(sys::rd_kafka_AclBinding_principal(acl)),
            host: c_text(sys::rd_kafka_AclBinding_host(acl)),
            operation: AclOperation::of(acl_operation(acl)),
            permission: AclPermission::of(acl_permission(acl)),
        }
    }
}

fn native_resource(kind: Option<AclResourceType>) -> NativeResource {
    match kind {
        None => NativeResource::RD_KAFKA_RESOURCE_ANY,
        Some(AclResourceType::Topic) => NativeResource::RD_KAFKA_RESOURCE_TOPIC,
        Some(AclResourceType::Group) => NativeResource::RD_KAFKA_RESOURCE_GROUP,
        // It has the number that is the brokers' among configs.
        Some(AclResourceType::Cluster) => NativeResource::RD_KAFKA_RESOURCE_BROKER,
        Some(AclResourceType::TransactionalId) => NativeResource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
        Some(AclResourceType::Unknown) => NativeResource::RD_KAFKA_RESOURCE_UNKNOWN,
    }
}

fn native_pattern(pattern: PatternFilter) -> NativePattern {
    match pattern {
        PatternFilter::Any => NativePattern::RD_KAFKA_RESOURCE_PATTERN_ANY,
        PatternFilter::Match => NativePattern::RD_KAFKA_RESOURCE_PATTERN_MATCH,
        PatternFilter::Literal => NativePattern::RD_KAFKA_RESOURCE_PATTERN_LITERAL,
        PatternFilter::Prefixed => NativePattern::RD_KAFKA_RESOURCE_PATTERN_PREFIXED,
    }
}

fn native_operation(operation: Option<AclOperation>) -> NativeOperation {
    match operation {
        None => NativeOperation::RD_KAFKA_ACL_OPERATION_ANY,
        Some(AclOperation::All) => NativeOperation::RD_KAFKA_ACL_OPERATION_ALL,
        Some(AclOperation::Read) => NativeOperation::RD_KAFKA_ACL_OPERATION_READ,
        Some(AclOperation::Write) => NativeOperation::RD_KAFKA_ACL_OPERATION_WRITE,
        Some(AclOperation::Create) => NativeOperation::RD_KAFKA_ACL_OPERATION_CREATE,
        Some(AclOperation::Delete) => NativeOperation::RD_KAFKA_ACL_OPERATION_DELETE,
        Some(AclOperation::Alter) => NativeOperation::RD_KAFKA_ACL_OPERATION_ALTER,
        Some(AclOperation::Describe) => NativeOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE,
        Some(AclOperation::ClusterAction) => NativeOperation::RD_KAFKA_ACL_OPERATION_CLUSTER_ACTION,
        Some(AclOperation::DescribeConfigs) => NativeOperation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
        Some(AclOperation::AlterConfigs) => NativeOperation::RD_KAFKA_ACL_OPERATION_ALTER_CONFIGS,
        Some(AclOperation::IdempotentWrite) => NativeOperation::RD_KAFKA_ACL_OPERATION_IDEMPOTENT_WRITE,
        Some(AclOperation::Unknown) => NativeOperation::RD_KAFKA_ACL_OPERATION_UNKNOWN,
    }
}

fn native_permission(permission: Option<AclPermission>) -> NativePermission {
    match permission {
        None => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_ANY,
        Some(AclPermission::Allow) => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
        Some(AclPermission::Deny) => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_DENY,
        Some(AclPermission::Unknown) => NativePermission::RD_KAFKA_ACL_PERMISSION_TYPE_UNKNOWN,
    }
}
