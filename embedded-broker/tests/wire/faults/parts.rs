//! Faults for some of what a request asks.

use embedded_broker::{Api, EmbeddedBroker, ErrorCode, Outcome};
use kafka_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    FetchResponse, GroupId, HeartbeatRequest, InitProducerIdRequest, MetadataRequest, OffsetCommitRequest,
    ProduceRequest, TransactionalId,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::records::*;

const MOVED: ErrorCode = ErrorCode::NotLeaderOrFollower;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// One record for each partition.
fn produce_to(partitions: [i32; 2], client: &mut Client, version: i16) -> ProduceRequest {
    let data = partitions.map(|index| {
        let records = batch(&["a"], NOBODY);
        PartitionProduceData::default().with_index(index).with_records(Some(records))
    });
    let topic = match version >= 13 {
        true => TopicProduceData::default().with_topic_id(topic_id(client, "t")),
        false => TopicProduceData::default().with_name(name("t")),
    };
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(1_000)
        .with_topic_data(vec![topic.with_partition_data(data.into())])
}

fn ends(broker: &EmbeddedBroker) -> Vec<i64> {
    broker.topic("t").end_offsets().expect("there is the topic")
}

#[test]
fn one_partition_is_not_written_and_the_other_is_in_every_version() {
    for version in [3, 8, 12, 13] {
        let broker = broker_with("t", 2);
        let mut client = Client::of(&broker);
        let request = produce_to([0, 1], &mut client, version);
        let moved = broker.fault().on(Api::Produce).topic("t").partition(1).times(1).error(MOVED);
        let elsewhere = broker.fault().topic("other").error(ErrorCode::UnknownServerError);
        let mut codes = || -> Vec<i16> {
            let response = client.call(version, &request);
            response.responses[0].partition_responses.iter().map(|one| one.error_code).collect()
        };
        assert_eq!(codes(), [0, MOVED.code()], "version {version}");
        assert_eq!(ends(&broker), [1, 0]);
        assert_eq!(codes(), [0, 0], "it recovers");
        assert_eq!(ends(&broker), [2, 1]);
        assert_eq!((moved.times_happened(), elsewhere.times_happened()), (1, 0));
    }
}

#[test]
fn one_partition_is_written_and_said_not_to_be() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let request = produce_to([0, 1], &mut client, 12);
    let _unsure = broker.fault().partition(0).times(1).apply_then_error(ErrorCode::RequestTimedOut);
    let told = client.call(12, &request).responses.remove(0).partition_responses;
    assert_eq!((told[0].error_code, told[1].error_code), (ErrorCode::RequestTimedOut.code(), 0));
    assert_eq!(ends(&broker), [1, 1]);
}

fn codes(response: &FetchResponse) -> Vec<(i32, i16, bool)> {
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions
        .map(|one| (one.partition_index, one.error_code, one.records.as_ref().is_some_and(|r| !r.is_empty())))
        .collect()
}

#[test]
fn one_partition_cannot_be_read_and_the_other_can_by_name_and_by_id() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let request = produce_to([0, 1], &mut client, 12);
    client.call(12, &request);
    let id = topic_id(&mut client, "t");
    for version in [4, 12, 13, 18] {
        let _moved = broker.fault().topic("t").partition(0).times(1).error(MOVED);
        let request = fetch_request("t", id, version, &[(0, 0), (1, 0)]);
        assert_eq!(
            codes(&client.call(version, &request)),
            [(0, MOVED.code(), false), (1, 0, true)],
            "version {version}"
        );
        assert_eq!(codes(&client.call(version, &request)), [(0, 0, true), (1, 0, true)], "version {version}");
    }
}

#[test]
fn a_partition_of_a_fetch_session_is_met_though_no_request_names_it_any_more() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let first = fetch_request("t", uuid::Uuid::nil(), 12, &[(0, 0), (1, 0)]).with_session_epoch(0);
    let session = client.call(12, &first).session_id;
    assert_ne!(session, 0);
    let _moved = broker.fault().on(Api::Fetch).topic("t").partition(1).times(1).error(MOVED);
    let next = fetch_request("t", uuid::Uuid::nil(), 12, &[]).with_topics(vec![]).with_session_id(session);
    assert_eq!(codes(&client.call(12, &next.clone().with_session_epoch(1))), [(1, MOVED.code(), false)]);
    assert_eq!(
        codes(&client.call(12, &next.with_session_epoch(2))),
        [(1, 0, false)],
        "it is told that all is well again"
    );
}

#[test]
fn one_topic_of_metadata_is_not_led_and_the_brokers_are_told_of() {
    let broker = EmbeddedBroker::builder().topic("t", 1).topic("u", 1).start().unwrap();
    let mut client = Client::of(&broker);
    let _unled = broker.fault().on(Api::Metadata).topic("t").times(2).error(ErrorCode::LeaderNotAvailable);
    let asked = |names: &[&str]| {
        let topic = |topic: &&str| MetadataRequestTopic::default().with_name(Some(name(topic)));
        MetadataRequest::default().with_topics(Some(names.iter().map(topic).collect()))
    };
    for names in [&["t", "u"][..], &["t"][..]] {
        let response = client.call(12, &asked(names));
        assert_eq!(response.brokers.len(), 1);
        let code = |of: &str| response.topics.iter().find(|one| one.name == Some(name(of))).map(|one| one.error_code);
        assert_eq!(code("t"), Some(ErrorCode::LeaderNotAvailable.code()));
        assert_eq!(code("u"), names.contains(&"u").then_some(0));
    }
    assert_eq!(client.call(12, &asked(&["t"])).topics[0].error_code, 0);
}

fn commit(partitions: [i32; 2]) -> OffsetCommitRequest {
    let partition =
        |index| OffsetCommitRequestPartition::default().with_partition_index(index).with_committed_offset(5);
    let topic = OffsetCommitRequestTopic::default().with_name(name("t"));
    OffsetCommitRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic.with_partitions(partitions.map(partition).into())])
}

#[test]
fn one_offset_is_not_committed_and_the_other_is() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let _loading = broker.fault().group("g").partition(1).times(1).error(ErrorCode::CoordinatorLoadInProgress);
    let response = client.call(8, &commit([0, 1]));
    let mut told: Vec<_> =
        response.topics[0].partitions.iter().map(|one| (one.partition_index, one.error_code)).collect();
    told.sort_unstable();
    assert_eq!(told, [(0, 0), (1, ErrorCode::CoordinatorLoadInProgress.code())]);
    assert_eq!(broker.group("g").committed().len(), 1);
    client.call(8, &commit([0, 1]));
    assert_eq!(broker.group("g").committed().len(), 2);
}

#[test]
fn a_fault_of_a_group_leaves_the_others_alone() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let _loading = broker.fault().group("g").error(ErrorCode::CoordinatorLoadInProgress);
    let heartbeat = |group: &str| HeartbeatRequest::default().with_group_id(GroupId(text(group)));
    assert_eq!(client.call(4, &heartbeat("g")).error_code, ErrorCode::CoordinatorLoadInProgress.code());
    assert_eq!(client.call(4, &heartbeat("h")).error_code, ErrorCode::UnknownMemberId.code());
    let both = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("g"), text("h")]);
    let found = client.call(4, &both).coordinators;
    let code = |of: &str| found.iter().find(|one| *one.key == *of).map(|one| one.error_code);
    assert_eq!((code("g"), code("h")), (Some(ErrorCode::CoordinatorLoadInProgress.code()), Some(0)));
}

#[test]
fn a_row_of_outcomes_for_one_transactional_id() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let row = [Outcome::Error(ErrorCode::ConcurrentTransactions), Outcome::Pass, Outcome::DisconnectBefore];
    let fault = broker.fault().on(Api::InitProducerId).transactional_id("x").in_turn(row);
    let init = |id: &str| {
        let id = Some(TransactionalId(text(id)));
        InitProducerIdRequest::default().with_transactional_id(id).with_transaction_timeout_ms(1_000)
    };
    let mut told = |id: &str| client.call_or_reconnect(4, &init(id)).map(|response| response.error_code);
    assert_eq!(told("x"), Some(ErrorCode::ConcurrentTransactions.code()));
    assert_eq!(told("y"), Some(0));
    assert_eq!(told("x"), Some(0));
    assert_eq!(told("x"), None);
    assert_eq!((told("x"), fault.times_happened()), (Some(0), 3));
}
