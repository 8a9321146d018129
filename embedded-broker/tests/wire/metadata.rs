//! Metadata: nodes, topics, and topics that are made by asking for them.

use embedded_broker::{EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{DescribeClusterRequest, MetadataRequest};
use uuid::Uuid;

use crate::client::Client;
use crate::records::*;

fn ask(topics: &[&str]) -> MetadataRequest {
    let topics = topics.iter().map(|topic| MetadataRequestTopic::default().with_name(Some(name(topic))));
    MetadataRequest::default().with_topics(Some(topics.collect()))
}

#[test]
fn every_version_names_the_node_and_who_leads() {
    let broker = broker_with("t", 3);
    let mut client = Client::of(&broker);
    for version in 0..=13 {
        let response = client.call(version, &ask(&["t"]));
        let node = &response.brokers[0];
        assert_eq!(format!("{}:{}", node.host, node.port), broker.bootstrap_servers(), "v{version}");
        let topic = &response.topics[0];
        assert_eq!((topic.error_code, topic.partitions.len()), (0, 3), "v{version}");
        assert!(topic.partitions.iter().all(|one| one.leader_id == node.node_id && one.error_code == 0));
        assert_eq!(topic.topic_id.is_nil(), version < 10, "v{version}");
    }
}

#[test]
fn the_node_has_the_id_that_was_set_and_leads_under_it() {
    let broker = EmbeddedBroker::builder().configs([("node.id", "7"), ("num.partitions", "2")]).topic("t", -1);
    let broker = broker.start().unwrap();
    let response = Client::of(&broker).call(12, &ask(&["t"]));
    assert_eq!((response.brokers[0].node_id.0, response.controller_id.0), (7, 7));
    let leaders: Vec<_> = response.topics[0].partitions.iter().map(|partition| partition.leader_id.0).collect();
    assert_eq!(leaders, [7, 7], "and a topic of -1 partitions has num.partitions");
}

#[test]
fn clients_are_told_the_rack_that_was_set() {
    let broker = EmbeddedBroker::builder().config("broker.rack", "east").start().unwrap();
    let mut client = Client::of(&broker);
    for version in 0..=13 {
        let rack = client.call(version, &ask(&[])).brokers[0].rack.as_ref().map(|rack| rack.to_string());
        assert_eq!(rack.as_deref(), (version > 0).then_some("east"), "v{version}");
    }
    let cluster = client.call(2, &DescribeClusterRequest::default());
    assert_eq!(cluster.brokers[0].rack.as_ref().map(|rack| rack.as_str()), Some("east"));
    assert!(broker.ignored_configs().is_empty());
}

#[test]
fn all_topics_are_asked_for_with_null_and_in_version_0_with_an_empty_list() {
    let broker = EmbeddedBroker::builder().topic("a", 1).topic("b", 1).start().unwrap();
    let mut client = Client::of(&broker);
    let all = MetadataRequest::default().with_topics(None);
    assert_eq!(client.call(0, &ask(&[])).topics.len(), 2);
    for version in 1..=13 {
        assert_eq!(client.call(version, &all).topics.len(), 2, "v{version}");
        assert_eq!(client.call(version, &ask(&[])).topics.len(), 0, "v{version}");
    }
}

#[test]
fn a_topic_is_made_by_asking_only_if_both_sides_allow_it() {
    let open = EmbeddedBroker::builder().config("num.partitions", 4).start().unwrap();
    let mut client = Client::of(&open);
    let refused = client.call(12, &ask(&["t"]).with_allow_auto_topic_creation(false));
    assert_eq!(refused.topics[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
    let unknown = ErrorCode::UnknownTopicOrPartition.code();
    assert_eq!(client.call(12, &ask(&["t"])).topics[0].error_code, unknown, "that request is what makes it");
    let made = client.call(12, &ask(&["t"]));
    assert_eq!((made.topics[0].error_code, made.topics[0].partitions.len()), (0, 4));
    let colliding = broker_with("a.b", 1);
    for _ in 0..2 {
        let answer = Client::of(&colliding).call(12, &ask(&["a_b"]));
        assert_eq!(answer.topics[0].error_code, unknown, "why it cannot be made is not told");
    }
    let bad = client.call(12, &ask(&["a b"]));
    assert_eq!(bad.topics[0].error_code, ErrorCode::InvalidTopicException.code());
    let closed = EmbeddedBroker::builder().config("auto.create.topics.enable", false).start().unwrap();
    let refused = Client::of(&closed).call(12, &ask(&["t"]));
    assert_eq!(refused.topics[0].error_code, ErrorCode::UnknownTopicOrPartition.code());
}

#[test]
fn topics_are_found_by_id() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let id = topic_id(&mut client, "t");
    let by_id = |id: Uuid| {
        let topic = MetadataRequestTopic::default().with_topic_id(id).with_name(None);
        MetadataRequest::default().with_topics(Some(vec![topic]))
    };
    for version in 12..=13 {
        assert_eq!(client.call(version, &by_id(id)).topics[0].name, Some(name("t")));
        let unknown = client.call(version, &by_id(Uuid::from_u128(7)));
        assert_eq!(unknown.topics[0].error_code, ErrorCode::UnknownTopicId.code());
    }
}

#[test]
fn authorized_operations_are_told_only_when_asked_for() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    for version in 8..=13 {
        let silent = client.call(version, &ask(&["t"]));
        assert_eq!(silent.topics[0].topic_authorized_operations, i32::MIN, "v{version}");
        assert_eq!(silent.cluster_authorized_operations, i32::MIN, "v{version}");
        let mut request = ask(&["t"]).with_include_topic_authorized_operations(true);
        request.include_cluster_authorized_operations = version <= 10;
        let told = client.call(version, &request);
        assert_eq!(told.topics[0].topic_authorized_operations, 3_576, "v{version}");
        let cluster = if version <= 10 { 8_096 } else { i32::MIN };
        assert_eq!(told.cluster_authorized_operations, cluster, "v{version}");
    }
}
