//! Which versions of which requests earlier releases of Kafka serve.
//!
//! From `validVersions` of the message definitions of Apache Kafka (`clients/src/main/resources/common/message`) at the tags
//! 2.4.1, 2.8.2 (brokers with ZooKeeper), 3.3.2, 3.6.2 and 3.8.0 (brokers with KRaft), without versions that are marked as
//! unstable. 3.9 and 4.0 are 3.8 with the changes that franz-go's `kversion` package lists for them.

use crate::fault::api_name::Api;

/// The releases, in the order of the columns below.
pub(super) const RELEASES: [&str; 7] = ["2.4", "2.8", "3.3", "3.6", "3.8", "3.9", "4.0"];

/// The newest version of each request in each release; -1 where it is not served. What is not here no release of these
/// serves.
pub(super) const NEWEST: &[(Api, [i16; RELEASES.len()])] = &[
    (Api::Produce, [8, 9, 9, 9, 11, 11, 12]),
    (Api::Fetch, [11, 12, 13, 15, 16, 17, 17]),
    (Api::ListOffsets, [5, 6, 7, 8, 8, 9, 10]),
    (Api::Metadata, [9, 11, 12, 12, 12, 12, 13]),
    (Api::OffsetCommit, [8, 8, 8, 8, 9, 9, 9]),
    (Api::OffsetFetch, [6, 7, 8, 8, 9, 9, 9]),
    (Api::FindCoordinator, [3, 3, 4, 4, 5, 6, 6]),
    (Api::JoinGroup, [6, 7, 9, 9, 9, 9, 9]),
    (Api::Heartbeat, [4, 4, 4, 4, 4, 4, 4]),
    (Api::LeaveGroup, [4, 4, 5, 5, 5, 5, 5]),
    (Api::SyncGroup, [4, 5, 5, 5, 5, 5, 5]),
    (Api::DescribeGroups, [5, 5, 5, 5, 5, 5, 6]),
    (Api::ListGroups, [3, 4, 4, 4, 5, 5, 5]),
    (Api::SaslHandshake, [1, 1, 1, 1, 1, 1, 1]),
    (Api::ApiVersions, [3, 3, 3, 3, 3, 4, 4]),
    (Api::CreateTopics, [5, 7, 7, 7, 7, 7, 7]),
    (Api::DeleteTopics, [4, 6, 6, 6, 6, 6, 6]),
    (Api::DeleteRecords, [1, 2, 2, 2, 2, 2, 2]),
    (Api::InitProducerId, [2, 4, 4, 4, 5, 5, 5]),
    (Api::OffsetForLeaderEpoch, [3, 4, 4, 4, 4, 4, 4]),
    (Api::AddPartitionsToTxn, [1, 3, 3, 4, 5, 5, 5]),
    (Api::AddOffsetsToTxn, [1, 3, 3, 3, 4, 4, 4]),
    (Api::EndTxn, [1, 3, 3, 3, 4, 4, 5]),
    (Api::WriteTxnMarkers, [0, 1, 1, 1, 1, 1, 1]),
    (Api::TxnOffsetCommit, [2, 3, 3, 3, 4, 4, 5]),
    (Api::DescribeAcls, [1, 2, 3, 3, 3, 3, 3]),
    (Api::CreateAcls, [1, 2, 3, 3, 3, 3, 3]),
    (Api::DeleteAcls, [1, 2, 3, 3, 3, 3, 3]),
    (Api::DescribeConfigs, [2, 4, 4, 4, 4, 4, 4]),
    (Api::AlterConfigs, [1, 2, 2, 2, 2, 2, 2]),
    (Api::AlterReplicaLogDirs, [1, 2, 2, 2, 2, 2, 2]),
    (Api::DescribeLogDirs, [1, 2, 4, 4, 4, 4, 4]),
    (Api::SaslAuthenticate, [1, 2, 2, 2, 2, 2, 2]),
    (Api::CreatePartitions, [1, 3, 3, 3, 3, 3, 3]),
    (Api::CreateDelegationToken, [2, 2, -1, 3, 3, 3, 3]),
    (Api::RenewDelegationToken, [1, 2, -1, 2, 2, 2, 2]),
    (Api::ExpireDelegationToken, [1, 2, -1, 2, 2, 2, 2]),
    (Api::DescribeDelegationToken, [1, 2, -1, 3, 3, 3, 3]),
    (Api::DeleteGroups, [2, 2, 2, 2, 2, 2, 2]),
    (Api::ElectLeaders, [2, 2, 2, 2, 2, 2, 2]),
    (Api::IncrementalAlterConfigs, [1, 1, 1, 1, 1, 1, 1]),
    (Api::AlterPartitionReassignments, [0, 0, 0, 0, 0, 0, 0]),
    (Api::ListPartitionReassignments, [0, 0, 0, 0, 0, 0, 0]),
    (Api::OffsetDelete, [0, 0, 0, 0, 0, 0, 0]),
    (Api::DescribeClientQuotas, [-1, 1, 1, 1, 1, 1, 1]),
    (Api::AlterClientQuotas, [-1, 1, 1, 1, 1, 1, 1]),
    (Api::DescribeUserScramCredentials, [-1, 0, -1, 0, 0, 0, 0]),
    (Api::AlterUserScramCredentials, [-1, 0, -1, 0, 0, 0, 0]),
    (Api::DescribeQuorum, [-1, -1, 1, 1, 1, 2, 2]),
    (Api::UpdateFeatures, [-1, 0, 1, 1, 1, 1, 2]),
    (Api::DescribeCluster, [-1, 0, 0, 0, 1, 1, 2]),
    (Api::DescribeProducers, [-1, 0, 0, 0, 0, 0, 0]),
    (Api::UnregisterBroker, [-1, -1, 0, 0, 0, 0, 0]),
    (Api::DescribeTransactions, [-1, -1, 0, 0, 0, 0, 0]),
    (Api::ListTransactions, [-1, -1, 0, 0, 1, 1, 1]),
    (Api::ConsumerGroupHeartbeat, [-1, -1, -1, -1, 0, 0, 1]),
    (Api::ConsumerGroupDescribe, [-1, -1, -1, -1, 0, 0, 1]),
    (Api::GetTelemetrySubscriptions, [-1, -1, -1, -1, 0, 0, 0]),
    (Api::PushTelemetry, [-1, -1, -1, -1, 0, 0, 0]),
    (Api::ListConfigResources, [-1, -1, -1, -1, 0, 0, 0]),
    (Api::DescribeTopicPartitions, [-1, -1, -1, -1, 0, 0, 0]),
];
