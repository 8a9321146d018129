//! One ACL, as it is made.

use serde::{Deserialize, Serialize};

use super::kinds::{ANY, MATCH, Operation, PatternType, Permission, ResourceType};
use super::resource::CLUSTER_NAME;
use crate::error::{Error, ErrorCode};

/// Who may, or may not, do what from where.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Acl {
    pub(crate) resource: ResourceType,
    pub(crate) pattern: PatternType,
    pub(crate) name: String,
    /// `User:name`, or `User:*` for everybody.
    pub(crate) principal: String,
    /// An address, or `*` for all.
    pub(crate) host: String,
    pub(crate) operation: Operation,
    pub(crate) permission: Permission,
}

/// An ACL as a request names it, with numbers for words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AclCreation<'a> {
    pub(crate) resource: i8,
    pub(crate) pattern: i8,
    pub(crate) name: &'a str,
    pub(crate) principal: &'a str,
    pub(crate) host: &'a str,
    pub(crate) operation: i8,
    pub(crate) permission: i8,
}

impl AclCreation<'_> {
    /// Whether a number is missing, which no client sends.
    pub(crate) fn is_incomplete(&self) -> bool {
        [self.resource, self.pattern, self.operation, self.permission].contains(&0)
    }

    /// Whether it has a word that only filters may say.
    pub(crate) fn is_like_a_filter(&self) -> bool {
        [self.resource, self.pattern, self.operation, self.permission].contains(&ANY) || self.pattern == MATCH
    }
}

impl Acl {
    /// Reads an ACL that is to be made.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, with Kafka's words, when it does not say exactly what it is about.
    pub(crate) fn of(asked: AclCreation<'_>) -> Result<Self, Error> {
        let resource = ResourceType::from_wire(asked.resource);
        if resource == Some(ResourceType::Cluster) && asked.name != CLUSTER_NAME {
            return Err(invalid(format!("The only valid name for the CLUSTER resource is {CLUSTER_NAME}")));
        }
        if asked.name.is_empty() {
            return Err(invalid("Invalid empty resource name"));
        }
        let unknown = |what: &str| invalid(format!("Invalid {what} UNKNOWN"));
        let resource = resource.ok_or_else(|| unknown("resourceType"))?;
        let pattern = PatternType::from_wire(asked.pattern).ok_or_else(|| unknown("patternType"))?;
        let operation = Operation::from_wire(asked.operation).ok_or_else(|| unknown("operation"))?;
        let permission = Permission::from_wire(asked.permission).ok_or_else(|| unknown("permissionType"))?;
        if !asked.principal.contains(':') {
            let principal = asked.principal;
            return Err(invalid(format!(
                "Could not parse principal from `{principal}` (no colon is present separating the principal type from \
                 the principal name)"
            )));
        }
        Ok(Self {
            resource,
            pattern,
            name: asked.name.to_owned(),
            principal: asked.principal.to_owned(),
            host: asked.host.to_owned(),
            operation,
            permission,
        })
    }
}

fn invalid(why: impl Into<String>) -> Error {
    Error::with_code(ErrorCode::InvalidRequest, why)
}
