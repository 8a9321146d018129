//! Access control lists: who may do what, from where, with which resources.

use std::fmt;

use kafka_protocol::messages::{
    CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest, create_acls_request::AclCreation,
    delete_acls_request::DeleteAclsFilter,
};

use super::{Cluster, KafkaError, Target, WireError, text};

/// Defines values that have a name and a number on the wire, in the order of their numbers from 0.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($value:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum $name { $($value),+ }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$value),+];

            /// By Kafka's name, as `DESCRIBE_CONFIGS`.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            fn number(self) -> i8 {
                self as i8
            }

            /// What a broker means that is newer than this program is not known.
            fn numbered(number: i8) -> Self {
                usize::try_from(number).ok().and_then(|at| Self::ALL.get(at)).copied().unwrap_or(Self::Unknown)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

numbered! {
    /// What an access control list is for.
    AclResource {
        Unknown = "UNKNOWN",
        Any = "ANY",
        Topic = "TOPIC",
        Group = "GROUP",
        Cluster = "CLUSTER",
        TransactionalId = "TRANSACTIONAL_ID",
        DelegationToken = "DELEGATION_TOKEN",
        User = "USER",
    }
}

numbered! {
    /// How the name of a resource is to be taken.
    PatternType {
        Unknown = "UNKNOWN",
        Any = "ANY",
        Match = "MATCH",
        Literal = "LITERAL",
        Prefixed = "PREFIXED",
    }
}

numbered! {
    /// What may be done, or not.
    AclOperation {
        Unknown = "UNKNOWN",
        Any = "ANY",
        All = "ALL",
        Read = "READ",
        Write = "WRITE",
        Create = "CREATE",
        Delete = "DELETE",
        Alter = "ALTER",
        Describe = "DESCRIBE",
        ClusterAction = "CLUSTER_ACTION",
        DescribeConfigs = "DESCRIBE_CONFIGS",
        AlterConfigs = "ALTER_CONFIGS",
        IdempotentWrite = "IDEMPOTENT_WRITE",
        CreateTokens = "CREATE_TOKENS",
        DescribeTokens = "DESCRIBE_TOKENS",
        TwoPhaseCommit = "TWO_PHASE_COMMIT",
    }
}

numbered! {
    /// Whether it may.
    Permission {
        Unknown = "UNKNOWN",
        Any = "ANY",
        Deny = "DENY",
        Allow = "ALLOW",
    }
}

/// Resources: one, those whose names begin so, or, in a filter, more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ResourcePattern {
    pub(crate) resource: AclResource,
    /// `None` in a filter: of any name.
    pub(crate) name: Option<String>,
    pub(crate) pattern: PatternType,
}

/// What somebody may do from somewhere, or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AclEntry {
    pub(crate) principal: String,
    pub(crate) host: String,
    pub(crate) operation: AclOperation,
    pub(crate) permission: Permission,
}

impl ResourcePattern {
    /// A filter that takes every resource.
    pub(crate) fn any() -> Self {
        Self { resource: AclResource::Any, name: None, pattern: PatternType::Any }
    }
}

/// Adds entries for a resource.
///
/// # Errors
/// One of them was refused, or no broker answers in time.
pub(crate) async fn create_acls(
    cluster: &Cluster,
    pattern: &ResourcePattern,
    entries: impl IntoIterator<Item = &AclEntry>,
) -> Result<(), WireError> {
    let creation = |entry: &AclEntry| {
        AclCreation::default()
            .with_resource_type(pattern.resource.number())
            .with_resource_name(text(pattern.name.as_deref().unwrap_or_default()))
            .with_resource_pattern_type(pattern.pattern.number())
            .with_principal(text(&entry.principal))
            .with_host(text(&entry.host))
            .with_operation(entry.operation.number())
            .with_permission_type(entry.permission.number())
    };
    let request = CreateAclsRequest::default().with_creations(entries.into_iter().map(creation).collect());
    cluster
        .retrying("createAcls", async || {
            let answer = cluster.send(Target::Any, |_| request.clone()).await?;
            let done =
                answer.results.iter().map(|done| KafkaError::check(done.error_code, done.error_message.as_ref()));
            Ok(done.collect::<Result<(), _>>()?)
        })
        .await
}

/// The entries of every resource that the filter takes.
///
/// # Errors
/// They may not be seen, or no broker answers in time.
pub(crate) async fn describe_acls(
    cluster: &Cluster,
    filter: &ResourcePattern,
) -> Result<Vec<(ResourcePattern, AclEntry)>, WireError> {
    cluster
        .retrying("describeAcls", async || {
            let request = |_| {
                DescribeAclsRequest::default()
                    .with_resource_type_filter(filter.resource.number())
                    .with_resource_name_filter(filter.name.as_deref().map(text))
                    .with_pattern_type_filter(filter.pattern.number())
                    // Without it the codec asks for those of nobody from nowhere.
                    .with_principal_filter(None)
                    .with_host_filter(None)
                    .with_operation(AclOperation::Any.number())
                    .with_permission_type(Permission::Any.number())
            };
            let answer = cluster.send(Target::Any, request).await?;
            KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
            let mut found = Vec::new();
            for resource in &answer.resources {
                let pattern = ResourcePattern {
                    resource: AclResource::numbered(resource.resource_type),
                    name: Some(resource.resource_name.as_str().to_owned()),
                    pattern: PatternType::numbered(resource.pattern_type),
                };
                let entry = |acl: &kafka_protocol::messages::describe_acls_response::AclDescription| AclEntry {
                    principal: acl.principal.as_str().to_owned(),
                    host: acl.host.as_str().to_owned(),
                    operation: AclOperation::numbered(acl.operation),
                    permission: Permission::numbered(acl.permission_type),
                };
                found.extend(resource.acls.iter().map(|acl| (pattern.clone(), entry(acl))));
            }
            Ok(found)
        })
        .await
}

/// Removes these entries of what the filter takes, or all of them if none are named.
///
/// # Errors
/// They may not be removed, or no broker answers in time.
pub(crate) async fn delete_acls(
    cluster: &Cluster,
    filter: &ResourcePattern,
    entries: &[AclEntry],
) -> Result<(), WireError> {
    let of_resource = || {
        DeleteAclsFilter::default()
            .with_resource_type_filter(filter.resource.number())
            .with_resource_name_filter(filter.name.as_deref().map(text))
            .with_pattern_type_filter(filter.pattern.number())
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(AclOperation::Any.number())
            .with_permission_type(Permission::Any.number())
    };
    let of_entry = |entry: &AclEntry| {
        of_resource()
            .with_principal_filter(Some(text(&entry.principal)))
            .with_host_filter(Some(text(&entry.host)))
            .with_operation(entry.operation.number())
            .with_permission_type(entry.permission.number())
    };
    let filters = if entries.is_empty() { vec![of_resource()] } else { entries.iter().map(of_entry).collect() };
    let request = DeleteAclsRequest::default().with_filters(filters);
    cluster
        .retrying("deleteAcls", async || {
            let answer = cluster.send(Target::Any, |_| request.clone()).await?;
            for done in &answer.filter_results {
                KafkaError::check(done.error_code, done.error_message.as_ref())?;
                for acl in &done.matching_acls {
                    KafkaError::check(acl.error_code, acl.error_message.as_ref())?;
                }
            }
            Ok(())
        })
        .await
}

/// As Java prints it.
impl fmt::Display for ResourcePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("<any>");
        write!(f, "ResourcePattern(resourceType={}, name={name}, patternType={})", self.resource, self.pattern)
    }
}

/// As Java prints it.
impl fmt::Display for AclEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, host, operation, permission } = self;
        write!(f, "(principal={principal}, host={host}, operation={operation}, permissionType={permission})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kafkas() {
        assert_eq!(AclResource::User.number(), 7);
        assert_eq!(PatternType::Prefixed.number(), 4);
        assert_eq!(AclOperation::TwoPhaseCommit.number(), 15);
        assert_eq!((Permission::Deny.number(), Permission::Allow.number()), (2, 3));
        assert!(AclOperation::ALL.iter().all(|&operation| AclOperation::numbered(operation.number()) == operation));
        assert_eq!(AclOperation::numbered(99), AclOperation::Unknown);
        assert_eq!(AclOperation::numbered(-1), AclOperation::Unknown);
    }

    #[test]
    fn they_are_printed_as_java_prints_them() {
        assert_eq!(
            ResourcePattern::any().to_string(),
            "ResourcePattern(resourceType=ANY, name=<any>, patternType=ANY)"
        );
        let entry = AclEntry {
            principal: "User:alice".to_owned(),
            host: "*".to_owned(),
            operation: AclOperation::Read,
            permission: Permission::Allow,
        };
        assert_eq!(entry.to_string(), "(principal=User:alice, host=*, operation=READ, permissionType=ALLOW)");
    }
}
