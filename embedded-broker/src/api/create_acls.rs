//! CreateAcls, versions 1 to 3: each ACL is made, or refused for itself; one that is there already is no error.
//!
//! As Kafka: SECURITY_DISABLED without an authorizer; an ACL that lacks a number closes the connection; words that
//! only filters may say are UNKNOWN_SERVER_ERROR, for all ACLs of the request.

use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::{CreateAclsRequest, CreateAclsResponse};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::security::acl::authorizer::Authorizer;
use crate::security::acl::binding::{Acl, AclCreation};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(cx: &RequestContext<'_>, request: CreateAclsRequest) -> Result<CreateAclsResponse, Refusal> {
    let creations: Vec<_> = request.creations.iter().map(creation).collect();
    if creations.iter().any(AclCreation::is_incomplete) {
        return Err(Refusal::new("an ACL to be made lacks a number"));
    }
    let authorizer = match authorizer(cx) {
        Ok(authorizer) => authorizer,
        Err(error) => return Ok(answer(creations.iter().map(|_| result(Some(&error))))),
    };
    if creations.iter().any(AclCreation::is_like_a_filter) {
        let unexpected = Error::with_code(ErrorCode::UnknownServerError, "");
        return Ok(answer(creations.iter().map(|_| result(Some(&unexpected)))));
    }
    let asked: Vec<_> = creations.into_iter().map(Acl::of).collect();
    let acls = asked.iter().filter_map(|asked| asked.as_ref().ok().cloned()).collect();
    let kept = cx.cluster.create_acls(authorizer, acls);
    Ok(answer(asked.iter().map(|asked| result(asked.as_ref().err().or(kept.as_ref().err())))))
}

fn answer(results: impl Iterator<Item = AclCreationResult>) -> CreateAclsResponse {
    CreateAclsResponse::default().with_results(results.collect())
}

/// Who keeps the ACLs that this client may change.
pub(super) fn authorizer<'a>(cx: &'a RequestContext<'_>) -> Result<&'a Authorizer, Error> {
    cx.authorize(Operation::Alter, Resource::Cluster)?;
    let disabled = || Error::with_code(ErrorCode::SecurityDisabled, "No Authorizer is configured.");
    cx.cluster.authorizer.as_ref().ok_or_else(disabled)
}

fn creation(asked: &kafka_protocol::messages::create_acls_request::AclCreation) -> AclCreation<'_> {
    AclCreation {
        resource: asked.resource_type,
        pattern: asked.resource_pattern_type,
        name: &asked.resource_name,
        principal: &asked.principal,
        host: &asked.host,
        operation: asked.operation,
        permission: asked.permission_type,
    }
}

/// As Kafka: an empty text, and not null, where there is no error.
fn result(refused: Option<&Error>) -> AclCreationResult {
    let (code, message) = refused.map_or((0, Some(StrBytes::default())), failure);
    AclCreationResult::default().with_error_code(code).with_error_message(message)
}
