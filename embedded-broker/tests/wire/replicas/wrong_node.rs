//! Who is told what at a node that does not lead, and in an epoch that is not the leader's (KIP-320, KIP-951): what a
//! real cluster of three nodes (4.1.1) answers, the embedded one answers too.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::{FetchRequest, FetchResponse, OffsetForLeaderEpochRequest};

use super::cluster::{Line, Three, seen_of_three};
use super::third_down::make;
use super::*;
use crate::patience::ask_until;

/// The nodes of an answer, each with whether its address is the one it has.
macro_rules! endpoints {
    ($nodes:expr, $answer:expr) => {{
        let told = $answer.node_endpoints.iter().map(|node| {
            let is_there = format!("{}:{}", node.host.as_str(), node.port) == $nodes.address(node.node_id.0);
            (node.node_id.0, is_there, node.rack.as_ref().map(|rack| rack.to_string()))
        });
        told.collect::<Vec<_>>()
    }};
}

pub(super) fn produced(nodes: &Three, (node, version): (i32, i16), request: &ProduceRequest) -> String {
    let answer = nodes.client(node).call(version, request);
    let mut seen = String::new();
    let mut partitions: Vec<_> = answer.responses.iter().flat_map(|topic| &topic.partition_responses).collect();
    // A real one's order is that of a hash table.
    partitions.sort_by_key(|partition| partition.index);
    for partition in partitions {
        let (leader, why) = (&partition.current_leader, &partition.error_message);
        seen += &format!(
            "[{}: {} offset {} time {} start {} leader {} in {} {:?} {}] ",
            partition.index,
            partition.error_code,
            partition.base_offset,
            partition.log_append_time_ms,
            partition.log_start_offset,
            leader.leader_id.0,
            leader.leader_epoch,
            why.as_ref().map(|why| why.to_string()),
            partition.record_errors.len(),
        );
    }
    seen + &format!("{:?}", endpoints!(nodes, answer))
}

pub(super) fn fetched(nodes: &Three, (node, version): (i32, i16), request: &FetchRequest) -> String {
    shown(nodes, &nodes.client(node).call(version, request))
}

pub(super) fn shown(nodes: &Three, answer: &FetchResponse) -> String {
    let mut seen = format!("{} ", answer.error_code);
    for partition in answer.responses.iter().flat_map(|topic| &topic.partitions) {
        let records = partition.records.as_ref().map_or_else(Vec::new, values);
        let offsets: Vec<i64> = records.iter().map(|(offset, _)| *offset).collect();
        seen += &format!(
            "[{}: {} high {} stable {} start {} leader {} in {} parts {} at {} other {} {offsets:?}] ",
            partition.partition_index,
            partition.error_code,
            partition.high_watermark,
            partition.last_stable_offset,
            partition.log_start_offset,
            partition.current_leader.leader_id.0,
            partition.current_leader.leader_epoch,
            partition.diverging_epoch.epoch,
            partition.diverging_epoch.end_offset,
            partition.preferred_read_replica.0,
        );
    }
    seen + &format!("{:?}", endpoints!(nodes, answer))
}

/// A partition as it is asked for: index, offset, the leader's epoch, and that of the last record.
type Asked = (i32, i64, i32, i32);

pub(super) fn fetch_request(topic: (&str, Uuid), version: i16, asked: &[Asked]) -> FetchRequest {
    let places: Vec<_> = asked.iter().map(|(index, offset, ..)| (*index, *offset)).collect();
    let mut request = crate::records::fetch_request(topic.0, topic.1, version, &places);
    let partitions = request.topics[0].partitions.iter_mut().zip(asked);
    for (partition, (_, _, epoch, last)) in partitions {
        let known = |partition: FetchPartition| partition.with_current_leader_epoch(*epoch);
        *partition = if version >= 9 { known(partition.clone()) } else { partition.clone() };
        partition.last_fetched_epoch = if version >= 12 { *last } else { -1 };
    }
    request
}

/// One record to each of these partitions.
fn produce_request(topic: (&str, Uuid), version: i16, indexes: &[i32]) -> ProduceRequest {
    let mut request = crate::records::produce_request(topic.0, topic.1, version, 0, batch(&["v"], NOBODY));
    let one =
        |index: &i32| PartitionProduceData::default().with_index(*index).with_records(Some(batch(&["v"], NOBODY)));
    request.topic_data[0].partition_data = indexes.iter().map(one).collect();
    request.with_timeout_ms(10_000)
}

/// One record for one partition.
pub(super) fn with_acks(topic: &str, index: i32, acks: i16) -> ProduceRequest {
    produce_request((topic, Uuid::nil()), 12, &[index]).with_acks(acks)
}

/// One batch that all replicas in sync have then. A real node may not know yet that it leads; all it refuses it has not appended.
pub(super) fn send_to_all(nodes: &Three, node: i32, (topic, index): (&str, i32), records: Bytes) {
    let mut client = nodes.client(node);
    let request = crate::records::produce_request(topic, Uuid::nil(), 12, index, records);
    let request = request.with_timeout_ms(60_000);
    ask_until(|| only_produced(client.call(12, &request)).error_code, |code| *code == 0);
}

fn listed(nodes: &Three, (node, version): (i32, i16), topic: &str, epoch: i32, time: i64, isolation: i8) -> String {
    let asked = ListOffsetsPartition::default().with_partition_index(0).with_timestamp(time);
    let asked = if version >= 4 { asked.with_current_leader_epoch(epoch) } else { asked };
    let asked = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![asked]);
    let request = ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(vec![asked]);
    let request = if version >= 2 { request.with_isolation_level(isolation) } else { request };
    let found = nodes.client(node).call(version, &request).topics.remove(0).partitions.remove(0);
    format!("{} {} {}", found.error_code, found.offset, found.leader_epoch)
}

pub(super) fn end_of(nodes: &Three, (node, version): (i32, i16), topic: &str, current: i32, epoch: i32) -> String {
    let asked = OffsetForLeaderPartition::default().with_leader_epoch(epoch).with_current_leader_epoch(current);
    let asked = OffsetForLeaderTopic::default().with_topic(name(topic)).with_partitions(vec![asked]);
    let request = OffsetForLeaderEpochRequest::default().with_topics(vec![asked]);
    let request = if version >= 3 { request.with_replica_id(BrokerId(-1)) } else { request };
    let end = nodes.client(node).call(version, &request).topics.remove(0).partitions.remove(0);
    format!("{} {} {}", end.error_code, end.leader_epoch, end.end_offset)
}

/// Three partitions on nodes 1 and 2, of which node 1 led all at first: it leads the second one still, and it leads the third one
/// again, with epoch 1 between. Offsets 0 to 2 are of epoch 0, where there are 3 and 4 they are of a later one.
fn moved(nodes: &Three) -> (String, Uuid) {
    let mut client = nodes.client(1);
    let topic = make(&mut client, &[&[1, 2], &[1, 2], &[1, 2]], &[("min.insync.replicas", "1")]);
    let send = |node, index, values: &[&str]| send_to_all(nodes, node, (&topic, index), batch(values, NOBODY));
    for index in 0..3 {
        send(1, index, &["a", "b", "c"]);
    }
    nodes.lead(&topic, 0, &[2, 1]);
    send(2, 0, &["d", "e"]);
    nodes.lead(&topic, 2, &[2, 1]);
    nodes.until_led(&[2], &topic, 2, (2, 1), 2);
    nodes.lead(&topic, 2, &[1, 2]);
    send(1, 2, &["d", "e"]);
    for (index, leader) in [(0, (2, 1)), (1, (1, 0)), (2, (1, 2))] {
        nodes.until_led(&[1, 2, 3], &topic, index, leader, 2);
    }
    // What a node leads and has, it knows later than who leads.
    let id = topic_id(&mut client, &topic);
    for (node, asked) in
        [(1, (0, 0, 1, -1)), (2, (0, 0, 1, -1)), (2, (1, 0, 0, -1)), (1, (2, 0, 2, -1)), (2, (2, 0, 2, -1))]
    {
        let mut client = nodes.client(node);
        let request = fetch_request((&topic, id), 18, &[asked]);
        let end = if asked.0 == 1 { 3 } else { 5 };
        ask_until(|| only(client.call(18, &request)).high_watermark, |high| *high == end);
    }
    (topic, id)
}

#[test]
fn producers_at_the_wrong_node_are_told_who_leads() {
    seen_of_three(include_str!("../seen/producers_elsewhere.txt"), |nodes| {
        let mut lines: Vec<Line> = Vec::new();
        let (topic, id) = moved(nodes);
        for node in 1..=3 {
            for version in 3..=13 {
                let request = produce_request((&topic, id), version, &[if node == 1 { 0 } else { 1 }]);
                lines.push((format!("v{version} at {node}"), produced(nodes, (node, version), &request)));
            }
            let request = produce_request((&topic, id), 12, &[0, 1, 2, 7]);
            let seen = produced(nodes, (node, 12), &request.clone().with_acks(1));
            lines.push((format!("several at {node}"), seen));
            lines.push((format!("acks 2 at {node}"), produced(nodes, (node, 12), &request.clone().with_acks(2))));
            let mut client = nodes.client(node);
            client.send(12, &request.with_acks(0));
            lines.push((format!("acks 0 at {node}"), if client.is_closed() { "closed" } else { "open" }.to_owned()));
        }
        lines
    });
}

#[test]
fn consumers_at_the_wrong_node_or_in_another_epoch_are_told_who_leads() {
    seen_of_three(include_str!("../seen/consumers_elsewhere.txt"), |nodes| {
        let mut lines: Vec<Line> = Vec::new();
        let (topic, id) = moved(nodes);
        let t = (topic.as_str(), id);
        for version in 4..=18 {
            for node in 1..=3 {
                for epoch in if version >= 9 { &[-1, 0, 1, 2, -2][..] } else { &[-1] } {
                    let request = fetch_request(t, version, &[(0, 3, *epoch, -1)]);
                    let seen = fetched(nodes, (node, version), &request);
                    lines.push((format!("v{version} at {node} in {epoch}"), seen));
                }
            }
        }
        for node in 1..=3 {
            let request = fetch_request(t, 17, &[(0, 4, -1, -1), (1, 2, -1, -1), (2, 4, 0, -1), (7, 0, -1, -1)]);
            lines.push((format!("several at {node}"), fetched(nodes, (node, 17), &request)));
            // In a session, and once more where nothing is new.
            let mut client = nodes.client(node);
            let request = request.with_session_epoch(0);
            let opened = client.call(17, &request);
            let session = opened.session_id;
            lines.push((format!("a session at {node}"), shown(nodes, &opened)));
            let request = FetchRequest::default().with_session_id(session).with_session_epoch(1);
            let next = client.call(17, &request.with_max_bytes(50 << 20).with_max_wait_ms(0));
            lines.push((format!("and again at {node}"), shown(nodes, &next)));
        }
        lines
    });
}

#[test]
fn where_logs_part_is_told_from_every_epoch_and_offset() {
    seen_of_three(include_str!("../seen/where_logs_part.txt"), |nodes| {
        let mut lines: Vec<Line> = Vec::new();
        let (topic, id) = moved(nodes);
        for node in 1..=2 {
            for last in -2..=4 {
                for offset in -1..=6 {
                    let request = fetch_request((&topic, id), 18, &[(2, offset, -1, last)]);
                    let seen = fetched(nodes, (node, 18), &request);
                    lines.push((format!("at {node} offset {offset} behind {last}"), seen));
                }
            }
        }
        let request = fetch_request((&topic, id), 18, &[(2, 5, 1, 0)]);
        lines.push(("in an old epoch".to_owned(), fetched(nodes, (1, 18), &request)));
        lines
    });
}

#[test]
fn offsets_and_ends_of_epochs_are_told_by_the_leader_in_its_epoch() {
    seen_of_three(include_str!("../seen/offsets_elsewhere.txt"), |nodes| {
        let mut lines: Vec<Line> = Vec::new();
        let (topic, _) = moved(nodes);
        for version in 1..=10 {
            for node in 1..=3 {
                for epoch in if version >= 4 { &[-1, 0, 1, 2, -2][..] } else { &[-1] } {
                    let seen = [-1, -2, -3, -4, 0].map(|time| listed(nodes, (node, version), &topic, *epoch, time, 0));
                    lines.push((format!("offsets v{version} at {node} in {epoch}"), seen.join(", ")));
                }
            }
        }
        for version in 2..=4 {
            for node in 1..=3 {
                for current in [-1, 0, 1, 2, -2] {
                    let seen = [-2, -1, 0, 1, 2].map(|epoch| end_of(nodes, (node, version), &topic, current, epoch));
                    lines.push((format!("ends v{version} at {node} in {current}"), seen.join(", ")));
                }
            }
        }
        lines
    });
}

#[test]
fn a_new_leader_does_not_know_its_end_before_a_frozen_follower_has_followed() {
    seen_of_three(include_str!("../seen/offset_not_available.txt"), |nodes| {
        let mut lines: Vec<Line> = Vec::new();
        let slow = nodes.not_the_controller();
        let others: Vec<i32> = (1..=3).filter(|node| *node != slow).collect();
        let (old, new) = (others[0], others[1]);
        let mut client = nodes.client(old);
        let topic = make(&mut client, &[&[old, new, slow]], &[("min.insync.replicas", "1")]);
        nodes.until_led(&others, &topic, 0, (old, 0), 3);
        // The record that is to have the highest time is the second one.
        send_to_all(nodes, old, (&topic, 0), batch_at(&[(now_ms() - 1_000, "a")], NOBODY));
        let frozen = nodes.freeze(slow);
        assert_eq!(only_produced(client.call(12, &with_acks(&topic, 0, 1))).error_code, 0);
        nodes.lead(&topic, 0, &[new, old, slow]);
        let mut client = nodes.client(new);
        let known = |version| fetch_request((&topic, Uuid::nil()), version, &[(0, 0, 1, -1)]);
        ask_until(|| only(client.call(12, &known(12))).error_code, |code| *code == 0);
        for version in 1..=10 {
            let times = [-1, -2, -3, -4, 0, i64::MAX];
            let seen = times.map(|time| listed(nodes, (new, version), &topic, -1, time, 0));
            lines.push((format!("offsets v{version}"), seen.join(", ")));
        }
        lines.push(("latest for committed ones".to_owned(), listed(nodes, (new, 7), &topic, 1, -1, 1)));
        lines.push(("in the old epoch".to_owned(), listed(nodes, (new, 7), &topic, 0, -1, 0)));
        lines.push(("at the old leader".to_owned(), listed(nodes, (old, 7), &topic, -1, -1, 0)));
        lines.push(("end of epoch 0".to_owned(), end_of(nodes, (new, 4), &topic, 1, 0)));
        lines.push(("end of epoch 1".to_owned(), end_of(nodes, (new, 4), &topic, 1, 1)));
        for offset in 0..=3 {
            let request = fetch_request((&topic, Uuid::nil()), 12, &[(0, offset, 1, -1)]);
            lines.push((format!("fetched from {offset}"), fetched(nodes, (new, 12), &request)));
        }
        drop(frozen);
        let ask = || listed(nodes, (new, 7), &topic, -1, -1, 0);
        lines.push(("latest, once all have it".to_owned(), ask_until(ask, |seen| seen.starts_with("0 "))));
        lines
    });
}
