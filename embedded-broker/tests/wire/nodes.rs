//! Several nodes in one process: who is told of them, and what becomes of their sockets.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use embedded_broker::{Api, EmbeddedBroker, ErrorCode, Fault};
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeQuorumRequest, MetadataRequest, MetadataResponse,
};
use uuid::Uuid;

use crate::admin::value_of_broker;
use crate::client::Client;
use crate::patience::comes_true;
use crate::records::*;

fn three() -> EmbeddedBroker {
    EmbeddedBroker::builder().brokers(3).topic("t", 3).start().expect("three nodes start")
}

fn client_of(broker: &EmbeddedBroker, node: i32) -> Client {
    Client::connect(&broker.node(node).expect("a node").address())
}

fn metadata(broker: &EmbeddedBroker, node: i32) -> MetadataResponse {
    client_of(broker, node).call(12, &MetadataRequest::default().with_topics(None))
}

/// The ids and addresses that a node tells of.
fn told(broker: &EmbeddedBroker, by: i32) -> Vec<(i32, String)> {
    let told = metadata(broker, by).brokers;
    told.into_iter().map(|one| (one.node_id.0, format!("{}:{}", one.host, one.port))).collect()
}

fn address(broker: &EmbeddedBroker, id: i32) -> (i32, String) {
    (id, broker.node(id).expect("a node").address())
}

#[test]
fn each_node_has_an_address_and_tells_of_all_of_them() {
    let broker = three();
    let all: Vec<_> = (1..=3).map(|id| address(&broker, id)).collect();
    let addresses: Vec<_> = all.iter().map(|(_, address)| address.clone()).collect();
    assert_eq!(broker.bootstrap_servers(), addresses.join(","));
    for id in broker.node_ids() {
        assert_eq!(told(&broker, id), all);
    }
}

#[test]
fn racks_are_taken_in_turn_and_told() {
    let broker = EmbeddedBroker::builder().brokers(3).racks(["a", "b"]).start().expect("three nodes start");
    let told = metadata(&broker, 2).brokers;
    let racks: Vec<_> = told.iter().map(|broker| broker.rack.as_deref().unwrap()).collect();
    assert_eq!(racks, ["a", "b", "a"]);
}

#[test]
fn ports_that_are_said_are_the_first_nodes_and_those_behind_it() {
    // The system has just given them away and taken them back, so they are free, unless somebody is faster.
    let started = (0..20).find_map(|_| {
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap().port();
        EmbeddedBroker::builder().port(free).brokers(2).start().ok().map(|broker| (free, broker))
    });
    let (first, broker) = started.expect("two free ports side by side");
    assert_eq!(broker.bootstrap_servers(), format!("127.0.0.1:{first},127.0.0.1:{}", first + 1));
}

#[test]
fn no_nodes_at_all_are_refused() {
    let refused = EmbeddedBroker::builder().brokers(0).start().unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::InvalidConfig));
}

#[test]
fn a_node_that_is_stopped_refuses_connections_and_comes_back_where_it_was() {
    let broker = three();
    let all: Vec<_> = (1..=3).map(|id| address(&broker, id)).collect();
    let idle = client_of(&broker, 2);
    broker.stop_node(2).unwrap();
    broker.stop_node(2).expect("nothing more to do");
    assert!(idle.is_closed());
    assert_eq!(TcpStream::connect(&all[1].1).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(told(&broker, 1), [all[0].clone(), all[2].clone()]);
    assert_eq!(broker.node_ids(), [1, 2, 3]);

    broker.restart(2).unwrap();
    broker.restart(2).expect("nothing more to do");
    assert_eq!(told(&broker, 2), all);
    assert_eq!(told(&broker, 1), all);
}

#[test]
fn a_node_that_crashes_answers_nobody_who_waits() {
    let broker = EmbeddedBroker::builder().brokers(1).topic("t", 1).start().unwrap();
    let mut waiting = Client::of(&broker);
    waiting.send(12, &fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_max_wait_ms(600_000));
    let begun = Instant::now();
    broker.crash(1).unwrap();
    assert!(waiting.is_closed());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(broker.controller().id(), None);
    broker.restart(1).unwrap();
    assert_eq!((told(&broker, 1).len(), broker.controller().id()), (1, Some(1)));
}

/// A client whose request node 2 holds back.
fn held_back(broker: &EmbeddedBroker) -> (Client, Fault) {
    let fault = broker.fault().on(Api::Metadata).node(2).delay(Duration::from_secs(600));
    let mut client = client_of(broker, 2);
    client.send(12, &MetadataRequest::default().with_topics(None));
    comes_true("the request has come", || fault.times_happened() == 1);
    (client, fault)
}

#[test]
fn a_node_that_is_stopped_answers_what_it_was_asked_and_one_that_crashes_does_not() {
    let broker = three();
    let (mut asking, fault) = held_back(&broker);
    broker.stop_node(2).unwrap();
    assert_eq!(asking.receive::<MetadataRequest>(12).topics.len(), 1);
    assert!(asking.is_closed());
    broker.restart(2).unwrap();
    drop(fault);
    let (asking, _fault) = held_back(&broker);
    broker.crash(2).unwrap();
    assert!(asking.is_closed());
}

#[test]
fn a_node_comes_back_a_hundred_times() {
    let broker = three();
    let all: Vec<_> = (1..=3).map(|id| address(&broker, id)).collect();
    for turn in 0..100 {
        let id = 1 + turn % 3;
        let client = client_of(&broker, id);
        if turn % 2 == 0 {
            broker.crash(id).unwrap()
        } else {
            broker.stop_node(id).unwrap()
        }
        assert!(client.is_closed());
        broker.restart(id).unwrap();
        assert_eq!(told(&broker, id), all);
    }
}

#[test]
fn a_session_timeout_that_is_said_is_how_long_nobody_misses_a_node() {
    let builder = EmbeddedBroker::builder().brokers(2).config("broker.session.timeout.ms", 9000);
    let (builder, clock) = builder.manual_clock();
    let broker = builder.start().unwrap();
    broker.crash(1).unwrap();
    assert!(!broker.node(1).unwrap().is_up());
    assert_eq!((told(&broker, 2).len(), broker.controller().id()), (2, Some(1)));
    clock.advance(Duration::from_millis(9000));
    // The timer thread has been woken, and may not have run yet.
    let patience = Instant::now();
    while told(&broker, 2).len() == 2 {
        assert!(patience.elapsed() < Duration::from_secs(10), "nobody misses the node");
        std::thread::yield_now();
    }
    assert_eq!(broker.controller().id(), Some(2));
    broker.restart(1).unwrap();
    assert_eq!(told(&broker, 1).len(), 2);
}

#[test]
fn the_controller_moves_and_is_told() {
    let broker = three();
    broker.controller().move_to(3).unwrap();
    let controllers = |broker: &EmbeddedBroker, by| {
        let described = client_of(broker, by).call(1, &DescribeClusterRequest::default());
        [metadata(broker, by).controller_id, described.controller_id]
    };
    assert_eq!(controllers(&broker, 1), [BrokerId(3); 2]);
    broker.stop_node(3).unwrap();
    assert_eq!(controllers(&broker, 2), [BrokerId(1); 2]);
    assert_eq!(broker.controller().move_to(3).unwrap_err().code(), Some(ErrorCode::BrokerNotAvailable));
}

#[test]
fn an_address_that_is_advertised_anew_is_told_of_the_node() {
    let broker = three();
    broker.node(2).unwrap().advertise("plaintext", "kafka-2.example", 19092).unwrap();
    assert_eq!(told(&broker, 1)[1], (2, "kafka-2.example:19092".to_owned()));
    assert_eq!(told(&broker, 2)[1], (2, "kafka-2.example:19092".to_owned()));
    assert!(broker.node(2).unwrap().advertise("INNER", "h", 1).is_err());
}

#[test]
fn configs_are_of_the_node_that_is_asked_for() {
    let broker = EmbeddedBroker::builder().brokers(2).config("node.id", 4).start().unwrap();
    let node_id = |id| value_of_broker(&mut client_of(&broker, id), id, "node.id").expect("a broker has it");
    assert_eq!([node_id(4), node_id(5)], ["4", "5"]);
}

/// A full fetch that asks for a session, and the next one of the session that it says.
fn session_of(client: &mut Client) -> i32 {
    client.call(12, &fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_session_epoch(0)).session_id
}

fn goes_on(client: &mut Client, session: i32) -> i16 {
    let next = fetch_request("t", Uuid::nil(), 12, &[]).with_session_id(session).with_session_epoch(1);
    client.call(12, &next.with_topics(Vec::new())).error_code
}

#[test]
fn fetch_sessions_are_each_nodes_own_and_gone_with_it() {
    let broker = three();
    let session = session_of(&mut client_of(&broker, 1));
    let unknown = ErrorCode::FetchSessionIdNotFound.code();
    assert_eq!(goes_on(&mut client_of(&broker, 2), session), unknown);
    broker.crash(2).unwrap();
    broker.restart(2).unwrap();
    assert_eq!(goes_on(&mut client_of(&broker, 1), session), 0, "another node's");
    let session = session_of(&mut client_of(&broker, 1));
    broker.stop_node(1).unwrap();
    broker.restart(1).unwrap();
    assert_eq!(goes_on(&mut client_of(&broker, 1), session), unknown);
}

#[test]
fn each_node_has_as_many_connections_as_its_own_configs_let_it_have() {
    let broker = EmbeddedBroker::builder().brokers(3).config("max.connections.per.ip", 1).start().unwrap();
    let mut kept: Vec<Client> = (1..=3).map(|node| client_of(&broker, node)).collect();
    for client in &mut kept {
        client.call(12, &MetadataRequest::default());
    }
    assert!(client_of(&broker, 1).is_closed(), "a second one");
    drop(kept.remove(0));
    let mut another = client_of(&broker, 1);
    comes_true("node 1 has room again", || another.call_or_reconnect(12, &MetadataRequest::default()).is_some());
    assert!(client_of(&broker, 2).is_closed(), "there is room at another node only");
}

#[test]
fn every_node_is_a_voter_and_one_that_is_down_stays_behind() {
    let broker = three();
    broker.stop_node(3).expect("a node");
    broker.controller().move_to(2).expect("a node that is up");
    let asked = PartitionData::default().with_partition_index(0);
    let asked = TopicData::default().with_topic_name(name("__cluster_metadata")).with_partitions(vec![asked]);
    let request = DescribeQuorumRequest::default().with_topics(vec![asked]);
    for version in 0..=2 {
        let mut response = client_of(&broker, 1).call(version, &request);
        let quorum = response.topics.remove(0).partitions.remove(0);
        assert_eq!((quorum.leader_id.0, quorum.leader_epoch), (2, 2), "another one leads than at first");
        let behind = |id: i32| {
            let voter = quorum.current_voters.iter().find(|voter| voter.replica_id.0 == id).expect("a voter");
            quorum.high_watermark - voter.log_end_offset
        };
        assert_eq!((behind(1), behind(2)), (0, 0));
        assert!(behind(3) > 0, "the controller has moved since it went");
        let known: Vec<_> = response.nodes.iter().map(|node| node.node_id.0).collect();
        assert_eq!(known, if version >= 2 { vec![1, 2, 3] } else { vec![] });
    }
}
