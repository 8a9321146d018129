//! Where new partitions come to lie while a node is down, and what becomes of one that is unregistered: what a real
//! cluster of three nodes (4.1.1) answers, the embedded one answers too.

use kafka_protocol::messages::create_partitions_request::{CreatePartitionsAssignment, CreatePartitionsTopic};
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::{
    CreatePartitionsRequest, DescribeClusterRequest, DescribeTopicPartitionsRequest, UnregisterBrokerRequest,
};

use super::moves::{alter_request, answer};
use super::third_down::{Line, make, told, with_the_third_node_down};
use super::*;
use crate::each_broker::unique;
use crate::patience::{ask_until, comes_true};

fn said(code: i16, why: Option<StrBytes>) -> String {
    format!("{code} {}", why.map_or_else(|| "-".to_owned(), |why| why.to_string()))
}

fn ids_of(replicas: &[i32]) -> Vec<BrokerId> {
    replicas.iter().copied().map(BrokerId).collect()
}

fn created(client: &mut Client, new: CreatableTopic) -> String {
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000);
    let made = client.call(7, &request).topics.remove(0);
    said(made.error_code, made.error_message)
}

/// A topic whose replicas the cluster chooses.
fn chosen(topic: &str, partitions: i32, replicas: i16) -> CreatableTopic {
    CreatableTopic::default().with_name(name(topic)).with_num_partitions(partitions).with_replication_factor(replicas)
}

fn manual(topic: &str, replicas: &[&[i32]]) -> CreatableTopic {
    let assignments = (0..).zip(replicas).map(|(index, replicas)| {
        CreatableReplicaAssignment::default().with_partition_index(index).with_broker_ids(ids_of(replicas))
    });
    chosen(topic, -1, -1).with_assignments(assignments.collect())
}

fn grown(client: &mut Client, topic: &str, count: i32, replicas: Option<&[&[i32]]>) -> String {
    let of = |ids: &&[i32]| CreatePartitionsAssignment::default().with_broker_ids(ids_of(ids));
    let assignments = replicas.map(|all| all.iter().map(of).collect());
    let topic = CreatePartitionsTopic::default().with_name(name(topic)).with_count(count).with_assignments(assignments);
    let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000);
    let grown = client.call(3, &request).results.remove(0);
    said(grown.error_code, grown.error_message)
}

fn unregistered(client: &mut Client, id: i32) -> String {
    let response = client.call(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(id)));
    said(response.error_code, response.error_message)
}

/// The replicas of each partition of a topic, once there are so many.
fn laid_out(client: &mut Client, topic: &str, partitions: usize) -> Vec<Vec<i32>> {
    let asked = TopicRequest::default().with_name(name(topic));
    let request = DescribeTopicPartitionsRequest::default().with_topics(vec![asked]).with_response_partition_limit(100);
    let ask = || client.call(0, &request).topics.remove(0).partitions;
    let told = ask_until(ask, |told| told.len() == partitions);
    told.iter().map(|one| ids(&one.replica_nodes)).collect()
}

/// The brokers that are registered, and which of them are fenced.
fn registered(client: &mut Client) -> Vec<(i32, bool)> {
    let request = DescribeClusterRequest::default().with_include_fenced_brokers(true);
    let mut all: Vec<_> = client.call(2, &request).brokers.iter().map(|one| (one.broker_id.0, one.is_fenced)).collect();
    all.sort_unstable();
    all
}

#[test]
fn nodes_that_are_down_come_last_and_those_that_are_unregistered_not_at_all() {
    with_the_third_node_down(include_str!("../seen/placing.txt"), |client| {
        let (wide, one, left) = (unique("wide"), make(client, &[&[1]], &[]), make(client, &[&[3, 1]], &[]));
        let mut lines: Vec<Line> = vec![("registered", format!("{:?}", registered(client)))];
        lines.push(("more than there are", created(client, chosen("t4", 2, 4))));
        lines.push(("on all", created(client, chosen(&wide, 6, 3))));
        let others_first = laid_out(client, &wide, 6).iter().all(|ids| ids[2] == 3);
        lines.push(("the one that is down is the last", others_first.to_string()));
        let two = unique("two");
        lines.push(("on two", created(client, chosen(&two, 6, 2))));
        lines.push(("only on others", laid_out(client, &two, 6).iter().flatten().all(|id| *id != 3).to_string()));
        lines.push(("on that one alone", created(client, manual("t1", &[&[3]]))));
        lines.push(("one of several there alone", created(client, manual("t1", &[&[1], &[3]]))));
        lines.push(("more on that one alone", grown(client, &one, 3, Some(&[&[2], &[3]]))));
        lines.push(("with it first", told(client, &left, 0, &[3, 1], &[1])));
        lines.push(("more on all", grown(client, &wide, 7, None)));
        lines.push(("unregistered, one that is not there", unregistered(client, 9)));
        lines.push(("unregistered", unregistered(client, 3)));
        lines.push(("unregistered again", unregistered(client, 3)));
        let now = ask_until(|| registered(client), |all| all.len() == 2);
        lines.push(("registered then", format!("{now:?}")));
        lines.push(("what it had", told(client, &left, 0, &[3, 1], &[1])));
        lines.push(("on three then", created(client, chosen("t3", 1, 3))));
        lines.push(("more on three then", grown(client, &wide, 8, None)));
        lines.push(("on two then", created(client, chosen(&unique("two"), 1, 2))));
        lines.push(("with it by name", created(client, manual("t1", &[&[1, 3]]))));
        let request = alter_request(&left, 0, Some(&[1, 3]));
        lines.push(("moved in another order", answer(client, 0, &request)));
        lines.push(("moved away", answer(client, 0, &alter_request(&left, 0, Some(&[1, 2])))));
        lines.push(("without it", told(client, &left, 0, &[1, 2], &[1, 2])));
        lines
    });
}

#[test]
fn a_node_that_is_unregistered_while_it_runs_leads_nothing_until_it_is_restarted() {
    let broker = three();
    create(&broker, "t", &[2, 1], &[]);
    let mut client = client_of(&broker, 1);
    assert_eq!(unregistered(&mut client, 2), "0 ");
    assert_eq!(registered(&mut client), [(1, false), (3, false)]);
    assert_eq!(told(&mut client, "t", 0, &[2, 1], &[1]), told(&mut client, "t", 0, &[2, 1], &[1]));
    assert_eq!(produced(&mut client, "t", -1, &["v"]), (0, 0));
    broker.stop_node(2).expect("a node");
    broker.restart(2).expect("a node");
    assert_eq!(registered(&mut client), [(1, false), (2, false), (3, false)]);
    assert_eq!(ids(&partition_of(&mut client, "t").isr_nodes), [1, 2]);
}

#[test]
fn racks_take_turns_and_so_do_their_nodes() {
    let broker = EmbeddedBroker::builder().brokers(6).racks(["a", "b", "c"]).start().expect("six nodes start");
    let mut client = client_of(&broker, 1);
    assert_eq!(created(&mut client, chosen("t", 60, 3)), "0 -");
    let all = laid_out(&mut client, "t", 60);
    for replicas in &all {
        let mut racks: Vec<i32> = replicas.iter().map(|id| id % 3).collect();
        racks.sort_unstable();
        assert_eq!(racks, [0, 1, 2], "{replicas:?}");
    }
    for node in 1..=6 {
        assert_eq!(all.iter().filter(|replicas| replicas[0] == node).count(), 10, "node {node} leads its share");
    }
}

#[test]
fn leaders_go_back_by_themselves_when_it_is_time_for_it() {
    let second = std::time::Duration::from_secs(1);
    let (builder, hand) = EmbeddedBroker::builder().brokers(3).manual_clock();
    let broker = builder.start().expect("three nodes start");
    create(&broker, "t", &[1, 2], &[]);
    broker.stop_node(1).expect("a node");
    broker.restart(1).expect("a node");
    let leader = || broker.topic("t").replicas(0).expect("a partition").leader;
    assert_eq!(leader(), Some(2));
    hand.advance(299 * second);
    assert_eq!(leader(), Some(2));
    hand.advance(second);
    comes_true("the first replica leads again", || leader() == Some(1));
    assert_eq!(broker.topic("t").replicas(0).expect("a partition").leader_epoch, 2);
}
