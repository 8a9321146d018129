//! Several nodes and the replicas on them, on the wire: who acknowledges what, who answers whom, and what an election costs.
//! What is expected was seen of a real cluster of three (4.1.1), except where the test helpers do what no client can.

use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    BrokerId, CreateTopicsRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest, ProduceResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::records::*;

mod acks;
mod cluster;
mod elections;
mod following;
mod leaders;
mod moves;
mod placing;
mod racks;
mod stale;
mod third_down;
mod transactions;
mod unclean;
mod wrong_node;

/// The newest versions that go by names.
const PRODUCE: i16 = 12;
const FETCH: i16 = 12;
/// However far ahead of the broker's.
const ANY_TIME: &str = "9223372036854775807";

fn three() -> EmbeddedBroker {
    EmbeddedBroker::builder().brokers(3).start().expect("three nodes start")
}

fn client_of(broker: &EmbeddedBroker, node: i32) -> Client {
    Client::connect(&broker.node(node).expect("a node").address())
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Makes a topic of one partition, with replicas on these nodes; the first leads.
fn create(broker: &EmbeddedBroker, topic: &str, replicas: &[i32], configs: &[(&str, &str)]) {
    let replicas = replicas.iter().copied().map(BrokerId).collect();
    let assignment = CreatableReplicaAssignment::default().with_partition_index(0).with_broker_ids(replicas);
    let config = |(name, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value)))
    };
    let topic = CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(vec![assignment])
        // A clock that stands still is some years behind the one that batches have their times from.
        .with_configs(configs.iter().chain(&[("message.timestamp.after.max.ms", ANY_TIME)]).map(config).collect());
    let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let created = Client::connect(broker.bootstrap_servers().split(',').next().expect("an address")).call(7, &request);
    assert_eq!(created.topics[0].error_code, 0, "{:?}", created.topics[0].error_message);
}

/// A limit that time cannot overtake before the broker's timer thread has come to its turn, where a test lets time go on.
const NEVER_MS: i32 = i32::MAX;

fn request(topic: &str, acks: i16, timeout_ms: i32, values: &[&str]) -> ProduceRequest {
    produce_request(topic, Uuid::nil(), PRODUCE, 0, batch(values, NOBODY)).with_acks(acks).with_timeout_ms(timeout_ms)
}

fn only_produced(mut response: ProduceResponse) -> PartitionProduceResponse {
    response.responses.remove(0).partition_responses.remove(0)
}

/// Produces, and says what became of it: code and offset.
fn produced(client: &mut Client, topic: &str, acks: i16, values: &[&str]) -> (i16, i64) {
    let answer = only_produced(client.call(PRODUCE, &request(topic, acks, 10_000, values)));
    (answer.error_code, answer.base_offset)
}

/// What a consumer gets from the start: the values, and the high watermark.
fn fetched(client: &mut Client, topic: &str) -> (Vec<String>, i64) {
    let got = fetch(client, topic, 0, 0);
    assert_eq!(got.error_code, 0);
    let values = values(&got.records.unwrap_or_default());
    (values.into_iter().map(|(_, value)| value).collect(), got.high_watermark)
}

fn partition_of(client: &mut Client, topic: &str) -> MetadataResponsePartition {
    let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked]));
    client.call(12, &request).topics.remove(0).partitions.remove(0)
}

fn ids(nodes: &[BrokerId]) -> Vec<i32> {
    nodes.iter().map(|node| node.0).collect()
}

/// Looks for an offset as a consumer does; -1 as the epoch stands for none.
fn listed(client: &mut Client, topic: &str, time: i64, epoch: i32) -> ListOffsetsPartitionResponse {
    let asked =
        ListOffsetsPartition::default().with_partition_index(0).with_current_leader_epoch(epoch).with_timestamp(time);
    let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![asked]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    client.call(7, &request).topics.remove(0).partitions.remove(0)
}

fn end_of(client: &mut Client, topic: &str) -> (i16, i64) {
    let found = listed(client, topic, -1, -1);
    (found.error_code, found.offset)
}
