//! Partitions that move to other nodes: what a real cluster of three nodes (4.1.1) answers, the embedded one answers too.

use std::fmt::Write as _;

use embedded_broker::ErrorCode;
use kafka_protocol::messages::alter_partition_reassignments_request::{ReassignablePartition, ReassignableTopic};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, ElectLeadersRequest, ListPartitionReassignmentsRequest,
};

use super::third_down::{Line, make, told, with_the_third_node_down};
use super::*;
use crate::patience::comes_true;

pub(super) fn alter_request(topic: &str, index: i32, target: Option<&[i32]>) -> AlterPartitionReassignmentsRequest {
    let ids = target.map(|ids| ids.iter().copied().map(BrokerId).collect());
    let partition = ReassignablePartition::default().with_partition_index(index).with_replicas(ids);
    let topic = ReassignableTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000)
}

/// What has become of a request for one partition: the code, and why.
pub(super) fn answer(client: &mut Client, version: i16, request: &AlterPartitionReassignmentsRequest) -> String {
    let mut response = client.call(version, request);
    let partition = response.responses.remove(0).partitions.remove(0);
    format!(
        "{} {}",
        partition.error_code,
        partition.error_message.map_or_else(|| "-".to_owned(), |why| why.to_string())
    )
}

/// The moves of a topic, of all there are or of those asked for by name.
fn listed(client: &mut Client, topic: &str, asked: Option<&[(&str, &[i32])]>) -> String {
    let asked = asked.map(|asked| {
        let of = |(topic, indexes): &(&str, &[i32])| {
            ListPartitionReassignmentsTopics::default().with_name(name(topic)).with_partition_indexes(indexes.to_vec())
        };
        asked.iter().map(of).collect()
    });
    let request = ListPartitionReassignmentsRequest::default().with_topics(asked).with_timeout_ms(10_000);
    let response = client.call(0, &request);
    let mut seen = format!("{}", response.error_code);
    for partition in response.topics.iter().filter(|one| one.name.as_str() == topic).flat_map(|one| &one.partitions) {
        let (index, all) = (partition.partition_index, ids(&partition.replicas));
        let (adding, removing) = (ids(&partition.adding_replicas), ids(&partition.removing_replicas));
        write!(seen, " [{index}: {all:?} adding {adding:?} removing {removing:?}]").expect("a string");
    }
    seen
}

/// Has the preferred replica of a partition lead: the code.
pub(super) fn elected(client: &mut Client, topic: &str, index: i32) -> i16 {
    let asked = TopicPartitions::default().with_topic(name(topic)).with_partitions(vec![index]);
    let request = ElectLeadersRequest::default().with_topic_partitions(Some(vec![asked])).with_timeout_ms(10_000);
    client.call(2, &request).replica_election_results[0].partition_result[0].error_code
}

#[test]
fn moves_begin_change_and_are_cancelled_as_on_a_real_cluster() {
    with_the_third_node_down(include_str!("../seen/moves.txt"), |client| {
        let of = |client: &mut Client, replicas: &[&[i32]]| make(client, replicas, &[]);
        let (topic, one, all) =
            (of(client, &[&[1, 2], &[1, 2], &[2, 1]]), of(client, &[&[1]]), of(client, &[&[1, 2, 3]]));
        let (t, one, all) = (topic.as_str(), one.as_str(), all.as_str());
        let mut lines: Vec<Line> = Vec::new();
        let mut move_to = |client: &mut Client, what, index, target: Option<&[i32]>, shrinks: Option<bool>| {
            let request = alter_request(t, index, target).with_allow_replication_factor_change(shrinks.unwrap_or(true));
            let seen = answer(client, i16::from(shrinks.is_some()), &request);
            lines.push((what, format!("{seen}; {}", listed(client, t, None))));
        };
        move_to(client, "to a node that is down", 0, Some(&[3, 1]), None);
        move_to(client, "the same again", 0, Some(&[3, 1]), None);
        move_to(client, "in another order", 0, Some(&[1, 3]), Some(false));
        move_to(client, "to the old ones and the new one", 0, Some(&[3, 2, 1]), Some(true));
        move_to(client, "more than before, where that may not be", 0, Some(&[1, 2, 3]), Some(false));
        move_to(client, "as many as before", 0, Some(&[2, 3]), Some(false));
        move_to(client, "less than before, where that may not be", 1, Some(&[1]), Some(false));
        move_to(client, "another partition", 1, Some(&[2, 3]), None);
        let asked: &[(&str, &[i32])] = &[("not-there", &[0]), (t, &[9, 2, 1])];
        lines.push(("asked for by name", listed(client, t, Some(asked))));
        lines.push(("as it is told", told(client, t, 0, &[2, 3, 1], &[1, 2])));
        lines.push(("the preferred one of those to be", elected(client, t, 1).to_string()));
        lines.push(("as it is told then", told(client, t, 1, &[2, 3, 1], &[1, 2])));
        let mut move_to = |client: &mut Client, what, topic, index, target: Option<&[i32]>| {
            lines.push((what, answer(client, 0, &alter_request(topic, index, target))));
        };
        move_to(client, "cancelled", t, 0, None);
        move_to(client, "cancelled again", t, 0, None);
        move_to(client, "cancelled, the other", t, 1, None);
        move_to(client, "grows", one, 0, Some(&[1, 2]));
        move_to(client, "shrinks", t, 2, Some(&[2]));
        move_to(client, "the one that is down goes", all, 0, Some(&[2, 1]));
        lines.push(("the first one", told(client, t, 0, &[2, 1], &[1, 2])));
        lines.push(("the second one", told(client, t, 1, &[2, 1], &[1, 2])));
        lines.push(("the one that grows", told(client, one, 0, &[1, 2], &[1, 2])));
        lines.push(("the one that shrinks", told(client, t, 2, &[2], &[2])));
        lines.push(("the one without", told(client, all, 0, &[2, 1], &[1, 2])));
        lines.push(("none moves", listed(client, t, None)));
        let alter = |client: &mut Client, index, target: Option<&[i32]>| {
            answer(client, 1, &alter_request(t, index, target).with_allow_replication_factor_change(true))
        };
        lines.push(("another order only", alter(client, 0, Some(&[1, 2]))));
        lines.push(("in that order", told(client, t, 0, &[1, 2], &[1, 2])));
        lines.push(("away from the leader", answer(client, 0, &alter_request(one, 0, Some(&[2])))));
        lines.push(("without it", told(client, one, 0, &[2], &[2])));
        lines.push(("to nobody", alter(client, 0, Some(&[]))));
        lines.push(("to one twice", alter(client, 0, Some(&[2, 1, 2]))));
        lines.push(("to one who is not there", alter(client, 0, Some(&[1, 9]))));
        lines.push(("to one who cannot be", alter(client, 0, Some(&[-1]))));
        lines.push(("a partition that is not there", alter(client, 7, Some(&[1])).replace(t, "T")));
        let none = answer(client, 0, &alter_request("not-there", 0, None));
        lines.push(("a topic that is not there", none));
        lines
    });
}

#[test]
fn a_move_is_complete_once_the_node_that_was_down_has_caught_up() {
    let broker = three();
    let mut client = client_of(&broker, 1);
    create(&broker, "t", &[1, 2], &[]);
    assert_eq!(produced(&mut client, "t", -1, &["a", "b"]), (0, 0));
    broker.stop_node(3).expect("it stops");
    assert_eq!(answer(&mut client, 0, &alter_request("t", 0, Some(&[3, 2]))), "0 -");
    assert_eq!(produced(&mut client, "t", -1, &["c"]), (0, 2), "the old leader serves meanwhile");
    broker.restart(3).expect("it starts");
    assert_eq!(told(&mut client, "t", 0, &[3, 2], &[2, 3]), told(&mut client, "t", 0, &[3, 2], &[2, 3]));
    assert_eq!(listed(&mut client, "t", None), "0");
    assert_eq!(produced(&mut client, "t", -1, &["d"]).0, ErrorCode::NotLeaderOrFollower.code());
    let mut new_leader = client_of(&broker, 3);
    assert_eq!(produced(&mut new_leader, "t", -1, &["d"]), (0, 3));
    let all = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    assert_eq!(fetched(&mut new_leader, "t"), (all, 4));
}

#[test]
fn whoever_waits_for_all_replicas_is_answered_though_the_partition_has_moved_meanwhile() {
    let broker = three();
    let mut client = client_of(&broker, 1);
    create(&broker, "t", &[1, 2], &[]);
    let frozen = broker.freeze_high_watermark("t", 0).expect("a partition");
    client.send(PRODUCE, &request("t", -1, NEVER_MS, &["waits"]));
    comes_true("it is appended", || broker.topic("t").end_offsets().expect("a topic") == [1]);
    assert_eq!(answer(&mut client_of(&broker, 2), 0, &alter_request("t", 0, Some(&[1]))), "0 -");
    drop(frozen);
    let answered = only_produced(client.receive::<ProduceRequest>(PRODUCE));
    assert_eq!((answered.error_code, answered.base_offset), (0, 0), "the same node leads on, in another epoch");
    assert_eq!(broker.topic("t").replicas(0).expect("a partition").leader_epoch, 1);
}
