//! Topics and configs through the wire: what a real Apache Kafka 4.1 answers, code and text, the embedded broker does too.

use crate::client::Client;
use crate::each_broker::{on_each_broker, unique};
use bytes::{Bytes, BytesMut};
use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::alter_configs_request::{
    AlterConfigsResource as LegacyResource, AlterableConfig as LegacyConfig,
};
use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::messages::describe_topic_partitions_request::{Cursor, TopicRequest};
use kafka_protocol::messages::describe_topic_partitions_response::DescribeTopicPartitionsResponseTopic;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    AlterConfigsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest,
    DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse, IncrementalAlterConfigsRequest, ListConfigResourcesRequest, MetadataRequest,
    ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};
use uuid::Uuid;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

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

/// Asks for the topic until it is as wanted; each turn waits for an answer, and there are only so many.
fn await_topic(client: &mut Client, topic: &str, is_so: impl Fn(&MetadataResponseTopic) -> bool) {
    let mut seen = describe_topic(client, topic);
    for _ in 0..10_000 {
        if is_so(&seen) {
            return;
        }
        seen = describe_topic(client, topic);
    }
    panic!("the topic never became as wanted: {seen:?}");
}

fn delete(client: &mut Client, topic: &str) -> Answer {
    let state = DeleteTopicState::default().with_name(Some(name(topic)));
    let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(10_000);
    let result = client.call(6, &request).responses.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

fn grow(client: &mut Client, topic: &str, count: i32, assignments: Option<&[&[i32]]>) -> Answer {
    let assignments = assignments.map(|assignments| {
        let of = |nodes: &&[i32]| {
            CreatePartitionsAssignment::default().with_broker_ids(nodes.iter().copied().map(BrokerId).collect())
        };
        assignments.iter().map(of).collect()
    });
    let topic = CreatePartitionsTopic::default().with_name(name(topic)).with_count(count).with_assignments(assignments);
    let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let result = client.call(3, &request).results.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
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

/// Waits until a broker shows a value: a real one learns of changes after they are answered.
fn await_value(
    client: &mut Client,
    kind: i8,
    resource: &str,
    key: &str,
    wanted: &str,
) -> DescribeConfigsResourceResult {
    let mut seen = entry(client, kind, resource, key);
    for _ in 0..10_000 {
        if seen.value.as_ref().map(|value| value.as_str()) == Some(wanted) {
            return seen;
        }
        seen = entry(client, kind, resource, key);
    }
    panic!("{key} never became {wanted}: {seen:?}");
}

fn alter(client: &mut Client, kind: i8, resource: &str, op: i8, key: &str, value: Option<&str>) -> Answer {
    let config = AlterableConfig::default().with_name(text(key)).with_config_operation(op).with_value(value.map(text));
    alter_all(client, kind, resource, vec![config], false)
}

fn alter_all(
    client: &mut Client,
    kind: i8,
    resource: &str,
    configs: Vec<AlterableConfig>,
    validate_only: bool,
) -> Answer {
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(configs);
    let request =
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(validate_only);
    let result = client.call(1, &request).responses.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

fn replace(client: &mut Client, kind: i8, resource: &str, configs: &[(&str, Option<&str>)]) -> Answer {
    let of =
        |(key, value): &(&str, Option<&str>)| LegacyConfig::default().with_name(text(key)).with_value(value.map(text));
    let resource = LegacyResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configs(configs.iter().map(of).collect());
    let result = client.call(2, &AlterConfigsRequest::default().with_resources(vec![resource])).responses.remove(0);
    (result.error_code, result.error_message.map(|text| text.to_string()))
}

fn synonyms(entry: &DescribeConfigsResourceResult) -> Vec<(String, i8)> {
    let shown = |value: &Option<StrBytes>| value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    entry.synonyms.iter().map(|one| (format!("{}={}", one.name, shown(&one.value)), one.source)).collect()
}

#[test]
fn a_topic_is_made_in_every_version() {
    on_each_broker(|client| {
        for version in 2..=7 {
            let topic_name = unique("made");
            let result = create_as(client, version, false, topic(&topic_name, 3));
            assert_eq!(answer_of(&result), ok(), "version {version}");
            if version >= 5 {
                assert_eq!((result.num_partitions, result.replication_factor), (3, 1), "version {version}");
                assert!(result.configs.is_some_and(|configs| configs.len() == 33), "version {version}");
            }
            await_topic(client, &topic_name, |topic| topic.partitions.len() == 3);
            if version >= 7 {
                assert_eq!(result.topic_id, describe_topic(client, &topic_name).topic_id);
            }
        }
    });
}

#[test]
fn a_new_topic_shows_its_configs_with_their_sources() {
    on_each_broker(|client| {
        let new = with_config(topic(&unique("shown"), 1), "retention.ms", " 1000 ");
        let configs = create_as(client, 7, false, new).configs.expect("configs");
        let shown = |key: &str| {
            let config = configs.iter().find(|config| config.name.as_str() == key).expect("a config");
            (
                config.value.as_ref().map(ToString::to_string),
                config.config_source,
                config.read_only,
                config.is_sensitive,
            )
        };
        assert_eq!(shown("cleanup.policy"), (Some("delete".to_owned()), 5, false, false));
        assert_eq!(shown("min.insync.replicas"), (Some("1".to_owned()), 3, false, false));
        assert_eq!(shown("retention.ms").1, 1);
    });
}

#[test]
fn validating_makes_nothing() {
    on_each_broker(|client| {
        let topic_name = unique("validated");
        let result = create_as(client, 7, true, topic(&topic_name, 3));
        assert_eq!(answer_of(&result), ok());
        assert_eq!((result.num_partitions, result.replication_factor), (3, 1));
        assert_eq!(describe_topic(client, &topic_name).error_code, 3);
    });
}

#[test]
fn a_topic_without_counts_has_the_brokers_defaults() {
    on_each_broker(|client| {
        let asked = topic(&unique("defaults"), -1).with_replication_factor(-1);
        let result = create_as(client, 7, true, asked);
        assert_eq!((answer_of(&result), result.num_partitions, result.replication_factor), (ok(), 1, 1));
    });
}

#[test]
fn names_and_counts_are_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let known = unique("known.topic");
        make(client, topic(&known, 1));
        let exists = refused(36, &format!("Topic '{known}' already exists."));
        assert_eq!(validate(client, topic(&known, 1)), exists);
        let twin = known.replace('.', "_");
        let collides = refused(17, &format!("Topic '{twin}' collides with existing topic: {known}"));
        assert_eq!(validate(client, topic(&twin, 1)), collides);
        let long = "x".repeat(250);
        for (bad, why) in [
            (".", "'.' is not allowed".to_owned()),
            ("..", "'..' is not allowed".to_owned()),
            ("", "the empty string is not allowed".to_owned()),
            (
                "a b",
                "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'".to_owned(),
            ),
            (&long, format!("the length of '{long}' is longer than the max allowed length 249")),
        ] {
            assert_eq!(validate(client, topic(bad, 1)), refused(17, &format!("Topic name is invalid: {why}")));
        }
        let fresh = unique("fresh");
        let asked = |partitions, replicas| topic(&fresh, partitions).with_replication_factor(replicas);
        let metadata = refused(42, "Creation of internal topic __cluster_metadata is prohibited.");
        assert_eq!(validate(client, topic("__cluster_metadata", 1)), metadata);
        let no_replicas = refused(38, "Replication factor must be larger than 0, or -1 to use the default value.");
        assert_eq!(validate(client, asked(1, 0)), no_replicas);
        assert_eq!(validate(client, asked(1, -2)), no_replicas);
        let no_partitions = refused(37, "Number of partitions was set to an invalid non-positive value.");
        assert_eq!(validate(client, asked(0, 1)), no_partitions);
        assert_eq!(validate(client, asked(-2, 1)), no_partitions);
        let too_many = refused(44, "Excessively large number of partitions per request.");
        assert_eq!(validate(client, asked(10_001, 1)), too_many);
        let (code, why) = validate(client, asked(1, 77));
        assert_eq!(code, 38);
        let why = why.expect("a text");
        let start =
            "Unable to replicate the partition 77 time(s): The target replication factor of 77 cannot be reached";
        assert!(why.starts_with(start), "{why}");
    });
}

#[test]
fn manual_assignments_are_taken_or_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let fresh = unique("manual");
        let mut of = |assignments: &[(i32, &[i32])]| validate(client, manual(&fresh, assignments));
        assert_eq!(of(&[(0, &[1]), (1, &[1])]), ok());
        let gap = refused(39, "partitions should be a consecutive 0-based integer sequence");
        assert_eq!(of(&[(0, &[1]), (2, &[1])]), gap);
        let again = refused(39, "Found multiple manual partition assignments for partition 0");
        assert_eq!(of(&[(0, &[1]), (0, &[1])]), again);
        let stranger = "The manual partition assignment includes broker 99, but no such broker is registered.";
        assert_eq!(of(&[(0, &[99])]), refused(39, stranger));
        let twice = "The manual partition assignment includes the broker 1 more than once.";
        assert_eq!(of(&[(0, &[1, 1])]), refused(39, twice));
        let empty = "The manual partition assignment includes an empty replica list.";
        assert_eq!(of(&[(0, &[])]), refused(39, empty));
        let counted = manual(&fresh, &[(0, &[1])]).with_num_partitions(1);
        let why = "A manual partition assignment was specified, but numPartitions was not set to -1.";
        assert_eq!(validate(client, counted), refused(42, why));
        let counted = manual(&fresh, &[(0, &[1])]).with_replication_factor(1);
        let why = "A manual partition assignment was specified, but replication factor was not set to -1.";
        assert_eq!(validate(client, counted), refused(42, why));
    });
}

#[test]
fn topic_configs_are_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let fresh = unique("configured");
        for (key, value, why) in [
            ("nope", "1", "Unknown topic config name: nope"),
            ("retention.ms", "x", "Invalid value x for configuration retention.ms: Not a number of type LONG"),
            ("retention.ms", "-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
            (
                "cleanup.policy",
                "shrink",
                "Invalid value shrink for configuration cleanup.policy: String must be one of: compact, delete",
            ),
            (
                "compression.type",
                "zip",
                "Invalid value zip for configuration compression.type: \
                 String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
            ),
            (
                "compression.gzip.level",
                "0",
                "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
            ),
            (
                "min.cleanable.dirty.ratio",
                "2",
                "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
            ),
            (
                "preallocate",
                "maybe",
                "Invalid value maybe for configuration preallocate: Expected value to be either true or false",
            ),
            (
                "leader.replication.throttled.replicas",
                "x",
                "Invalid value [x] for configuration leader.replication.throttled.replicas: \
                 leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following \
                 format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
            ),
            (
                "remote.storage.enable",
                "true",
                "Tiered Storage functionality is disabled in the broker. \
                 Topic cannot be configured with remote log storage.",
            ),
        ] {
            assert_eq!(validate(client, with_config(topic(&fresh, 1), key, value)), refused(40, why));
        }
        let null = CreatableTopicConfig::default().with_name(text("retention.ms")).with_value(None);
        let why = "Null value not supported for topic configs: retention.ms";
        assert_eq!(validate(client, topic(&fresh, 1).with_configs(vec![null])), refused(40, why));
        for good in [("retention.ms", " 100 "), ("cleanup.policy", ""), ("min.insync.replicas", "5")] {
            assert_eq!(validate(client, with_config(topic(&fresh, 1), good.0, good.1)), ok(), "{good:?}");
        }
    });
}

#[test]
fn each_topic_of_a_request_succeeds_or_fails_by_itself() {
    on_each_broker(|client| {
        let (good, bad, twice) = (unique("good"), unique("bad"), unique("twice"));
        let topics = vec![topic(&good, 1), topic(&bad, 0), topic(&twice, 1), topic(&twice, 2)];
        let request = CreateTopicsRequest::default().with_topics(topics).with_timeout_ms(10_000);
        let results = client.call(7, &request).topics;
        let of = |name: &str| {
            let mut found = results.iter().filter(|result| result.name.as_str() == name);
            let answer = answer_of(found.next().expect("every topic is answered"));
            assert!(found.next().is_none(), "{name} is answered once");
            answer
        };
        assert_eq!(of(&good), ok());
        assert_eq!(of(&bad), refused(37, "Number of partitions was set to an invalid non-positive value."));
        assert_eq!(of(&twice), refused(42, "Duplicate topic name."));
    });
}

#[test]
fn a_topic_is_deleted_by_name_in_every_version() {
    on_each_broker(|client| {
        for version in 1..=6 {
            let topic_name = unique("deleted");
            make(client, topic(&topic_name, 1));
            let request = if version >= 6 {
                let state = DeleteTopicState::default().with_name(Some(name(&topic_name)));
                DeleteTopicsRequest::default().with_topics(vec![state])
            } else {
                DeleteTopicsRequest::default().with_topic_names(vec![name(&topic_name)])
            };
            let result = client.call(version, &request.with_timeout_ms(10_000)).responses.remove(0);
            assert_eq!(result.error_code, 0, "version {version}");
            assert_eq!(result.name, Some(name(&topic_name)), "version {version}");
            assert_eq!(result.topic_id == Uuid::nil(), version < 6, "version {version}");
            await_topic(client, &topic_name, |topic| topic.error_code == 3);
        }
    });
}

#[test]
fn a_topic_is_deleted_by_id_and_comes_back_with_another() {
    on_each_broker(|client| {
        let topic_name = unique("by-id");
        make(client, topic(&topic_name, 1));
        let id = describe_topic(client, &topic_name).topic_id;
        let state = DeleteTopicState::default().with_name(None).with_topic_id(id);
        let request = DeleteTopicsRequest::default().with_topics(vec![state]).with_timeout_ms(10_000);
        let result = client.call(6, &request).responses.remove(0);
        assert_eq!((result.error_code, result.name, result.topic_id), (0, Some(name(&topic_name)), id));
        let result = client.call(6, &request).responses.remove(0);
        let text = result.error_message.map(|text| text.to_string());
        assert_eq!(
            (result.error_code, text, result.name, result.topic_id),
            (100, TOPIC_ID_GONE.map(str::to_owned), None, id)
        );
        await_topic(client, &topic_name, |topic| topic.error_code == 3);
        make(client, topic(&topic_name, 1));
        await_topic(client, &topic_name, |topic| topic.topic_id != id);
    });
}

/// What Kafka says of a topic id it does not know.
const TOPIC_ID_GONE: Option<&str> = Some("This server does not host this topic ID.");

/// What Kafka says of a topic it does not know.
const TOPIC_GONE: Option<&str> = Some("This server does not host this topic-partition.");

#[test]
fn what_cannot_be_deleted_is_refused_in_kafkas_words() {
    on_each_broker(|client| {
        assert_eq!(delete(client, &unique("nope")), (3, TOPIC_GONE.map(str::to_owned)));
        let topic_name = unique("kept");
        make(client, topic(&topic_name, 1));
        let id = describe_topic(client, &topic_name).topic_id;
        let state = |topic: Option<&str>, id| DeleteTopicState::default().with_name(topic.map(name)).with_topic_id(id);
        let mut answers = |states: Vec<DeleteTopicState>| -> Vec<Answer> {
            let request = DeleteTopicsRequest::default().with_topics(states).with_timeout_ms(10_000);
            let results = client.call(6, &request).responses;
            results.into_iter().map(|one| (one.error_code, one.error_message.map(|text| text.to_string()))).collect()
        };
        let nil = Uuid::nil();
        let both = refused(42, "You may not specify both topic name and topic id.");
        assert_eq!(answers(vec![state(Some(&topic_name), id)]), [both]);
        let neither = refused(42, "Neither topic name nor id were specified.");
        assert_eq!(answers(vec![state(None, nil)]), [neither]);
        let twice = refused(42, "Duplicate topic name.");
        assert_eq!(answers(vec![state(Some(&topic_name), nil), state(Some(&topic_name), nil)]), [twice]);
        let twice = refused(42, "Duplicate topic id.");
        assert_eq!(answers(vec![state(None, id), state(None, id)]), [twice]);
        assert_eq!(describe_topic(client, &topic_name).topic_id, id);
    });
}

#[test]
fn partitions_are_added_and_never_taken() {
    on_each_broker(|client| {
        let topic_name = unique("grown");
        make(client, topic(&topic_name, 3));
        let mut to = |count, assignments: Option<&[&[i32]]>| grow(client, &topic_name, count, assignments);
        assert_eq!(to(3, None), refused(37, "Topic already has 3 partition(s)."));
        let fewer = format!("The topic {topic_name} currently has 3 partition(s); 2 would not be an increase.");
        assert_eq!(to(2, None), refused(37, &fewer));
        let lacking = "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.";
        assert_eq!(to(5, Some(&[&[1]])), refused(39, lacking));
        let none = "Attempted to add 1 additional partition(s), but only 0 assignment(s) were specified.";
        assert_eq!(to(4, Some(&[])), refused(39, none));
        let stranger = "The manual partition assignment includes broker 99, but no such broker is registered.";
        assert_eq!(to(4, Some(&[&[99]])), refused(39, stranger));
        assert_eq!(to(4, Some(&[&[1]])), ok());
        await_topic(client, &topic_name, |topic| topic.partitions.len() == 4);
        assert_eq!(grow(client, &topic_name, 6, None), ok());
        await_topic(client, &topic_name, |topic| topic.partitions.len() == 6);
        assert_eq!(grow(client, &unique("nope"), 3, None), (3, None));
    });
}

#[test]
fn partitions_are_added_in_every_version_and_only_when_meant() {
    on_each_broker(|client| {
        let topic_name = unique("versions");
        make(client, topic(&topic_name, 1));
        for (version, count) in (0..=3).zip(2..) {
            for validate_only in [true, false] {
                let topic = CreatePartitionsTopic::default().with_name(name(&topic_name)).with_count(count);
                let request = CreatePartitionsRequest::default().with_topics(vec![topic.with_assignments(None)]);
                let request = request.with_timeout_ms(10_000).with_validate_only(validate_only);
                let result = client.call(version, &request).results.remove(0);
                assert_eq!(result.error_code, 0, "version {version}");
            }
            let count = usize::try_from(count).expect("a small number");
            await_topic(client, &topic_name, |topic| topic.partitions.len() == count);
        }
    });
}

#[test]
fn a_topics_configs_are_all_described_in_every_version() {
    on_each_broker(|client| {
        let topic_name = unique("described");
        make(client, topic(&topic_name, 1));
        for version in 1..=4 {
            let result = describe(client, version, TOPIC, &topic_name, None);
            assert_eq!((result.error_code, result.configs.len()), (0, 33), "version {version}");
            assert_eq!(result.error_message, Some(text("")), "version {version}");
        }
        let policy = entry(client, TOPIC, &topic_name, "cleanup.policy");
        assert_eq!((policy.value.clone(), policy.config_source, policy.config_type), (Some(text("delete")), 5, 7));
        assert_eq!(synonyms(&policy), [("log.cleanup.policy=delete".to_owned(), 5)]);
        assert_eq!(policy.documentation, None);
        let isr = entry(client, TOPIC, &topic_name, "min.insync.replicas");
        assert_eq!((isr.value.clone(), isr.config_source), (Some(text("1")), 3));
        let both = [("min.insync.replicas=1".to_owned(), 3), ("min.insync.replicas=1".to_owned(), 5)];
        assert_eq!(synonyms(&isr), both);
        assert_eq!(synonyms(&entry(client, TOPIC, &topic_name, "retention.ms")), []);
    });
}

#[test]
fn a_broker_describes_itself_and_the_default_of_all() {
    on_each_broker(|client| {
        let result = describe(client, 4, BROKER, "1", None);
        assert_eq!(result.error_code, 0);
        for known in ["num.partitions", "log.retention.hours", "ssl.key.password", "message.max.bytes", "node.id"] {
            assert!(result.configs.iter().any(|config| config.name.as_str() == known), "{known}");
        }
        let id = entry(client, BROKER, "1", "node.id");
        assert_eq!((id.value.clone(), id.config_source, id.read_only), (Some(text("1")), 4, true));
        assert_eq!(synonyms(&id), [("node.id=1".to_owned(), 4)]);
        let password = entry(client, BROKER, "1", "ssl.key.password");
        assert_eq!((password.value.clone(), password.is_sensitive), (None, true));
        let hours = entry(client, BROKER, "1", "log.retention.hours");
        assert_eq!(synonyms(&hours), [("log.retention.hours=168".to_owned(), 5)]);
        let default = entry(client, BROKER, "", "min.insync.replicas");
        assert_eq!((default.value.clone(), default.config_source), (Some(text("1")), 3));
    });
}

#[test]
fn what_cannot_be_described_is_refused_in_kafkas_words() {
    on_each_broker(|client| {
        let mut answer = |kind, resource: &str| {
            let result = describe(client, 4, kind, resource, None);
            assert!(result.configs.is_empty());
            (result.error_code, result.error_message.map(|text| text.to_string()))
        };
        assert_eq!(answer(TOPIC, &unique("nope")), refused(3, ""));
        let empty = refused(17, "Topic name is invalid: the empty string is not allowed");
        assert_eq!(answer(TOPIC, ""), empty);
        let other = refused(42, "Unexpected broker id, expected 1 or empty string, but received 9");
        assert_eq!(answer(BROKER, "9"), other);
        let no_number = refused(42, "Broker id must be an integer, but it is: abc");
        assert_eq!(answer(BROKER, "abc"), no_number);
        assert_eq!(answer(77, "x").0, 42);
    });
}

#[test]
fn a_topics_configs_are_set_and_deleted() {
    on_each_broker(|client| {
        let topic_name = unique("altered");
        make(client, topic(&topic_name, 1));
        let of = |client: &mut Client, op, key: &str, value| alter(client, TOPIC, &topic_name, op, key, value);
        assert_eq!(of(client, SET, "retention.ms", Some("1000")), ok());
        let set = await_value(client, TOPIC, &topic_name, "retention.ms", "1000");
        assert_eq!(set.config_source, 1);
        assert_eq!(synonyms(&set), [("retention.ms=1000".to_owned(), 1)]);
        let bad = "Invalid value x for configuration retention.ms: Not a number of type LONG";
        assert_eq!(of(client, SET, "retention.ms", Some("x")), refused(40, bad));
        assert_eq!(of(client, SET, "nope", Some("x")), refused(40, "Unknown topic config name: nope"));
        let null = refused(42, "Null value not supported for : retention.ms");
        assert_eq!(of(client, SET, "retention.ms", None), null);
        assert_eq!(of(client, DELETE, "retention.ms", None), ok());
        await_value(client, TOPIC, &topic_name, "retention.ms", "604800000");
        assert_eq!(of(client, DELETE, "retention.ms", None), ok());
        assert_eq!(of(client, DELETE, "nope", None), ok());
    });
}

#[test]
fn lists_are_appended_to_and_subtracted_from() {
    on_each_broker(|client| {
        let topic_name = unique("lists");
        make(client, topic(&topic_name, 1));
        let of = |client: &mut Client, op, key: &str, value| alter(client, TOPIC, &topic_name, op, key, Some(value));
        assert_eq!(of(client, APPEND, "cleanup.policy", "compact"), ok());
        assert_eq!(of(client, APPEND, "cleanup.policy", "compact"), ok());
        await_value(client, TOPIC, &topic_name, "cleanup.policy", "delete,compact");
        assert_eq!(of(client, SUBTRACT, "cleanup.policy", "delete"), ok());
        await_value(client, TOPIC, &topic_name, "cleanup.policy", "compact");
        assert_eq!(of(client, SUBTRACT, "cleanup.policy", "delete"), ok());
        let bad = "Invalid value shrink for configuration cleanup.policy: String must be one of: compact, delete";
        assert_eq!(of(client, APPEND, "cleanup.policy", "shrink"), refused(40, bad));
        let scalar = "Can't APPEND to key retention.ms because its type is not LIST.";
        assert_eq!(of(client, APPEND, "retention.ms", "5"), refused(40, scalar));
        let scalar = "Can't SUBTRACT to key retention.ms because its type is not LIST.";
        assert_eq!(of(client, SUBTRACT, "retention.ms", "5"), refused(40, scalar));
    });
}

#[test]
fn a_resource_changes_whole_or_not_at_all_and_not_when_only_validated() {
    on_each_broker(|client| {
        let topic_name = unique("whole");
        make(client, topic(&topic_name, 1));
        let set =
            |key: &str, value: &str| AlterableConfig::default().with_name(text(key)).with_value(Some(text(value)));
        let half = vec![set("retention.ms", "5"), set("nope", "5")];
        assert_eq!(alter_all(client, TOPIC, &topic_name, half, false).0, 40);
        let seen = vec![set("retention.ms", "5")];
        assert_eq!(alter_all(client, TOPIC, &topic_name, seen, true), ok());
        let twice = vec![set("retention.ms", "5"), set("retention.ms", "6")];
        let why = refused(42, "Error due to duplicate config keys");
        assert_eq!(alter_all(client, TOPIC, &topic_name, twice, false), why);
        // A change that is taken comes after all of those, so what they did would show with it.
        assert_eq!(alter(client, TOPIC, &topic_name, SET, "flush.ms", Some("7")), ok());
        await_value(client, TOPIC, &topic_name, "flush.ms", "7");
        let retention = entry(client, TOPIC, &topic_name, "retention.ms");
        assert_eq!(retention.value, Some(text("604800000")));
    });
}

#[test]
fn what_is_no_topic_cannot_be_altered() {
    on_each_broker(|client| {
        let topic_name = unique("nope");
        let missing = refused(3, &format!("The topic '{topic_name}' does not exist."));
        assert_eq!(alter(client, TOPIC, &topic_name, SET, "retention.ms", Some("1")), missing);
        let all = refused(42, "Default topic resources are not allowed.");
        assert_eq!(alter(client, TOPIC, "", SET, "retention.ms", Some("1")), all);
        let bad = "Topic name is invalid: \
                   'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
        assert_eq!(alter(client, TOPIC, "a b", SET, "retention.ms", Some("1")), refused(17, bad));
        assert_eq!(alter(client, 77, "x", SET, "retention.ms", Some("1")).0, 42);
    });
}

#[test]
fn a_resource_that_is_named_twice_is_refused_twice() {
    on_each_broker(|client| {
        let topic_name = unique("named-twice");
        make(client, topic(&topic_name, 1));
        let resource = AlterConfigsResource::default().with_resource_type(TOPIC).with_resource_name(text(&topic_name));
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource.clone(), resource]);
        let answers = client.call(1, &request).responses;
        let why = Some(text("Each resource must appear at most once."));
        assert!(!answers.is_empty());
        assert!(answers.iter().all(|one| (one.error_code, &one.error_message) == (42, &why)), "{answers:?}");
    });
}

#[test]
fn broker_configs_that_are_read_at_start_cannot_be_altered() {
    on_each_broker(|client| {
        let read_only = refused(42, "Cannot update these configs dynamically: Set(num.partitions)");
        for broker in ["1", ""] {
            assert_eq!(alter(client, BROKER, broker, SET, "num.partitions", Some("3")), read_only);
        }
        assert_eq!(replace(client, BROKER, "1", &[("num.partitions", Some("3"))]), read_only);
        let bad = "Invalid value x for configuration log.cleaner.threads: Not a number of type INT";
        assert_eq!(alter(client, BROKER, "1", SET, "log.cleaner.threads", Some("x")), refused(42, bad));
        let scalar = "Config value append is not allowed for config key: log.cleaner.threads";
        assert_eq!(alter(client, BROKER, "1", APPEND, "log.cleaner.threads", Some("2")), refused(40, scalar));
        let stranger = refused(42, "Unexpected broker id, expected 1, but received 9");
        assert_eq!(alter(client, BROKER, "9", SET, "log.cleaner.threads", Some("2")), stranger);
        let no_number = refused(42, "Node id must be an integer, but it is: abc");
        assert_eq!(alter(client, BROKER, "abc", SET, "log.cleaner.threads", Some("2")), no_number);
        let isr = refused(40, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
        assert_eq!(alter(client, BROKER, "1", SET, "min.insync.replicas", Some("2")), isr);
        let isr = refused(40, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
        assert_eq!(alter(client, BROKER, "", DELETE, "min.insync.replicas", None), isr);
        assert_eq!(alter(client, BROKER, "1", DELETE, "num.partitions", None), ok());
    });
}

#[test]
fn topics_take_up_what_is_set_for_their_broker() {
    on_each_broker(|client| {
        let topic_name = unique("inherits");
        make(client, topic(&topic_name, 1));
        assert_eq!(alter(client, BROKER, "1", SET, "log.segment.delete.delay.ms", Some("50000")), ok());
        let taken = await_value(client, TOPIC, &topic_name, "file.delete.delay.ms", "50000");
        assert_eq!(taken.config_source, 2);
        let all =
            [("log.segment.delete.delay.ms=50000".to_owned(), 2), ("log.segment.delete.delay.ms=60000".to_owned(), 5)];
        assert_eq!(synonyms(&taken), all);
        assert_eq!(alter(client, BROKER, "1", DELETE, "log.segment.delete.delay.ms", None), ok());
        await_value(client, TOPIC, &topic_name, "file.delete.delay.ms", "60000");
    });
}

#[test]
fn the_old_request_replaces_all_configs() {
    on_each_broker(|client| {
        let topic_name = unique("replaced");
        make(client, with_config(topic(&topic_name, 1), "retention.ms", "1000"));
        assert_eq!(replace(client, TOPIC, &topic_name, &[("flush.ms", Some("7"))]), ok());
        await_value(client, TOPIC, &topic_name, "flush.ms", "7");
        assert_eq!(entry(client, TOPIC, &topic_name, "retention.ms").value, Some(text("604800000")));
        let null = refused(42, "Null value not supported for : flush.ms");
        assert_eq!(replace(client, TOPIC, &topic_name, &[("flush.ms", None)]), null);
        let unknown = refused(40, "Unknown topic config name: nope");
        assert_eq!(replace(client, TOPIC, &topic_name, &[("nope", Some("1"))]), unknown);
    });
}

#[test]
fn a_cluster_describes_its_nodes() {
    on_each_broker(|client| {
        let metadata = client.call(12, &MetadataRequest::default().with_topics(Some(Vec::new())));
        for version in 0..=2 {
            let response = client.call(version, &DescribeClusterRequest::default());
            assert_eq!(response.error_code, 0, "version {version}");
            assert_eq!(Some(response.cluster_id), metadata.cluster_id, "version {version}");
            assert_eq!(response.brokers.len(), metadata.brokers.len(), "version {version}");
            assert_eq!(response.brokers[0].port, metadata.brokers[0].port, "version {version}");
            assert_eq!(response.cluster_authorized_operations, i32::MIN, "version {version}");
        }
        let asked = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
        assert_eq!(client.call(1, &asked).cluster_authorized_operations, 0b1_1111_1010_0000);
        let controllers = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(2));
        assert_eq!(controllers.error_code, 114);
        let strange = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(7));
        assert_eq!(strange.error_code, 115);
    });
}

#[test]
fn a_topic_that_is_named_by_name_and_by_id_is_kept() {
    on_each_broker(|client| {
        let topic_name = unique("name-and-id");
        make(client, topic(&topic_name, 1));
        let id = describe_topic(client, &topic_name).topic_id;
        let states = vec![
            DeleteTopicState::default().with_name(Some(name(&topic_name))),
            DeleteTopicState::default().with_name(None).with_topic_id(id),
        ];
        let request = DeleteTopicsRequest::default().with_topics(states).with_timeout_ms(10_000);
        let results = client.call(6, &request).responses;
        let why = Some(text("The provided topic name maps to an ID that was already supplied."));
        assert!(!results.is_empty());
        assert!(results.iter().all(|one| (one.error_code, &one.error_message) == (42, &why)), "{results:?}");
        assert_eq!(describe_topic(client, &topic_name).topic_id, id);
    });
}

#[test]
fn topics_cannot_be_deleted_where_that_is_off() {
    let broker = EmbeddedBroker::builder().topic("t", 1).config("delete.topic.enable", false).start().expect("a start");
    let client = &mut Client::of(&broker);
    let why = "This version does not support topic deletion.";
    assert_eq!(delete(client, "t"), refused(73, why));
    let request = DeleteTopicsRequest::default().with_topic_names(vec![name("t")]);
    assert_eq!(client.call(2, &request).responses[0].error_code, 42);
}

fn pages(client: &mut Client, topics: &[&str], limit: i32) -> Vec<DescribeTopicPartitionsResponse> {
    let mut pages: Vec<DescribeTopicPartitionsResponse> = Vec::new();
    let mut cursor = None;
    loop {
        let topics = topics.iter().map(|topic| TopicRequest::default().with_name(name(topic))).collect();
        let request = DescribeTopicPartitionsRequest::default()
            .with_topics(topics)
            .with_response_partition_limit(limit)
            .with_cursor(cursor.take());
        let page = client.call(0, &request);
        let next = page.next_cursor.clone();
        pages.push(page);
        let Some(next) = next else { return pages };
        let from = Cursor::default().with_topic_name(next.topic_name).with_partition_index(next.partition_index);
        cursor = Some(from);
    }
}

#[test]
fn partitions_are_described_page_by_page() {
    on_each_broker(|client| {
        let (first, second, none) = (unique("paged-a"), unique("paged-b"), unique("paged-c"));
        make(client, topic(&first, 3));
        make(client, topic(&second, 2));
        let indexes = |page: &DescribeTopicPartitionsResponse| -> Vec<(String, Vec<i32>)> {
            let of = |topic: &DescribeTopicPartitionsResponseTopic| {
                let name = topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
                (name, topic.partitions.iter().map(|partition| partition.partition_index).collect())
            };
            page.topics.iter().map(of).collect()
        };
        let whole = pages(client, &[&second, &none, &first], 100);
        assert_eq!(whole.len(), 1);
        assert_eq!(
            indexes(&whole[0]),
            [(first.clone(), vec![0, 1, 2]), (second.clone(), vec![0, 1]), (none.clone(), vec![])]
        );
        let of_first = &whole[0].topics[0];
        assert_eq!((of_first.error_code, of_first.topic_authorized_operations), (0, 0b1101_1111_1000));
        let partition = &of_first.partitions[0];
        assert_eq!((partition.leader_id, partition.leader_epoch), (BrokerId(1), 0));
        assert_eq!((&partition.eligible_leader_replicas, &partition.last_known_elr), (&Some(vec![]), &Some(vec![])));
        assert_eq!((whole[0].topics[2].error_code, whole[0].topics[2].topic_id), (3, Uuid::nil()));
        let paged: Vec<_> = pages(client, &[&first, &second], 2).iter().map(indexes).collect();
        assert_eq!(
            paged,
            [
                vec![(first.clone(), vec![0, 1])],
                vec![(first.clone(), vec![2]), (second.clone(), vec![0])],
                vec![(second.clone(), vec![1])],
            ]
        );
        let exact: Vec<_> = pages(client, &[&first, &second], 3).iter().map(indexes).collect();
        assert_eq!(exact, [vec![(first.clone(), vec![0, 1, 2])], vec![(second.clone(), vec![0, 1])]]);
    });
}

#[test]
fn records_are_deleted_up_to_an_offset() {
    on_each_broker(|client| {
        let topic_name = unique("trimmed");
        make(client, topic(&topic_name, 1));
        produce(client, &topic_name, 5);
        let mut before = |index, offset| delete_records(client, &topic_name, index, offset);
        assert_eq!(before(0, 2), (0, 2));
        assert_eq!(before(0, 1), (0, 2), "below the start nothing changes");
        assert_eq!(before(0, 6), (1, -1));
        assert_eq!(before(0, -2), (1, -1));
        assert_eq!(before(7, 0), (3, -1));
        assert_eq!(before(0, -1), (0, 5));
        let compacted = unique("compacted");
        make(client, with_config(topic(&compacted, 1), "cleanup.policy", "compact"));
        assert_eq!(delete_records(client, &compacted, 0, 0), (44, -1));
    });
}

fn delete_records(client: &mut Client, topic: &str, index: i32, offset: i64) -> (i16, i64) {
    let partition = DeleteRecordsPartition::default().with_partition_index(index).with_offset(offset);
    let topic = DeleteRecordsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let mut answers = Vec::new();
    for version in 0..=2 {
        let request = DeleteRecordsRequest::default().with_topics(vec![topic.clone()]).with_timeout_ms(10_000);
        let mut ask = || {
            let answer = client.call(version, &request).topics.remove(0).partitions.remove(0);
            (answer.error_code, answer.low_watermark)
        };
        // A real broker may still be making the log of a new topic: it does not lead it yet.
        let answer = (0..10_000).map(|_| ask()).find(|(code, _)| *code != 6);
        answers.push(answer.expect("the partition gets a leader"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all versions answer the same: {answers:?}");
    answers.remove(0)
}

/// Appends records one by one, each a batch of its own.
fn produce(client: &mut Client, topic: &str, records: usize) {
    for _ in 0..records {
        let record = Record {
            transactional: false,
            control: false,
            partition_leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: -1,
            delete_horizon: false,
            timestamp: 1,
            key: None,
            value: Some(Bytes::from_static(b"value")),
            headers: kafka_protocol::indexmap::IndexMap::new(),
        };
        let mut batch = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut batch, [&record], &options).expect("a batch");
        let data = PartitionProduceData::default().with_index(0).with_records(Some(batch.freeze()));
        let data = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![data]);
        let request =
            ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data.clone()]);
        let mut code = -1;
        // A real broker may still be making the log of a new topic.
        for _ in 0..10_000 {
            code = client.call(9, &request).responses.remove(0).partition_responses.remove(0).error_code;
            if ![3, 6].contains(&code) {
                break;
            }
        }
        assert_eq!(code, 0);
    }
}

#[test]
fn the_resources_that_have_configs_are_listed() {
    on_each_broker(|client| {
        let topic_name = unique("listed");
        make(client, topic(&topic_name, 1));
        let mut list = |version, kinds: Vec<i8>| {
            let response = client.call(version, &ListConfigResourcesRequest::default().with_resource_types(kinds));
            let resources = response.config_resources.into_iter();
            let resources: Vec<_> = resources.map(|one| (one.resource_type, one.resource_name.to_string())).collect();
            (response.error_code, resources)
        };
        assert_eq!(list(1, vec![BROKER]), (0, vec![(BROKER, "1".to_owned())]));
        let (code, topics) = list(1, vec![TOPIC]);
        assert!(code == 0 && topics.contains(&(TOPIC, topic_name.clone())));
        let (code, all) = list(1, Vec::new());
        assert!(code == 0 && all.contains(&(TOPIC, topic_name)) && all.contains(&(BROKER, "1".to_owned())));
        assert_eq!(list(1, vec![77]).0, 35);
        assert_eq!(list(0, Vec::new()).0, 0);
    });
}
