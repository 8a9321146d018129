//! The topics of coordinators: made by who looks for one, described as internal, closed to producers.

use std::collections::BTreeMap;

use embedded_broker::{EmbeddedBroker, GroupState};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeTopicPartitionsRequest, FindCoordinatorRequest, GroupId,
    OffsetCommitRequest,
};

use super::{Client, TOPIC, describe, describe_topic, make, name, text, topic};
use crate::each_broker::{on_each_broker, unique};
use crate::patience::ask_until;
use crate::records::{NOBODY, batch, fetch, produce};

const OFFSETS: &str = "__consumer_offsets";
const TRANSACTIONS: &str = "__transaction_state";

/// Looks for the coordinator of a group (0) or a transactional id (1) until there is one.
fn find_coordinator(client: &mut Client, key_type: i8) {
    let request = FindCoordinatorRequest::default().with_key_type(key_type).with_coordinator_keys(vec![text("key")]);
    // A real broker makes the topic first, and says that there is no coordinator meanwhile.
    ask_until(|| client.call(4, &request).coordinators[0].error_code, |code| *code == 0);
}

fn delete(client: &mut Client, topic: &str) -> i16 {
    let request = DeleteTopicsRequest::default().with_topic_names(vec![name(topic)]).with_timeout_ms(5000);
    client.call(5, &request).responses[0].error_code
}

#[test]
fn who_looks_for_a_coordinator_makes_its_topic() {
    on_each_broker(|client| {
        for (key_type, topic_name, own) in [
            (0, OFFSETS, &[("cleanup.policy", "compact"), ("compression.type", "producer")][..]),
            (
                1,
                TRANSACTIONS,
                &[
                    ("cleanup.policy", "compact"),
                    ("compression.type", "uncompressed"),
                    ("min.insync.replicas", "1"),
                    ("unclean.leader.election.enable", "false"),
                ],
            ),
        ] {
            find_coordinator(client, key_type);
            let described = describe_topic(client, topic_name);
            assert_eq!((described.error_code, described.is_internal), (0, true), "{topic_name}");
            assert_eq!(described.partitions.len(), 50);
            let configs = describe(client, 4, TOPIC, topic_name, None).configs.into_iter();
            let set = configs.filter(|config| config.config_source == 1);
            let set: BTreeMap<_, _> =
                set.map(|config| (config.name.to_string(), config.value.unwrap_or_default().to_string())).collect();
            let own = own.iter().chain(&[("segment.bytes", "104857600")]);
            assert_eq!(set, own.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
        }
    });
}

#[test]
fn only_the_topics_of_coordinators_are_internal() {
    on_each_broker(|client| {
        find_coordinator(client, 0);
        let other = unique("__other");
        make(client, topic(&other, 1));
        let asked = [OFFSETS, &other].map(|topic| TopicRequest::default().with_name(name(topic)));
        let request = DescribeTopicPartitionsRequest::default().with_topics(asked.to_vec());
        let described = client.call(0, &request.with_response_partition_limit(2000)).topics.into_iter();
        let internal: BTreeMap<_, _> =
            described.map(|topic| (topic.name.unwrap_or_default().to_string(), topic.is_internal)).collect();
        assert_eq!(internal, BTreeMap::from([(OFFSETS.to_owned(), true), (other.clone(), false)]));
        assert!(!describe_topic(client, &other).is_internal);
    });
}

#[test]
fn nobody_writes_to_them_and_nothing_is_deleted_from_them() {
    on_each_broker(|client| {
        find_coordinator(client, 0);
        let refused = produce(client, OFFSETS, 7, batch(&["value"], NOBODY));
        assert_eq!((refused.error_code, refused.error_message), (17, None));
        let partition = DeleteRecordsPartition::default().with_partition_index(7).with_offset(0);
        let topic = DeleteRecordsTopic::default().with_name(name(OFFSETS)).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5000);
        assert_eq!(client.call(2, &request).topics[0].partitions[0].error_code, 17);
        // They can be read, by a real broker once it leads the partition.
        ask_until(|| fetch(client, OFFSETS, 7, 0).error_code, |code| *code == 0);
    });
}

#[test]
fn a_broker_that_coordinates_nothing_has_none_and_configs_say_of_what_they_are_made() {
    let builder = EmbeddedBroker::builder().config("offsets.topic.num.partitions", 3);
    // One node is enough here, whatever a cluster of three was told.
    let builder = builder.config("offsets.topic.replication.factor", 3).config("auto.create.topics.enable", false);
    let broker = builder.start().expect("the broker starts");
    let mut client = Client::of(&broker);
    assert_eq!(describe_topic(&mut client, OFFSETS).error_code, 3);
    find_coordinator(&mut client, 0);
    assert_eq!(describe_topic(&mut client, OFFSETS).partitions.len(), 3);
    assert_eq!(describe_topic(&mut client, TRANSACTIONS).error_code, 3);
}

#[test]
fn groups_go_with_the_topic_that_kafka_keeps_them_in() {
    let broker = EmbeddedBroker::builder().topic("t", 1).start().expect("the broker starts");
    let mut client = Client::of(&broker);
    find_coordinator(&mut client, 0);
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(5);
    let topic = OffsetCommitRequestTopic::default().with_name(name("t")).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    assert_eq!(client.call(8, &request).topics[0].partitions[0].error_code, 0);
    assert_eq!(broker.group("g").state(), GroupState::Empty);
    assert_eq!(delete(&mut client, OFFSETS), 0);
    assert_eq!(broker.group("g").state(), GroupState::Dead);
    find_coordinator(&mut client, 0);
    assert_eq!(describe_topic(&mut client, OFFSETS).partitions.len(), 50, "it is made again");
}

#[test]
fn they_are_kept_in_a_data_directory_without_directories_of_their_own() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let start = || EmbeddedBroker::builder().data_dir(dir.path()).start().expect("the broker starts");
    let broker = start();
    find_coordinator(&mut Client::of(&broker), 0);
    broker.stop();
    let broker = start();
    assert_eq!(describe_topic(&mut Client::of(&broker), OFFSETS).partitions.len(), 50);
    let entries = std::fs::read_dir(dir.path()).expect("it is there").map(|entry| entry.expect("an entry").file_name());
    assert!(entries.into_iter().all(|name| !name.to_string_lossy().starts_with("__")));
}
