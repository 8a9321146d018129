//! What a request names again and again is told again and again, as long as the answer stays within bounds.

use std::iter::repeat_n;

use bytes::Bytes;
use embedded_broker::{EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{
    DescribeGroupsRequest, GroupId, JoinGroupRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest,
    SyncGroupRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;

/// More than 64 MiB of [`large`] ones.
const TIMES: usize = 100;
const REFUSED: i16 = ErrorCode::InvalidRequest.code();

fn large() -> String {
    "x".repeat(1 << 20)
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// Some are told, and then no more.
fn check(codes: &[i16]) {
    assert_eq!((codes.len(), codes[0], codes[TIMES - 1]), (TIMES, 0, REFUSED));
    let told = codes.iter().filter(|code| **code == 0).count();
    assert!((32..=64).contains(&told), "{told} MiB are told");
    assert!(codes[..told].iter().all(|code| *code == 0), "the first ones");
}

#[test]
fn a_committed_offset_with_a_long_note() {
    let broker =
        EmbeddedBroker::builder().config("offset.metadata.max.bytes", "1048576").topic("t", 1).start().unwrap();
    let mut client = Client::of(&broker);
    let partition = OffsetCommitRequestPartition::default().with_committed_metadata(Some(text(&large())));
    let name = TopicName(text("t"));
    let topic = OffsetCommitRequestTopic::default().with_name(name.clone()).with_partitions(vec![partition]);
    let group = GroupId(text("g"));
    let commit = OffsetCommitRequest::default().with_group_id(group.clone()).with_generation_id_or_member_epoch(-1);
    let committed = client.call(9, &commit.with_topics(vec![topic]));
    assert_eq!(committed.topics[0].partitions[0].error_code, 0);

    let topic = OffsetFetchRequestTopics::default().with_name(name).with_partition_indexes(vec![0; TIMES]);
    let asked = OffsetFetchRequestGroup::default().with_group_id(group);
    let one = asked.clone().with_topics(Some(vec![topic]));
    let response = client.call(9, &OffsetFetchRequest::default().with_groups(vec![one]));
    check(&response.groups[0].topics[0].partitions.iter().map(|partition| partition.error_code).collect::<Vec<_>>());

    let all = asked.with_topics(None);
    let response = client.call(9, &OffsetFetchRequest::default().with_groups(vec![all; TIMES]));
    check(&response.groups.iter().map(|group| group.error_code).collect::<Vec<_>>());
}

#[test]
fn a_group_whose_members_say_much() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let mut client = Client::of(&broker);
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(Bytes::from(large()));
    let join = JoinGroupRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let joined = client.call(3, &join);
    assert_eq!(joined.error_code, 0);
    // What members say is told once they all know what they have.
    let sync = SyncGroupRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id);
    client.call(3, &sync);
    let request = DescribeGroupsRequest::default().with_groups(repeat_n(GroupId(text("g")), TIMES).collect());
    let response = client.call(5, &request);
    check(&response.groups.iter().map(|group| group.error_code).collect::<Vec<_>>());
}

#[test]
fn a_topic_by_its_id_with_names_that_do_not_matter() {
    let broker = EmbeddedBroker::builder().topic("t", 1).start().unwrap();
    let mut client = Client::of(&broker);
    let by_name = MetadataRequestTopic::default().with_name(Some(TopicName(text("t"))));
    let described = client.call(12, &MetadataRequest::default().with_topics(Some(vec![by_name])));
    let id = described.topics[0].topic_id;
    let by_id = |n: usize| {
        MetadataRequestTopic::default().with_topic_id(id).with_name(Some(TopicName(text(&format!("name-{n}")))))
    };
    let request = MetadataRequest::default().with_topics(Some((0..TIMES).map(by_id).collect()));
    assert_eq!(client.call(12, &request).topics.len(), 1, "as Kafka, once");
}
