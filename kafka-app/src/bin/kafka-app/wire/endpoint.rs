//! [`Endpoint`]: brokers and controllers have listeners of their own, and answer other requests.

use kafka_protocol::{
    messages::{ApiKey, DescribeClusterRequest},
    protocol::StrBytes,
};

use super::{KafkaError, WireError};

const UNSUPPORTED_ENDPOINT_TYPE: i16 = 115;

/// What Java clients ask controllers for.
const OF_CONTROLLERS: [ApiKey; 13] = [
    ApiKey::AddRaftVoter,
    ApiKey::AlterPartitionReassignments,
    ApiKey::CreateAcls,
    ApiKey::DeleteAcls,
    ApiKey::DescribeAcls,
    ApiKey::DescribeCluster,
    ApiKey::DescribeConfigs,
    ApiKey::DescribeQuorum,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::ListPartitionReassignments,
    ApiKey::RemoveRaftVoter,
    ApiKey::UnregisterBroker,
    ApiKey::UpdateFeatures,
];

/// Whose listener it is that is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Broker,
    /// A controller knows the cluster, and has no topics and groups.
    Controller,
}

impl Endpoint {
    /// Refuses what only brokers are asked for, as Java clients do.
    ///
    /// # Errors
    /// In their words, if controllers are not asked for this.
    pub(super) fn admit(self, key: i16) -> Result<(), WireError> {
        let is_asked = OF_CONTROLLERS.iter().any(|&one| one as i16 == key);
        let words = StrBytes::from_static_str(
            "This Admin API is not yet supported when communicating directly with the controller quorum.",
        );
        match self {
            Self::Controller if !is_asked => Ok(KafkaError::check(UNSUPPORTED_ENDPOINT_TYPE, Some(&words))?),
            _ => Ok(()),
        }
    }

    /// The request for the nodes that have such a listener.
    pub(super) fn describe_cluster(self) -> DescribeClusterRequest {
        DescribeClusterRequest::default().with_endpoint_type(match self {
            Self::Broker => 1,
            Self::Controller => 2,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_are_not_asked_for_what_brokers_have() {
        for endpoint in [Endpoint::Broker, Endpoint::Controller] {
            assert_eq!(endpoint.admit(ApiKey::DescribeQuorum as i16), Ok(()));
        }
        assert_eq!(Endpoint::Broker.admit(ApiKey::DescribeLogDirs as i16), Ok(()));
        assert_eq!(
            Endpoint::Controller.admit(ApiKey::DescribeLogDirs as i16).unwrap_err().to_string(),
            "org.apache.kafka.common.errors.UnsupportedEndpointTypeException: This Admin API is not yet supported when \
             communicating directly with the controller quorum."
        );
    }
}
