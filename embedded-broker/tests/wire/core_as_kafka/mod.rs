//! Records in and out: what a real Apache Kafka 4.1 answers to the same bytes, the embedded broker answers too.

use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{CreateTopicsRequest, DeleteRecordsRequest, ListOffsetsRequest};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::each_broker::{first_real_broker, on_each_broker_of, unique};
use crate::patience::ask_until;
use crate::records::*;

mod compaction;
mod fetch;
mod lookups;
mod metadata;
mod pack;
mod packed;
mod produce;
pub(crate) mod raw;
mod sessions;

/// What was asked, and what is seen of the answer.
pub(crate) type Line = (&'static str, String);

/// Runs a conversation with each broker and compares what is seen with what a real one (4.1.1) was seen to say.
///
/// With `KAFKA_APP_TEST_SHOW` set the real one alone is asked, and what it says is printed: how the files of `seen/` are
/// made.
pub(crate) fn seen_on_each_broker(expected: &str, talk: impl Fn(&mut Client) -> Vec<Line>) {
    seen_on_each_broker_of(EmbeddedBroker::builder(), expected, talk);
}

#[expect(clippy::print_stdout, reason = "what is printed is the next file of what was seen")]
fn seen_on_each_broker_of(embedded: EmbeddedBrokerBuilder, expected: &str, talk: impl Fn(&mut Client) -> Vec<Line>) {
    if let (Some(real), true) = (first_real_broker(), std::env::var_os("KAFKA_APP_TEST_SHOW").is_some()) {
        talk(&mut Client::connect(&real)).iter().for_each(|(asked, seen)| println!("{asked}: {seen}"));
        return;
    }
    on_each_broker_of(embedded, |client| {
        let seen: Vec<String> = talk(client).into_iter().map(|(asked, seen)| format!("{asked}: {seen}")).collect();
        for (seen, expected) in seen.iter().zip(expected.lines()) {
            assert_eq!(seen, expected);
        }
        assert_eq!(seen.len(), expected.lines().count(), "as many answers as a real broker gave");
    });
}

/// Makes `offset` the first that can be read of a partition. The code of the answer.
pub(crate) fn delete_before(client: &mut Client, topic: &str, partition: i32, offset: i64) -> i16 {
    let partition = DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
    let topic = DeleteRecordsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    client.call(2, &request).topics[0].partitions[0].error_code
}

/// Makes a topic of two partitions and waits until both can be used.
pub(crate) fn make(client: &mut Client, configs: &[(&str, &str)]) -> String {
    let topic = unique("core");
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let configs = configs
        .iter()
        .map(|(key, value)| CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value))));
    let new = CreatableTopic::default()
        .with_name(name(&topic))
        .with_num_partitions(2)
        .with_replication_factor(1)
        .with_configs(configs.collect());
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
    assert_eq!(client.call(7, &request).topics[0].error_code, 0);
    for partition in 0..2 {
        ask_until(|| find(client, 7, &topic, partition, -1, -1), |found| found.starts_with("0 "));
    }
    topic
}

/// ListOffsets of one partition: error code, offset, timestamp, leader epoch.
fn find(client: &mut Client, version: i16, topic: &str, partition: i32, epoch: i32, timestamp: i64) -> String {
    let asked = ListOffsetsPartition::default()
        .with_partition_index(partition)
        .with_current_leader_epoch(epoch)
        .with_timestamp(timestamp);
    let asked = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![asked]);
    let request = ListOffsetsRequest::default().with_topics(vec![asked]);
    let response = client.call(version, &request);
    let found = &response.topics[0].partitions[0];
    format!("{} {} {} {}", found.error_code, found.offset, found.timestamp, found.leader_epoch)
}

/// The id of a topic nobody has.
const NO_ID: Uuid = Uuid::from_u128(0x1234_5678);
