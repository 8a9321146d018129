//! [`AclBinding`]: a right (an entry of an access control list), and filters that find such.

use std::fmt;

/// What a right is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AclResourceType {
    /// Topics.
    Topic,
    /// Groups.
    Group,
    /// The cluster as a whole; its one name is `kafka-cluster`.
    Cluster,
    /// Ids of transactions.
    TransactionalId,
    /// One that librdkafka has no name for: tokens and users.
    Unknown,
}

/// How the name of a right stands for what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PatternType {
    /// For the one of this name, or for all with `*`.
    Literal,
    /// For all whose names begin with it.
    Prefixed,
    /// One that librdkafka has no name for.
    Unknown,
}

/// Which rights are looked for, by how their names are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PatternFilter {
    /// Those with this name, however it is meant.
    #[default]
    Any,
    /// All that hold for what has this name: its own, those of a prefix of it, and those of `*`.
    Match,
    /// As [`PatternType::Literal`].
    Literal,
    /// As [`PatternType::Prefixed`].
    Prefixed,
}

/// What is allowed or denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AclOperation {
    /// All of it.
    All,
    /// To read records, or with a group.
    Read,
    /// To write records, or in transactions.
    Write,
    /// To create topics.
    Create,
    /// To delete them, or groups.
    Delete,
    /// To change them.
    Alter,
    /// To see that they are there, and what they are made of.
    Describe,
    /// What brokers do among each other.
    ClusterAction,
    /// To see configs.
    DescribeConfigs,
    /// To change configs.
    AlterConfigs,
    /// To send with idempotence, for brokers before 2.8.
    IdempotentWrite,
    /// One that librdkafka has no name for.
    Unknown,
}

/// Whether a right allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AclPermission {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
    /// One that librdkafka has no name for.
    Unknown,
}

/// A right; Kafka's `AclBinding`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AclBinding {
    /// What it is about.
    pub resource_type: AclResourceType,
    /// The name of that.
    pub resource: String,
    /// How the name is meant.
    pub pattern_type: PatternType,
    /// Whose it is: `User:alice`, `User:*`.
    pub principal: String,
    /// From which address; `*`: from any.
    pub host: String,
    /// What may or must not be done.
    pub operation: AclOperation,
    /// Which of both.
    pub permission: AclPermission,
}

impl AclBinding {
    /// That a principal may do something with the one of this name, from any address.
    pub fn allow(
        principal: impl Into<String>,
        operation: AclOperation,
        resource_type: AclResourceType,
        resource: impl Into<String>,
    ) -> Self {
        Self {
            resource_type,
            resource: resource.into(),
            pattern_type: PatternType::Literal,
            principal: principal.into(),
            host: "*".to_owned(),
            operation,
            permission: AclPermission::Allow,
        }
    }

    /// That a principal must not, whatever else allows it.
    pub fn deny(
        principal: impl Into<String>,
        operation: AclOperation,
        resource_type: AclResourceType,
        resource: impl Into<String>,
    ) -> Self {
        Self { permission: AclPermission::Deny, ..Self::allow(principal, operation, resource_type, resource) }
    }

    /// With all whose names begin with it.
    #[must_use]
    pub fn prefixed(self) -> Self {
        Self { pattern_type: PatternType::Prefixed, ..self }
    }

    /// From this address only.
    #[must_use]
    pub fn from_host(self, host: impl Into<String>) -> Self {
        Self { host: host.into(), ..self }
    }
}

impl fmt::Display for AclBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource_type, resource, pattern_type, principal, host, operation, permission } = self;
        let prefix = if *pattern_type == PatternType::Prefixed { " prefixed" } else { "" };
        write!(f, "{permission:?} {principal} from {host} to {operation:?} {resource_type:?}{prefix} `{resource}`")
    }
}

/// Which rights are looked for: what is `None` is not looked at; Kafka's `AclBindingFilter`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AclBindingFilter {
    /// What they are about.
    pub resource_type: Option<AclResourceType>,
    /// The name of that.
    pub resource: Option<String>,
    /// How the name is meant.
    pub pattern_type: PatternFilter,
    /// Whose they are.
    pub principal: Option<String>,
    /// From which address.
    pub host: Option<String>,
    /// What may or must not be done.
    pub operation: Option<AclOperation>,
    /// Which of both.
    pub permission: Option<AclPermission>,
}

impl AclBindingFilter {
    /// Every right there is.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Those about this one, also by a prefix of its name or by `*`.
    #[must_use]
    pub fn matching(resource_type: AclResourceType, resource: impl Into<String>) -> Self {
        Self {
            resource_type: Some(resource_type),
            resource: Some(resource.into()),
            pattern_type: PatternFilter::Match,
            ..Self::default()
        }
    }

    /// Those of this principal.
    #[must_use]
    pub fn principal(self, principal: impl Into<String>) -> Self {
        Self { principal: Some(principal.into()), ..self }
    }
}

impl From<&AclBinding> for AclBindingFilter {
    /// The one that finds this right alone.
    fn from(acl: &AclBinding) -> Self {
        Self {
            resource_type: Some(acl.resource_type),
            resource: Some(acl.resource.clone()),
            pattern_type: acl.pattern_type.into(),
            principal: Some(acl.principal.clone()),
            host: Some(acl.host.clone()),
            operation: Some(acl.operation),
            permission: Some(acl.permission),
        }
    }
}

impl From<PatternType> for PatternFilter {
    fn from(pattern: PatternType) -> Self {
        match pattern {
            PatternType::Literal => Self::Literal,
            PatternType::Prefixed => Self::Prefixed,
            PatternType::Unknown => Self::Any,
        }
    }
}

impl AclResourceType {
    /// By Kafka's number.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            2 => Self::Topic,
            3 => Self::Group,
            4 => Self::Cluster,
            5 => Self::TransactionalId,
            _ => Self::Unknown,
        }
    }
}

impl PatternType {
    /// By Kafka's number.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            3 => Self::Literal,
            4 => Self::Prefixed,
            _ => Self::Unknown,
        }
    }
}

impl AclOperation {
    /// By Kafka's number.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            2 => Self::All,
            3 => Self::Read,
            4 => Self::Write,
            5 => Self::Create,
            6 => Self::Delete,
            7 => Self::Alter,
            8 => Self::Describe,
            9 => Self::ClusterAction,
            10 => Self::DescribeConfigs,
            11 => Self::AlterConfigs,
            12 => Self::IdempotentWrite,
            _ => Self::Unknown,
        }
    }
}

impl AclPermission {
    /// By Kafka's number.
    pub(crate) fn of(number: i32) -> Self {
        match number {
            2 => Self::Deny,
            3 => Self::Allow,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_says_what_it_is() {
        let read = AclBinding::allow("User:billing", AclOperation::Read, AclResourceType::Topic, "orders-");
        assert_eq!(read.to_string(), "Allow User:billing from * to Read Topic `orders-`");
        let deny =
            AclBinding::deny("User:*", AclOperation::All, AclResourceType::Group, "g").prefixed().from_host("::1");
        assert_eq!(deny.to_string(), "Deny User:* from ::1 to All Group prefixed `g`");
    }

    #[test]
    fn the_filter_of_a_right_looks_at_all_of_it() {
        let acl = AclBinding::allow("User:a", AclOperation::Write, AclResourceType::TransactionalId, "t").prefixed();
        let filter = AclBindingFilter::from(&acl);
        assert_eq!(filter.pattern_type, PatternFilter::Prefixed);
        assert!(filter.resource.is_some() && filter.principal.is_some() && filter.host.is_some());
        assert!(filter.resource_type.is_some() && filter.operation.is_some() && filter.permission.is_some());
    }

    #[test]
    fn what_a_later_kafka_adds_is_unknown() {
        assert_eq!(AclOperation::of(13), AclOperation::Unknown);
        assert_eq!(AclResourceType::of(7), AclResourceType::Unknown);
        assert_eq!((PatternType::of(9), AclPermission::of(0)), (PatternType::Unknown, AclPermission::Unknown));
    }
}
