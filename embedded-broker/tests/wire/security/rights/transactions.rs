//! Requests of producers with transactions, and of the tools that look at them.

use kafka_protocol::messages::add_partitions_to_txn_request::{AddPartitionsToTxnTopic, AddPartitionsToTxnTransaction};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeProducersRequest, EndTxnRequest, InitProducerIdRequest,
    ListTransactionsRequest, TxnOffsetCommitRequest, WriteTxnMarkersRequest,
};

use super::Right::{Cluster, Group, Id, Topic};
use super::*;
use crate::core_as_kafka::raw::Raw;
use crate::records::{name, produce_request};

const PRODUCER: ProducerId = ProducerId(4_000_000);

fn init(client: &mut Client, id: Option<TransactionalId>) -> String {
    let request = InitProducerIdRequest::default().with_transactional_id(id).with_transaction_timeout_ms(1000);
    let told = client.call(5, &request);
    format!("{} {} {}", told.error_code, told.producer_id.0 == -1, told.producer_epoch)
}

fn init_of_id(client: &mut Client, world: &World) -> String {
    init(client, Some(world.transactional_id()))
}

fn init_of_nobody(client: &mut Client, _: &World) -> String {
    init(client, None)
}

/// The topic that the row is about, and one that is not there.
fn topics(world: &World) -> Vec<AddPartitionsToTxnTopic> {
    let topic = |topic: &str| AddPartitionsToTxnTopic::default().with_name(name(topic)).with_partitions(vec![0]);
    vec![topic(&world.names.topic)]
}

fn add_partitions(client: &mut Client, world: &World) -> String {
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(world.transactional_id())
        .with_v3_and_below_producer_id(PRODUCER)
        .with_v3_and_below_topics(topics(world));
    let told = client.call(3, &request).results_by_topic_v3_and_below;
    told[0].results_by_partition[0].partition_error_code.to_string()
}

fn add_offsets_topic(client: &mut Client, world: &World) -> String {
    let offsets = AddPartitionsToTxnTopic::default().with_name(name("__consumer_offsets")).with_partitions(vec![0]);
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(world.transactional_id())
        .with_v3_and_below_producer_id(PRODUCER)
        .with_v3_and_below_topics([topics(world), vec![offsets]].concat());
    let mut told = client.call(3, &request).results_by_topic_v3_and_below;
    told.sort_by_key(|topic| topic.name.as_str() == "__consumer_offsets");
    let codes = told.iter().map(|topic| topic.results_by_partition[0].partition_error_code);
    format!("{:?}", codes.collect::<Vec<_>>())
}

fn add_partitions_of_many(client: &mut Client, world: &World) -> String {
    let transaction = AddPartitionsToTxnTransaction::default()
        .with_transactional_id(world.transactional_id())
        .with_producer_id(PRODUCER)
        .with_topics(topics(world));
    let told = client.call(5, &AddPartitionsToTxnRequest::default().with_transactions(vec![transaction]));
    let codes = told.results_by_transaction.iter().flat_map(|one| &one.topic_results);
    let codes = codes.flat_map(|topic| &topic.results_by_partition).map(|one| one.partition_error_code);
    format!("{} {:?}", told.error_code, codes.collect::<Vec<_>>())
}

fn add_offsets(client: &mut Client, world: &World) -> String {
    let request = AddOffsetsToTxnRequest::default()
        .with_transactional_id(world.transactional_id())
        .with_producer_id(PRODUCER)
        .with_group_id(group(&world.names.group));
    client.call(4, &request).error_code.to_string()
}

fn commit_offsets(client: &mut Client, world: &World) -> String {
    let partition = TxnOffsetCommitRequestPartition::default().with_committed_leader_epoch(-1);
    let topic =
        TxnOffsetCommitRequestTopic::default().with_name(name(&world.names.topic)).with_partitions(vec![partition]);
    let request = TxnOffsetCommitRequest::default()
        .with_transactional_id(world.transactional_id())
        .with_group_id(group(&world.names.group))
        .with_producer_id(PRODUCER)
        .with_generation_id(-1)
        .with_topics(vec![topic]);
    client.call(5, &request).topics[0].partitions[0].error_code.to_string()
}

fn end(client: &mut Client, world: &World) -> String {
    let request = EndTxnRequest::default().with_transactional_id(world.transactional_id()).with_producer_id(PRODUCER);
    client.call(5, &request).error_code.to_string()
}

fn produce(client: &mut Client, world: &World, id: Option<TransactionalId>) -> String {
    let batch = Raw::of(1).from(PRODUCER.0, 0, 0).with(|raw| raw.attributes = 0x10);
    let request = produce_request(&world.names.topic, world.names.id, 11, 0, batch.bytes()).with_transactional_id(id);
    let told = client.call(11, &request);
    let told = &told.responses[0].partition_responses[0];
    format!("{} {:?}", told.error_code, told.error_message.as_deref())
}

fn produce_in_transaction(client: &mut Client, world: &World) -> String {
    produce(client, world, Some(world.transactional_id()))
}

fn produce_in_no_transaction(client: &mut Client, world: &World) -> String {
    produce(client, world, None)
}

fn write_markers(client: &mut Client, world: &World) -> String {
    let topic = WritableTxnMarkerTopic::default().with_name(name(&world.names.topic)).with_partition_indexes(vec![0]);
    let marker = WritableTxnMarker::default().with_producer_id(PRODUCER).with_topics(vec![topic]);
    let told = client.call(1, &WriteTxnMarkersRequest::default().with_markers(vec![marker]));
    told.markers[0].topics[0].partitions[0].error_code.to_string()
}

fn describe(client: &mut Client, world: &World) -> String {
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![world.transactional_id()]);
    let told = client.call(0, &request).transaction_states.remove(0);
    format!("{} {:?} {:?}", told.error_code, told.transaction_state.as_str(), told.topics.len())
}

fn list(client: &mut Client, world: &World) -> String {
    init_of_id(client, world);
    let request =
        ListTransactionsRequest::default().with_transactional_id_pattern(Some(text(&format!("{}.*", world.id))));
    let told = client.call(2, &request);
    format!("{} {}", told.error_code, told.transaction_states.len())
}

/// Begins a transaction in the topic, and describes it.
fn describe_an_open_one(client: &mut Client, world: &World) -> String {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(world.transactional_id()))
        .with_transaction_timeout_ms(1000);
    let producer = ask_until(|| client.call(5, &request), |told| ![14, 15, 16, 51].contains(&told.error_code));
    let request = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(world.transactional_id())
        .with_v3_and_below_producer_id(producer.producer_id)
        .with_v3_and_below_producer_epoch(producer.producer_epoch)
        .with_v3_and_below_topics(topics(world));
    let added = client.call(3, &request).results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
    format!("{} after {added}", describe(client, world))
}

fn describe_producers(client: &mut Client, world: &World) -> String {
    let topic = TopicRequest::default().with_name(name(&world.names.topic)).with_partition_indexes(vec![0]);
    let told = client.call(0, &DescribeProducersRequest::default().with_topics(vec![topic])).topics.remove(0);
    let told = &told.partitions[0];
    format!("{} {:?}", told.error_code, told.error_message.as_deref())
}

const DENIED: &str = "53";
const TABLE: &[Row] = &[
    Row { asked: "init", ask: init_of_id, needs: &[(Id(WRITE), "53 true -1")], allowed: "0 false 0" },
    Row {
        asked: "init without an id",
        ask: init_of_nobody,
        needs: &[(Cluster(IDEMPOTENT_WRITE), "31 true -1")],
        allowed: "0 false 0",
    },
    Row {
        asked: "init without an id, by a topic",
        ask: init_of_nobody,
        needs: &[(Topic(WRITE), "31 true -1")],
        allowed: "0 false 0",
    },
    Row {
        asked: "add partitions",
        ask: add_partitions,
        needs: &[(Id(WRITE), DENIED), (Topic(WRITE), "29")],
        allowed: "49",
    },
    Row {
        asked: "add a partition of the coordinator's",
        ask: add_offsets_topic,
        needs: &[(Id(WRITE), "[53, 53]"), (Topic(WRITE), "[29, 29]")],
        allowed: "[55, 29]",
    },
    Row {
        asked: "add partitions as brokers do",
        ask: add_partitions_of_many,
        needs: &[(Cluster(CLUSTER_ACTION), "31 []")],
        allowed: "0 [49]",
    },
    Row { asked: "add offsets", ask: add_offsets, needs: &[(Id(WRITE), DENIED), (Group(READ), "30")], allowed: "49" },
    Row {
        asked: "commit offsets",
        ask: commit_offsets,
        needs: &[(Id(WRITE), DENIED), (Group(READ), "30"), (Topic(READ), "29")],
        allowed: "49",
    },
    Row { asked: "end", ask: end, needs: &[(Id(WRITE), DENIED)], allowed: "49" },
    Row {
        asked: "produce",
        ask: produce_in_transaction,
        needs: &[(Id(WRITE), "53 None"), (Topic(WRITE), "29 None")],
        allowed: "49 None",
    },
    Row { asked: "produce without an id", ask: produce_in_no_transaction, needs: &[], allowed: "53 None" },
    Row { asked: "markers", ask: write_markers, needs: &[(Cluster(CLUSTER_ACTION), "31")], allowed: "0" },
    Row { asked: "markers by a tool", ask: write_markers, needs: &[(Cluster(ALTER), "31")], allowed: "0" },
    Row { asked: "describe", ask: describe, needs: &[(Id(DESCRIBE), "53 \"\" 0")], allowed: "105 \"\" 0" },
    Row {
        asked: "describe an open one",
        ask: describe_an_open_one,
        needs: &[(Id(WRITE), "53 \"\" 0 after 53"), (Topic(WRITE), "0 \"Empty\" 0 after 29")],
        allowed: "0 \"Ongoing\" 1 after 0",
    },
    Row { asked: "list", ask: list, needs: &[(Id(WRITE), "0 0")], allowed: "0 1" },
    Row {
        asked: "producers",
        ask: describe_producers,
        needs: &[(Topic(READ), "29 Some(\"Topic authorization failed.\")")],
        allowed: "0 None",
    },
];

#[test]
fn transactions_ask_for_their_id_and_for_what_they_touch() {
    check(TABLE);
}
