//! Every request that is served, in every version: its response to an error can be read, and has the code wherever it has
//! room for it.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Request};

use crate::api::{APIS, api};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;

/// Nothing answers with this by itself.
const CODE: ErrorCode = ErrorCode::DuplicateBrokerRegistration;

/// Which requests were tried.
#[derive(Default)]
struct Tried(BTreeSet<i16>);

impl Tried {
    /// Asks in every version that is served, if it is at all; `expected` is how often the response has the code.
    fn each_version<Q>(&mut self, request: impl Fn(i16) -> Q, expected: impl Fn(i16) -> usize)
    where
        Q: Request,
        Q::Response: Debug,
    {
        let Some(row) = api(Q::KEY) else { return };
        for version in row.min_version..=row.max_version {
            let mut body = BytesMut::new();
            request(version).encode(&mut body, version).expect("the request can be encoded");
            let mut out = BytesMut::new();
            (row.fail)(version, &body, CODE, &mut out).expect("the response can be encoded");
            let mut out = out.freeze();
            let response = Q::Response::decode(&mut out, version).expect("the response can be decoded");
            assert!(out.is_empty(), "{:?} {version}: bytes are left", row.key);
            let text = format!("{response:?}");
            let told = text.matches(&format!("error_code: {}", CODE.code())).count();
            assert_eq!(told, expected(version), "{:?} {version}: {text}", row.key);
        }
        self.0.insert(Q::KEY);
    }

    /// Requests that fail as a whole.
    fn whole<Q: Request + Default>(&mut self)
    where
        Q::Response: Debug,
    {
        self.each_version(|_| Q::default(), |_| 1);
    }
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn topic(name: &'static str) -> TopicName {
    TopicName(text(name))
}

fn group(name: &'static str) -> GroupId {
    GroupId(text(name))
}

#[test]
fn every_response_to_an_error_has_the_code_wherever_it_can_be_told() {
    let mut tried = Tried::default();
    requests_that_fail_as_a_whole(&mut tried);
    requests_about_records(&mut tried);
    requests_about_groups(&mut tried);
    requests_about_topics(&mut tried);
    requests_about_partitions(&mut tried);
    requests_about_configs_and_users(&mut tried);
    let untried: Vec<_> = APIS.iter().map(|row| row.key).filter(|key| !tried.0.contains(&(*key as i16))).collect();
    assert_eq!(untried, [], "a request that is served has no test of its response to an error");
}

fn requests_that_fail_as_a_whole(tried: &mut Tried) {
    tried.whole::<JoinGroupRequest>();
    tried.whole::<HeartbeatRequest>();
    tried.whole::<LeaveGroupRequest>();
    tried.whole::<SyncGroupRequest>();
    tried.whole::<ListGroupsRequest>();
    tried.whole::<SaslHandshakeRequest>();
    tried.whole::<SaslAuthenticateRequest>();
    tried.whole::<ApiVersionsRequest>();
    tried.whole::<InitProducerIdRequest>();
    tried.whole::<AddOffsetsToTxnRequest>();
    tried.whole::<EndTxnRequest>();
    tried.whole::<DescribeAclsRequest>();
    tried.whole::<CreateDelegationTokenRequest>();
    tried.whole::<RenewDelegationTokenRequest>();
    tried.whole::<ExpireDelegationTokenRequest>();
    tried.whole::<DescribeDelegationTokenRequest>();
    tried.whole::<ShareGroupHeartbeatRequest>();
    tried.whole::<ShareFetchRequest>();
    tried.whole::<ShareAcknowledgeRequest>();
    tried.whole::<AlterShareGroupOffsetsRequest>();
    tried.whole::<DeleteShareGroupOffsetsRequest>();
    tried.whole::<ListPartitionReassignmentsRequest>();
    tried.whole::<OffsetDeleteRequest>();
    tried.whole::<DescribeClientQuotasRequest>();
    tried.whole::<DescribeQuorumRequest>();
    tried.whole::<UpdateFeaturesRequest>();
    tried.whole::<DescribeClusterRequest>();
    tried.whole::<UnregisterBrokerRequest>();
    tried.whole::<ListTransactionsRequest>();
    tried.whole::<ConsumerGroupHeartbeatRequest>();
    tried.whole::<GetTelemetrySubscriptionsRequest>();
    tried.whole::<PushTelemetryRequest>();
    tried.whole::<ListConfigResourcesRequest>();
    // As Kafka: older clients have no field for it.
    tried.each_version(|_| DescribeLogDirsRequest::default(), |version| usize::from(version >= 3));
}

fn requests_about_records(tried: &mut Tried) {
    tried.each_version(
        |version| {
            use produce_request::{PartitionProduceData, TopicProduceData};
            let partition = |index| PartitionProduceData::default().with_index(index).with_records(Some(Bytes::new()));
            let named = |name| match version {
                13.. => TopicProduceData::default().with_topic_id(uuid::Uuid::from_u128(1)),
                _ => TopicProduceData::default().with_name(topic(name)),
            };
            let topic = |name| named(name).with_partition_data(vec![partition(0), partition(1)]);
            ProduceRequest::default().with_acks(1).with_topic_data(vec![topic("a"), topic("b")])
        },
        |_| 4,
    );
    tried.each_version(
        |version| {
            use fetch_request::{FetchPartition, FetchTopic};
            let partition = |index| FetchPartition::default().with_partition(index);
            let named = |name| match version {
                13.. => FetchTopic::default().with_topic_id(uuid::Uuid::from_u128(1)),
                _ => FetchTopic::default().with_topic(topic(name)),
            };
            let topic = |name| named(name).with_partitions(vec![partition(0), partition(1)]);
            FetchRequest::default().with_topics(vec![topic("a"), topic("b")])
        },
        |version| match version {
            ..7 => 4,
            7..13 => 5,
            13.. => 1,
        },
    );
}

fn requests_about_groups(tried: &mut Tried) {
    tried.each_version(
        |_| {
            use offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
            let partition = |index| OffsetCommitRequestPartition::default().with_partition_index(index);
            let topic = OffsetCommitRequestTopic::default().with_name(topic("a"));
            let topics = vec![topic.with_partitions(vec![partition(0), partition(1)])];
            OffsetCommitRequest::default().with_group_id(group("g")).with_topics(topics)
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            use txn_offset_commit_request::{TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};
            let partition = |index| TxnOffsetCommitRequestPartition::default().with_partition_index(index);
            let topic = TxnOffsetCommitRequestTopic::default().with_name(topic("a"));
            let topics = vec![topic.with_partitions(vec![partition(0), partition(1)])];
            TxnOffsetCommitRequest::default().with_group_id(group("g")).with_topics(topics)
        },
        |_| 2,
    );
    tried.each_version(
        |version| {
            use offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic};
            let group_of = |id| OffsetFetchRequestGroup::default().with_group_id(group(id));
            if version >= 8 {
                return OffsetFetchRequest::default().with_groups(vec![group_of("g"), group_of("h")]);
            }
            let topic = OffsetFetchRequestTopic::default().with_name(topic("a")).with_partition_indexes(vec![0, 1, 2]);
            OffsetFetchRequest::default().with_topics(Some(vec![topic]))
        },
        |version| match version {
            ..2 => 3,
            2..8 => 1,
            8.. => 2,
        },
    );
    tried.each_version(
        |version| {
            let request = FindCoordinatorRequest::default();
            if version >= 4 { request.with_coordinator_keys(vec![text("g"), text("h")]) } else { request }
        },
        |version| if version >= 4 { 2 } else { 1 },
    );
    tried.each_version(|_| DescribeGroupsRequest::default().with_groups(vec![group("g"), group("h")]), |_| 2);
    tried.each_version(|_| DeleteGroupsRequest::default().with_groups_names(vec![group("g"), group("h")]), |_| 2);
    tried.each_version(|_| ConsumerGroupDescribeRequest::default().with_group_ids(vec![group("g"), group("h")]), |_| 2);
    tried.each_version(|_| ShareGroupDescribeRequest::default().with_group_ids(vec![group("g"), group("h")]), |_| 2);
    tried.each_version(
        |_| {
            use describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
            let asked = DescribeShareGroupOffsetsRequestGroup::default().with_group_id(group("g"));
            DescribeShareGroupOffsetsRequest::default().with_groups(vec![asked])
        },
        |_| 1,
    );
    tried.each_version(
        |_| DescribeTransactionsRequest::default().with_transactional_ids(vec![TransactionalId(text("t"))]),
        |_| 1,
    );
}

fn requests_about_topics(tried: &mut Tried) {
    tried.each_version(
        |_| {
            let topic = |name| metadata_request::MetadataRequestTopic::default().with_name(Some(topic(name)));
            MetadataRequest::default().with_topics(Some(vec![topic("a"), topic("b")]))
        },
        |version| if version >= 13 { 3 } else { 2 },
    );
    tried.each_version(
        |_| {
            let topic = create_topics_request::CreatableTopic::default().with_name(topic("a"));
            CreateTopicsRequest::default().with_topics(vec![topic])
        },
        |_| 1,
    );
    tried.each_version(
        |version| {
            if version < 6 {
                return DeleteTopicsRequest::default().with_topic_names(vec![topic("a"), topic("b")]);
            }
            let by_name = delete_topics_request::DeleteTopicState::default().with_name(Some(topic("a")));
            let by_id = delete_topics_request::DeleteTopicState::default().with_topic_id(uuid::Uuid::from_u128(1));
            DeleteTopicsRequest::default().with_topics(vec![by_name, by_id])
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let topic = create_partitions_request::CreatePartitionsTopic::default().with_name(topic("a"));
            CreatePartitionsRequest::default().with_topics(vec![topic])
        },
        |_| 1,
    );
    tried.each_version(
        |_| {
            let topic = |name| describe_topic_partitions_request::TopicRequest::default().with_name(topic(name));
            DescribeTopicPartitionsRequest::default().with_topics(vec![topic("a"), topic("b")])
        },
        |_| 2,
    );
}

fn requests_about_partitions(tried: &mut Tried) {
    tried.each_version(
        |_| {
            use list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
            let partition = |index| ListOffsetsPartition::default().with_partition_index(index);
            let topic = ListOffsetsTopic::default().with_name(topic("a"));
            ListOffsetsRequest::default().with_topics(vec![topic.with_partitions(vec![partition(0), partition(1)])])
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let partition = delete_records_request::DeleteRecordsPartition::default();
            let topic = delete_records_request::DeleteRecordsTopic::default().with_name(topic("a"));
            DeleteRecordsRequest::default().with_topics(vec![topic.with_partitions(vec![partition])])
        },
        |_| 1,
    );
    tried.each_version(
        |_| {
            let partition = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
            let topic = offset_for_leader_epoch_request::OffsetForLeaderTopic::default().with_topic(topic("a"));
            OffsetForLeaderEpochRequest::default().with_topics(vec![topic.with_partitions(vec![partition])])
        },
        |_| 1,
    );
    tried.each_version(
        |version| {
            let request = AddPartitionsToTxnRequest::default();
            let topic = add_partitions_to_txn_request::AddPartitionsToTxnTopic::default()
                .with_name(topic("a"))
                .with_partitions(vec![0, 1]);
            if version < 4 { request.with_v3_and_below_topics(vec![topic]) } else { request }
        },
        |version| if version < 4 { 2 } else { 1 },
    );
    tried.each_version(
        |_| {
            let topic = write_txn_markers_request::WritableTxnMarkerTopic::default()
                .with_name(topic("a"))
                .with_partition_indexes(vec![0, 1]);
            let marker = write_txn_markers_request::WritableTxnMarker::default().with_topics(vec![topic]);
            WriteTxnMarkersRequest::default().with_markers(vec![marker])
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let topic = alter_replica_log_dirs_request::AlterReplicaLogDirTopic::default()
                .with_name(topic("a"))
                .with_partitions(vec![0, 1]);
            let dir = alter_replica_log_dirs_request::AlterReplicaLogDir::default().with_topics(vec![topic]);
            AlterReplicaLogDirsRequest::default().with_dirs(vec![dir])
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let topic =
                elect_leaders_request::TopicPartitions::default().with_topic(topic("a")).with_partitions(vec![0, 1]);
            ElectLeadersRequest::default().with_topic_partitions(Some(vec![topic]))
        },
        |version| if version >= 1 { 3 } else { 2 },
    );
    tried.each_version(
        |_| {
            let partition = alter_partition_reassignments_request::ReassignablePartition::default();
            let topic = alter_partition_reassignments_request::ReassignableTopic::default().with_name(topic("a"));
            AlterPartitionReassignmentsRequest::default().with_topics(vec![topic.with_partitions(vec![partition])])
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let topic = describe_producers_request::TopicRequest::default()
                .with_name(topic("a"))
                .with_partition_indexes(vec![0, 1]);
            DescribeProducersRequest::default().with_topics(vec![topic])
        },
        |_| 2,
    );
}

fn requests_about_configs_and_users(tried: &mut Tried) {
    tried.each_version(
        |_| CreateAclsRequest::default().with_creations(vec![create_acls_request::AclCreation::default(); 2]),
        |_| 2,
    );
    tried.each_version(
        |_| DeleteAclsRequest::default().with_filters(vec![delete_acls_request::DeleteAclsFilter::default(); 2]),
        |_| 2,
    );
    tried.each_version(
        |_| {
            let resource = describe_configs_request::DescribeConfigsResource::default().with_resource_name(text("a"));
            DescribeConfigsRequest::default().with_resources(vec![resource.clone(), resource])
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let resource = alter_configs_request::AlterConfigsResource::default().with_resource_name(text("a"));
            AlterConfigsRequest::default().with_resources(vec![resource])
        },
        |_| 1,
    );
    tried.each_version(
        |_| {
            let resource = incremental_alter_configs_request::AlterConfigsResource::default();
            IncrementalAlterConfigsRequest::default().with_resources(vec![resource.with_resource_name(text("a"))])
        },
        |_| 1,
    );
    tried.each_version(
        |_| {
            let entity = alter_client_quotas_request::EntityData::default().with_entity_type(text("user"));
            let entry = alter_client_quotas_request::EntryData::default().with_entity(vec![entity]);
            AlterClientQuotasRequest::default().with_entries(vec![entry])
        },
        |_| 1,
    );
    tried.each_version(
        |_| {
            let user = describe_user_scram_credentials_request::UserName::default().with_name(text("alice"));
            DescribeUserScramCredentialsRequest::default().with_users(Some(vec![user]))
        },
        |_| 2,
    );
    tried.each_version(
        |_| {
            let deletion =
                |user| alter_user_scram_credentials_request::ScramCredentialDeletion::default().with_name(text(user));
            let upsertion = alter_user_scram_credentials_request::ScramCredentialUpsertion::default();
            AlterUserScramCredentialsRequest::default()
                .with_deletions(vec![deletion("alice"), deletion("bob")])
                .with_upsertions(vec![upsertion.with_name(text("bob"))])
        },
        |_| 2,
    );
}
