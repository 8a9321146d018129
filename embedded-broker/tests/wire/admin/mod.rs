//! Topics and configs through the wire: what a real Apache Kafka 4.1 answers, code and text, the embedded broker does too.

use crate::client::Client;
use crate::patience::ask_until;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{BrokerId, CreateTopicsRequest, DescribeConfigsRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

mod alter_configs;
mod cluster;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_configs;
mod internal_topics;
mod one_node;
mod other_resources;
mod partitions;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Code and text of an answer.
type Answer = (i16, Option<String>);

fn ok() -> Answer {
    (0, None)
}

fn refused(code: i16, why: &str) -> Answer {
    (code, Some(why.to_owned()))
}

fn name(name: &str) -> TopicName {
    TopicName(text(name))
}

fn topic(topic: &str, partitions: i32) -> CreatableTopic {
    CreatableTopic::default().with_name(name(topic)).with_num_partitions(partitions).with_replication_factor(1)
}

fn with_config(topic: CreatableTopic, key: &str, value: &str) -> CreatableTopic {
    topic.with_configs(vec![CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))])
}

fn manual(topic: &str, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let assignments = assignments.iter().map(|(index, nodes)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*index)
            .with_broker_ids(nodes.iter().copied().map(BrokerId).collect())
    });
    CreatableTopic::default()
        .with_name(name(topic))
        .with_num_partitions(-1)
        .with_replication_factor(-1)
        .with_assignments(assignments.collect())
}

fn create_as(client: &mut Client, version: i16, validate_only: bool, topic: CreatableTopic) -> CreatableTopicResult {
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(10_000)
        .with_validate_only(validate_only);
    let mut topics = client.call(version, &request).topics;
    assert_eq!(topics.len(), 1, "every topic is answered once");
    topics.remove(0)
}

fn answer_of(result: &CreatableTopicResult) -> Answer {
    (result.error_code, result.error_message.as_ref().map(ToString::to_string))
}

fn validate(client: &mut Client, topic: CreatableTopic) -> Answer {
    answer_of(&create_as(client, 7, true, topic))
}

/// Makes a topic and waits until the broker that was asked knows it: a real controller answers before the brokers know.
fn make(client: &mut Client, new: CreatableTopic) {
    let name = new.name.to_string();
    assert_eq!(answer_of(&create_as(client, 7, false, new)), ok());
    await_topic(client, &name, |topic| topic.error_code == 0 && topic.partitions.iter().all(|p| p.leader_id.0 >= 0));
}

fn describe_topic(client: &mut Client, topic: &str) -> MetadataResponseTopic {
    let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false);
    client.call(12, &request).topics.remove(0)
}

fn await_topic(client: &mut Client, topic: &str, is_wanted: impl Fn(&MetadataResponseTopic) -> bool) {
    ask_until(|| describe_topic(client, topic), is_wanted);
}

fn describe(
    client: &mut Client,
    version: i16,
    kind: i8,
    resource: &str,
    keys: Option<&[&str]>,
) -> DescribeConfigsResult {
    let keys = keys.map(|keys| keys.iter().map(|key| text(key)).collect());
    let resource = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(keys);
    let request = DescribeConfigsRequest::default().with_resources(vec![resource]).with_include_synonyms(true);
    client.call(version, &request).results.remove(0)
}

fn entry(client: &mut Client, kind: i8, resource: &str, key: &str) -> DescribeConfigsResourceResult {
    let mut result = describe(client, 4, kind, resource, Some(&[key]));
    assert_eq!(result.configs.len(), 1, "{key}: {result:?}");
    result.configs.remove(0)
}

/// The value of a broker's config, as its client is told.
pub(crate) fn value_of_broker(client: &mut Client, id: i32, key: &str) -> Option<String> {
    entry(client, BROKER, &id.to_string(), key).value.map(|value| value.to_string())
}

fn synonyms(entry: &DescribeConfigsResourceResult) -> Vec<(String, i8)> {
    let shown = |value: &Option<StrBytes>| value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    entry.synonyms.iter().map(|one| (format!("{}={}", one.name, shown(&one.value)), one.source)).collect()
}
