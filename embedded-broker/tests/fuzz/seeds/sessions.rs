//! Requests that belong together.

use bytes::Bytes;
use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::requests::Encoded;
use super::{Seed, batches, named};

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

fn session(name: &str, requests: &[Encoded]) -> Seed {
    named(&format!("session-{name}"), requests.iter().flat_map(Encoded::step).collect())
}

pub(super) fn all() -> Vec<Seed> {
    vec![
        session("records", &records()),
        session("classic-group", &classic_group()),
        session("consumer-group", &consumer_group()),
        session("transaction", &transaction()),
        session("topics", &topics()),
    ]
}

fn produce(version: i16, producer: (i64, i16, i32), transactional: Option<&'static str>) -> Encoded {
    let batch = batches::batch(&[("a", Some("1")), ("b", None)], producer, transactional.is_some());
    let data = PartitionProduceData::default().with_index(0).with_records(Some(Bytes::from(batch)));
    let topic = TopicProduceData::default().with_name(TopicName(text("t"))).with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_transactional_id(transactional.map(|id| TransactionalId(text(id))))
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic]);
    Encoded::of(version, &request)
}

fn fetch(isolation: i8) -> Encoded {
    let partition = FetchPartition::default().with_partition(0).with_fetch_offset(0).with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic(TopicName(text("t"))).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_isolation_level(isolation)
        .with_topics(vec![topic]);
    Encoded::of(12, &request)
}

fn records() -> Vec<Encoded> {
    let partition = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(-1);
    let topic = ListOffsetsTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![partition]);
    let deleted = DeleteRecordsPartition::default().with_partition_index(0).with_offset(1);
    let deleted = DeleteRecordsTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![deleted]);
    let none = (-1, -1, -1);
    vec![
        produce(3, none, None),
        produce(12, none, None),
        fetch(0),
        Encoded::of(10, &ListOffsetsRequest::default().with_topics(vec![topic])),
        Encoded::of(2, &DeleteRecordsRequest::default().with_topics(vec![deleted])),
        fetch(1),
    ]
}

fn classic_group() -> Vec<Encoded> {
    let (group, member) = (GroupId(text("g")), text(""));
    let instance = Some(text("static"));
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(&[0, 1, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    let join = JoinGroupRequest::default()
        .with_group_id(group.clone())
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_member_id(member.clone())
        .with_group_instance_id(instance.clone())
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let assignment = SyncGroupRequestAssignment::default().with_member_id(member);
    let sync = SyncGroupRequest::default()
        .with_group_id(group)
        .with_generation_id(1)
        .with_group_instance_id(instance)
        .with_assignments(vec![assignment]);
    vec![Encoded::of(9, &join), Encoded::of(5, &sync), commit(-1), offsets()]
}

fn commit(epoch: i32) -> Encoded {
    let partition = OffsetCommitRequestPartition::default().with_partition_index(0).with_committed_offset(1);
    let topic = OffsetCommitRequestTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_generation_id_or_member_epoch(epoch)
        .with_member_id(text(if epoch < 0 { "" } else { "m" }))
        .with_topics(vec![topic]);
    Encoded::of(9, &request)
}

fn offsets() -> Encoded {
    let group = OffsetFetchRequestGroup::default().with_group_id(GroupId(text("g"))).with_topics(None);
    Encoded::of(9, &OffsetFetchRequest::default().with_groups(vec![group]))
}

fn consumer_group() -> Vec<Encoded> {
    let heartbeat = |epoch: i32| {
        ConsumerGroupHeartbeatRequest::default()
            .with_group_id(GroupId(text("g")))
            .with_member_id(text("m"))
            .with_member_epoch(epoch)
            .with_rebalance_timeout_ms(10_000)
            .with_subscribed_topic_names(Some(vec![TopicName(text("t"))]))
            .with_topic_partitions(Some(Vec::new()))
    };
    let pattern = heartbeat(1).with_subscribed_topic_regex(Some(text("t.*")));
    vec![
        Encoded::of(1, &heartbeat(0)),
        commit(1),
        Encoded::of(1, &pattern),
        Encoded::of(1, &ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text("g"))])),
        offsets(),
        Encoded::of(1, &heartbeat(-1)),
    ]
}

fn transaction() -> Vec<Encoded> {
    let id = TransactionalId(text("x"));
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(id.clone()))
        .with_transaction_timeout_ms(10_000)
        .with_producer_id(ProducerId(-1))
        .with_producer_epoch(-1);
    let topic = AddPartitionsToTxnTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id.clone())
        .with_v3_and_below_topics(vec![topic.clone()]);
    let of_brokers =
        AddPartitionsToTxnTransaction::default().with_transactional_id(id.clone()).with_topics(vec![topic]);
    let of_brokers = AddPartitionsToTxnRequest::default().with_transactions(vec![of_brokers]);
    let offsets = AddOffsetsToTxnRequest::default().with_transactional_id(id.clone()).with_group_id(GroupId(text("g")));
    let end = |version: i16, committed| {
        Encoded::of(version, &EndTxnRequest::default().with_transactional_id(id.clone()).with_committed(committed))
    };
    vec![
        Encoded::of(5, &init),
        Encoded::of(3, &add),
        produce(11, (0, 0, 0), Some("x")),
        Encoded::of(4, &offsets),
        fetch(1),
        end(3, false),
        produce(12, (0, 0, 2), Some("x")),
        Encoded::of(5, &of_brokers),
        end(5, true),
        fetch(1),
        Encoded::of(0, &DescribeTransactionsRequest::default().with_transactional_ids(vec![id.clone()])),
        Encoded::of(2, &ListTransactionsRequest::default()),
    ]
}

fn topics() -> Vec<Encoded> {
    let new =
        CreatableTopic::default().with_name(TopicName(text("new"))).with_num_partitions(3).with_replication_factor(1);
    let resource = DescribeConfigsResource::default().with_resource_type(2).with_resource_name(text("new"));
    let config = AlterableConfig::default().with_name(text("retention.ms")).with_value(Some(text("1")));
    let changed = AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("new"))
        .with_configs(vec![config]);
    let asked = MetadataRequestTopic::default().with_name(Some(TopicName(text("new"))));
    vec![
        Encoded::of(7, &CreateTopicsRequest::default().with_timeout_ms(1_000).with_topics(vec![new])),
        Encoded::of(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![changed])),
        Encoded::of(4, &DescribeConfigsRequest::default().with_resources(vec![resource])),
        Encoded::of(13, &MetadataRequest::default().with_topics(Some(vec![asked]))),
        Encoded::of(5, &DeleteTopicsRequest::default().with_topic_names(vec![TopicName(text("new"))])),
    ]
}
