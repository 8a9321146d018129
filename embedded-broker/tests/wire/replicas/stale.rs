//! A node that the news have not reached: what it tells of is what was, and clients find their way all the same.

use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, FindCoordinatorRequest,
};

use embedded_broker::ErrorCode;

use super::*;

/// Three replicas of "t", and where the leader is to go from where it is.
fn about_to_move(broker: &EmbeddedBroker) -> (i32, i32) {
    create(broker, "t", &[1, 2, 3], &[]);
    (1, 2)
}

fn leader_told(client: &mut Client) -> i32 {
    partition_of(client, "t").leader_id.0
}

#[test]
fn a_node_tells_of_the_cluster_as_it_was_in_as_many_answers_as_were_said_and_the_others_do_not() {
    let broker = three();
    let (old, new) = about_to_move(&broker);
    broker.node(3).unwrap().stale_metadata(2);
    broker.move_leader("t", 0, new).unwrap();
    let (mut stale, mut fresh) = (client_of(&broker, 3), client_of(&broker, 1));
    assert_eq!([(); 3].map(|()| leader_told(&mut stale)), [old, old, new]);
    assert_eq!(leader_told(&mut fresh), new);
    assert_eq!(broker.node(3).unwrap().stale_answers_left(), 0);
}

#[test]
fn every_request_that_tells_of_the_cluster_tells_of_the_old_one() {
    let broker = three();
    let (old, new) = about_to_move(&broker);
    let mut client = client_of(&broker, 3);
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![text("g")]);
    let coordinator = client.call(4, &find).coordinators[0].node_id;
    let controller = broker.controller().id().unwrap();
    broker.node(3).unwrap().stale_metadata(4);
    broker.move_leader("t", 0, new).unwrap();
    broker.group("g").move_coordinator(if coordinator.0 == 3 { 1 } else { 3 }).unwrap();
    broker.controller().move_to(if controller == 3 { 1 } else { 3 }).unwrap();
    broker.node(1).unwrap().advertise("PLAINTEXT", "elsewhere.example", 1).unwrap();
    let topics = vec![TopicRequest::default().with_name(name("t"))];
    let pages = DescribeTopicPartitionsRequest::default().with_topics(topics).with_response_partition_limit(10);
    let leader = |page: DescribeTopicPartitionsResponse| page.topics[0].partitions[0].leader_id.0;
    let hosts = |client: &mut Client| {
        let cluster = client.call(1, &DescribeClusterRequest::default());
        (cluster.controller_id.0, cluster.brokers[0].host.to_string())
    };
    assert_eq!(leader(client.call(0, &pages)), old);
    assert_eq!(hosts(&mut client), (controller, "127.0.0.1".to_owned()));
    assert_eq!(client.call(4, &find).coordinators[0].node_id, coordinator);
    assert_eq!(leader_told(&mut client), old);
    assert_eq!(leader(client.call(0, &pages)), new);
    let (now, host) = hosts(&mut client);
    assert!(now != controller && host == "elsewhere.example", "{now} {host}");
    assert_ne!(client.call(4, &find).coordinators[0].node_id, coordinator);
}

#[test]
fn a_client_that_is_sent_to_the_old_leader_is_refused_there_and_gets_through_once_the_news_are_known() {
    let broker = three();
    let (old, new) = about_to_move(&broker);
    broker.node(3).unwrap().stale_metadata(3);
    broker.move_leader("t", 0, new).unwrap();
    let mut bootstrap = client_of(&broker, 3);
    let mut tried = Vec::new();
    let offset = loop {
        let leader = leader_told(&mut bootstrap);
        let (code, offset) = produced(&mut client_of(&broker, leader), "t", -1, &["v"]);
        tried.push((leader, code));
        if code == 0 {
            break offset;
        }
        assert!(tried.len() < 10, "{tried:?}");
    };
    let refused = ErrorCode::NotLeaderOrFollower.code();
    assert_eq!((offset, tried), (0, vec![(old, refused), (old, refused), (old, refused), (new, 0)]));
}

#[test]
fn what_is_made_meanwhile_is_not_there_for_who_asks_a_node_that_has_not_heard_of_it() {
    let broker = three();
    broker.node(2).unwrap().stale_metadata(1);
    broker.create_topic("new", 1).unwrap();
    let mut client = client_of(&broker, 2);
    let asked = || {
        let topic = MetadataRequestTopic::default().with_name(Some(name("new")));
        MetadataRequest::default().with_topics(Some(vec![topic])).with_allow_auto_topic_creation(false)
    };
    assert_eq!([(); 2].map(|()| client.call(12, &asked()).topics[0].error_code), [3, 0]);
}

#[test]
fn a_node_that_comes_back_knows_the_news() {
    let broker = three();
    let (_, new) = about_to_move(&broker);
    broker.node(3).unwrap().stale_metadata(100);
    broker.move_leader("t", 0, new).unwrap();
    broker.crash(3).unwrap();
    broker.restart(3).unwrap();
    assert_eq!((leader_told(&mut client_of(&broker, 3)), broker.node(3).unwrap().stale_answers_left()), (new, 0));
    broker.node(3).unwrap().stale_metadata(100);
    broker.node(3).unwrap().stale_metadata(0);
    assert_eq!(broker.node(3).unwrap().stale_answers_left(), 0);
}
