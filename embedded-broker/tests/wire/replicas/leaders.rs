//! Who answers: the leader, a follower, and a node that has no replica.

use embedded_broker::ErrorCode;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    DeleteRecordsRequest, DescribeProducersRequest, FetchRequest, FetchResponse, OffsetForLeaderEpochRequest,
};

use super::*;

const NOT_LEADER: i16 = ErrorCode::NotLeaderOrFollower.code();
const FENCED: i16 = ErrorCode::FencedLeaderEpoch.code();
const UNKNOWN: i16 = ErrorCode::UnknownLeaderEpoch.code();

/// Three nodes, and a topic whose leader is node 1, whose follower is node 2, and which node 3 has nothing of.
fn two_of_three() -> EmbeddedBroker {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    assert_eq!(produced(&mut client_of(&broker, 1), "t", -1, &["v"]), (0, 0));
    broker
}

#[test]
fn only_the_leader_takes_records_and_others_say_from_version_10_on_who_it_is() {
    let broker = two_of_three();
    let id = topic_id(&mut client_of(&broker, 1), "t");
    for node in [2, 3] {
        let mut client = client_of(&broker, node);
        for (version, acks) in (3..=13).zip([-1, 1].into_iter().cycle()) {
            let request = produce_request("t", id, version, 0, batch(&["x"], NOBODY)).with_acks(acks);
            let answer = client.call(version, &request);
            let endpoints: Vec<_> = answer.node_endpoints.iter().map(|node| (node.node_id.0, node.port)).collect();
            let partition = &answer.responses[0].partition_responses[0];
            assert_eq!((partition.error_code, partition.base_offset), (NOT_LEADER, -1), "v{version}");
            let leader = (partition.current_leader.leader_id.0, partition.current_leader.leader_epoch);
            let port = broker.node(1).unwrap().address().split(':').next_back().unwrap().parse().unwrap();
            match version >= 10 {
                true => assert_eq!((leader, endpoints), ((1, 0), vec![(1, port)]), "v{version}"),
                false => assert_eq!((leader, endpoints), ((-1, -1), vec![]), "v{version}"),
            }
        }
    }
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [1]);
}

#[test]
fn a_batch_for_the_wrong_node_is_not_looked_at() {
    let broker = two_of_three();
    let mut broken = batch(&["x"], NOBODY).to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let request = produce_request("t", Uuid::nil(), PRODUCE, 0, broken.into());
    assert_eq!(only_produced(client_of(&broker, 2).call(PRODUCE, &request)).error_code, NOT_LEADER);
    assert_eq!(
        only_produced(client_of(&broker, 1).call(PRODUCE, &request)).error_code,
        ErrorCode::CorruptMessage.code()
    );
}

fn fetch_at(client: &mut Client, id: Uuid, version: i16, epoch: i32) -> FetchResponse {
    let mut request: FetchRequest = fetch_request("t", id, version, &[(0, 0)]);
    if version >= 9 {
        request.topics[0].partitions[0].current_leader_epoch = epoch;
    }
    client.call(version, &request)
}

#[test]
fn consumers_may_read_from_a_follower_from_version_11_on_and_from_no_other_node() {
    let broker = two_of_three();
    let id = topic_id(&mut client_of(&broker, 1), "t");
    for version in 4..=18 {
        let answered = |node| {
            let got = only(fetch_at(&mut client_of(&broker, node), id, version, -1));
            (got.error_code, got.high_watermark, got.records.unwrap_or_default().len())
        };
        let from_leader = answered(1);
        assert_eq!((from_leader.0, from_leader.1), (0, 1), "v{version}");
        let expected = if version >= 11 { from_leader } else { (NOT_LEADER, -1, 0) };
        assert_eq!(answered(2), expected, "v{version}");
        assert_eq!(answered(3), (NOT_LEADER, -1, 0), "v{version}");
    }
}

#[test]
fn a_consumer_in_the_wrong_place_or_epoch_is_told_from_version_16_on_who_leads() {
    let broker = two_of_three();
    let id = topic_id(&mut client_of(&broker, 1), "t");
    broker.move_leader("t", 0, 2).unwrap();
    for version in 12..=18 {
        for (node, epoch, code) in [(3, -1, NOT_LEADER), (2, 0, FENCED), (1, 0, FENCED), (2, 7, UNKNOWN)] {
            let answer = fetch_at(&mut client_of(&broker, node), id, version, epoch);
            let endpoints: Vec<i32> = answer.node_endpoints.iter().map(|node| node.node_id.0).collect();
            let got = only(answer);
            let leader = (got.current_leader.leader_id.0, got.current_leader.leader_epoch);
            let expected = match version >= 16 && code != UNKNOWN {
                true => ((2, 1), vec![2]),
                false => ((-1, -1), vec![]),
            };
            assert_eq!((got.error_code, (leader, endpoints)), (code, expected), "v{version} at {node}");
        }
    }
}

#[test]
fn offsets_are_told_by_the_leader_and_a_follower_looks_at_the_epoch_first() {
    let broker = two_of_three();
    let told = |node, epoch| listed(&mut client_of(&broker, node), "t", -1, epoch).error_code;
    assert_eq!([told(1, -1), told(1, 0), told(1, 5)], [0, 0, UNKNOWN]);
    assert_eq!([told(2, -1), told(2, 0), told(2, 5)], [NOT_LEADER, NOT_LEADER, UNKNOWN]);
    assert_eq!([told(3, -1), told(3, 0), told(3, 5)], [NOT_LEADER; 3]);
}

fn end_of_epoch(client: &mut Client, epoch: i32, known: i32) -> (i16, i32, i64) {
    let asked =
        OffsetForLeaderPartition::default().with_partition(0).with_current_leader_epoch(known).with_leader_epoch(epoch);
    let topic = OffsetForLeaderTopic::default().with_topic(name("t")).with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![topic]);
    let end = client.call(4, &request).topics.remove(0).partitions.remove(0);
    (end.error_code, end.leader_epoch, end.end_offset)
}

#[test]
fn ends_of_epochs_are_told_by_the_leader() {
    let broker = two_of_three();
    let told = |node, known| end_of_epoch(&mut client_of(&broker, node), 0, known);
    assert_eq!(told(1, -1), (0, 0, 1));
    assert_eq!([told(2, -1), told(2, 5)], [(NOT_LEADER, -1, -1), (UNKNOWN, -1, -1)]);
    assert_eq!(told(3, -1), (NOT_LEADER, -1, -1));
}

#[test]
fn records_are_deleted_by_the_leader_and_only_those_that_can_be_read() {
    let broker = two_of_three();
    let deleted = |node, offset| {
        let partition = DeleteRecordsPartition::default().with_partition_index(0).with_offset(offset);
        let topic = DeleteRecordsTopic::default().with_name(name("t")).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
        let answer = client_of(&broker, node).call(2, &request).topics.remove(0).partitions.remove(0);
        (answer.error_code, answer.low_watermark)
    };
    assert_eq!([deleted(2, -1), deleted(3, -1)], [(NOT_LEADER, -1); 2]);
    let _frozen = broker.freeze_high_watermark("t", 0).unwrap();
    produced(&mut client_of(&broker, 1), "t", 1, &["not safe"]);
    assert_eq!(deleted(1, 2), (ErrorCode::OffsetOutOfRange.code(), -1));
    assert_eq!(deleted(1, -1), (0, 1));
}

#[test]
fn every_replica_knows_the_producers() {
    let broker = two_of_three();
    let known = |node| {
        let topic = TopicRequest::default().with_name(name("t")).with_partition_indexes(vec![0]);
        let request = DescribeProducersRequest::default().with_topics(vec![topic]);
        client_of(&broker, node).call(0, &request).topics.remove(0).partitions.remove(0).error_code
    };
    assert_eq!([known(1), known(2), known(3)], [0, 0, NOT_LEADER]);
}
