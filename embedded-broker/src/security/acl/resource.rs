//! Resources by name, and what can be done with each.

use super::kinds::{Operation, ResourceType};
use crate::error::{Error, ErrorCode};

/// Something that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource<'a> {
    Cluster,
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
}

/// The one name that a cluster has.
pub(crate) const CLUSTER_NAME: &str = "kafka-cluster";

impl<'a> Resource<'a> {
    pub(crate) const fn kind(self) -> ResourceType {
        match self {
            Self::Cluster => ResourceType::Cluster,
            Self::Topic(_) => ResourceType::Topic,
            Self::Group(_) => ResourceType::Group,
            Self::TransactionalId(_) => ResourceType::TransactionalId,
        }
    }

    pub(crate) const fn name(self) -> &'a str {
        match self {
            Self::Cluster => CLUSTER_NAME,
            Self::Topic(name) | Self::Group(name) | Self::TransactionalId(name) => name,
        }
    }

    /// What a client is answered that may not.
    pub(crate) const fn denied(self) -> ErrorCode {
        match self {
            Self::Cluster => ErrorCode::ClusterAuthorizationFailed,
            Self::Topic(_) => ErrorCode::TopicAuthorizationFailed,
            Self::Group(_) => ErrorCode::GroupAuthorizationFailed,
            Self::TransactionalId(_) => ErrorCode::TransactionalIdAuthorizationFailed,
        }
    }

    /// The same with Kafka's words.
    pub(crate) fn denied_error(self) -> Error {
        let text = match self {
            Self::Cluster => "Cluster authorization failed.",
            Self::Topic(_) => "Topic authorization failed.",
            Self::Group(_) => "Group authorization failed.",
            Self::TransactionalId(_) => "Transactional Id authorization failed.",
        };
        Error::with_code(self.denied(), text)
    }

    /// What can be done with it, as Kafka lists it.
    pub(crate) const fn operations(self) -> &'static [Operation] {
        use Operation::{
            Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs, IdempotentWrite, Read,
            TwoPhaseCommit, Write,
        };
        match self {
            Self::Cluster => &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe],
            Self::Topic(_) => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
            Self::Group(_) => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
            Self::TransactionalId(_) => &[Describe, Write, TwoPhaseCommit],
        }
    }
}
