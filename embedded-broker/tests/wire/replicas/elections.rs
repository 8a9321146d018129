//! What happens when a leader goes, and what clients are told of it.

use std::time::Duration;

use embedded_broker::ErrorCode;
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::{DescribeTopicPartitionsRequest, ElectLeadersRequest};

use super::*;

/// As long as nothing that lags arrives in a test.
const LONG: Duration = Duration::from_secs(25);

/// Has a leader go that has appended what its followers have not got: offsets 1 and 2 of "t", of which the second is led by
/// node 2 and comes from node 1.
fn lost_two() -> EmbeddedBroker {
    let broker = three();
    create(&broker, "t", &[1, 2, 3], &[]);
    let mut client = client_of(&broker, 1);
    assert_eq!(produced(&mut client, "t", -1, &["safe"]), (0, 0));
    let _slow = (broker.lag(2, LONG).expect("a node"), broker.lag(3, LONG).expect("a node"));
    assert_eq!(produced(&mut client, "t", 1, &["lost"]), (0, 1));
    assert_eq!(produced(&mut client, "t", 1, &["lost, too"]), (0, 2));
    broker.crash(1).expect("a node");
    broker
}

#[test]
fn a_leader_that_goes_takes_along_what_its_followers_have_not_got() {
    let broker = lost_two();
    let mut client = client_of(&broker, 2);
    let partition = partition_of(&mut client, "t");
    assert_eq!((partition.leader_id, partition.leader_epoch), (BrokerId(2), 1));
    assert_eq!((ids(&partition.isr_nodes), ids(&partition.offline_replicas)), (vec![2, 3], vec![1]));
    assert_eq!(fetched(&mut client, "t"), (vec!["safe".to_owned()], 1));
    assert_eq!(produced(&mut client, "t", -1, &["next"]), (0, 1), "in the place of what is lost");
    let lost = broker.topic("t").lost_records().unwrap();
    assert_eq!(lost.len(), 1);
    assert_eq!((lost[0].partition, lost[0].offsets.clone(), lost[0].read.clone()), (0, 1..3, 1..1));
    assert_eq!((lost[0].leader, lost[0].leader_epoch, lost[0].unclean), (2, 1, false));
    broker.restart(1).unwrap();
    let partition = partition_of(&mut client, "t");
    assert_eq!((ids(&partition.isr_nodes), partition.leader_id), (vec![2, 3, 1], BrokerId(2)));
    assert_eq!(fetched(&mut client_of(&broker, 1), "t").1, 2, "it has followed");
}

#[test]
fn who_has_read_what_is_lost_is_told_where_the_logs_part() {
    let broker = lost_two();
    let mut client = client_of(&broker, 2);
    produced(&mut client, "t", -1, &["next"]);
    let mut request = fetch_request("t", Uuid::nil(), FETCH, &[(0, 3)]);
    request.topics[0].partitions[0].last_fetched_epoch = 0;
    for offset in [2, 3] {
        request.topics[0].partitions[0].fetch_offset = offset;
        let got = only(client.call(FETCH, &request));
        assert_eq!((got.error_code, got.diverging_epoch.epoch, got.diverging_epoch.end_offset), (0, 0, 1), "{offset}");
    }
}

#[test]
fn a_producer_goes_on_where_the_new_leader_is() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    let send = |client: &mut Client, sequence, acks| {
        let records = batch(&["v"], (7, 0, sequence));
        let request = produce_request("t", Uuid::nil(), PRODUCE, 0, records).with_acks(acks);
        let answer = only_produced(client.call(PRODUCE, &request));
        (answer.error_code, answer.base_offset)
    };
    let mut client = client_of(&broker, 1);
    assert_eq!(send(&mut client, 0, -1), (0, 0));
    let slow = broker.lag(2, LONG).unwrap();
    assert_eq!(send(&mut client, 1, 1), (0, 1));
    broker.move_leader("t", 0, 2).unwrap();
    drop(slow);
    let mut client = client_of(&broker, 2);
    assert_eq!(send(&mut client, 2, -1).0, ErrorCode::OutOfOrderSequenceNumber.code(), "the one before is lost");
    assert_eq!(send(&mut client, 0, -1), (0, 0), "it has that one");
    assert_eq!([send(&mut client, 1, -1), send(&mut client, 2, -1)], [(0, 1), (0, 2)]);
}

#[test]
fn without_a_replica_in_sync_nobody_leads_until_one_is_back() {
    let broker = three();
    create(&broker, "t", &[3], &[]);
    produced(&mut client_of(&broker, 3), "t", -1, &["v"]);
    broker.stop_node(3).unwrap();
    let mut client = client_of(&broker, 1);
    let partition = partition_of(&mut client, "t");
    assert_eq!((partition.error_code, partition.leader_id.0, partition.leader_epoch), (5, -1, 1));
    assert_eq!((ids(&partition.isr_nodes), ids(&partition.offline_replicas)), (vec![], vec![3]));
    let request = DescribeTopicPartitionsRequest::default()
        .with_topics(vec![TopicRequest::default().with_name(name("t"))])
        .with_response_partition_limit(10);
    let described = client.call(0, &request).topics.remove(0).partitions.remove(0);
    assert_eq!(described.error_code, 0, "Metadata tells it, and this does not");
    assert_eq!(ids(&described.eligible_leader_replicas.unwrap()), [3]);
    assert_eq!(ids(&described.last_known_elr.unwrap()), [3]);
    assert_eq!((ids(&described.isr_nodes), ids(&described.offline_replicas)), (vec![], vec![3]));
    assert_eq!(produced(&mut client, "t", -1, &["x"]), (ErrorCode::NotLeaderOrFollower.code(), -1));
    broker.restart(3).unwrap();
    let partition = partition_of(&mut client, "t");
    assert_eq!((partition.error_code, partition.leader_id.0, partition.leader_epoch), (0, 3, 2));
    assert_eq!(fetched(&mut client_of(&broker, 3), "t"), (vec!["v".to_owned()], 1));
}

fn elect(client: &mut Client, kind: i8) -> (i16, Option<String>) {
    let asked = TopicPartitions::default().with_topic(name("t")).with_partitions(vec![0]);
    let request = ElectLeadersRequest::default()
        .with_election_type(kind)
        .with_topic_partitions(Some(vec![asked]))
        .with_timeout_ms(10_000);
    let answer = client.call(2, &request).replica_election_results.remove(0).partition_result.remove(0);
    (answer.error_code, answer.error_message.map(|message| message.to_string()))
}

/// A topic whose last leader has gone with two records that consumers have read, while a replica that lacks the second is there.
fn read_and_gone(configs: &[(&str, &str)]) -> EmbeddedBroker {
    let broker = three();
    create(&broker, "t", &[1, 2], configs);
    produced(&mut client_of(&broker, 1), "t", -1, &["kept"]);
    broker.crash(2).expect("a node");
    produced(&mut client_of(&broker, 1), "t", -1, &["read"]);
    assert_eq!(fetched(&mut client_of(&broker, 1), "t").1, 2);
    broker.crash(1).expect("a node");
    broker.restart(2).expect("a node");
    broker
}

#[test]
fn an_unclean_election_that_is_asked_for_loses_what_was_read() {
    let broker = read_and_gone(&[]);
    let mut client = client_of(&broker, 3);
    assert_eq!(partition_of(&mut client, "t").leader_id.0, -1);
    let unavailable = ErrorCode::PreferredLeaderNotAvailable.code();
    assert_eq!(elect(&mut client, 0), (unavailable, Some("The preferred leader was not available.".to_owned())));
    assert_eq!(elect(&mut client, 1), (0, None));
    let not_needed = ErrorCode::ElectionNotNeeded.code();
    assert_eq!(elect(&mut client, 1), (not_needed, Some("Leader election not needed for topic partition.".to_owned())));
    let partition = partition_of(&mut client, "t");
    assert_eq!((partition.leader_id.0, partition.leader_epoch, ids(&partition.isr_nodes)), (2, 2, vec![2]));
    assert_eq!(fetched(&mut client_of(&broker, 2), "t"), (vec!["kept".to_owned()], 1));
    let lost = broker.topic("t").lost_records().unwrap();
    assert_eq!((lost.len(), lost[0].offsets.clone(), lost[0].read.clone(), lost[0].unclean), (1, 1..2, 1..2, true));
}

#[test]
fn where_unclean_elections_are_allowed_they_are_held_at_once() {
    let broker = read_and_gone(&[("unclean.leader.election.enable", "true")]);
    let replicas = broker.topic("t").replicas(0).unwrap();
    assert_eq!((replicas.leader, replicas.in_sync), (Some(2), vec![2]));
    assert!(broker.topic("t").lost_records().unwrap()[0].unclean);
}

#[test]
fn the_preferred_replica_leads_again_when_it_is_asked_to() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    broker.stop_node(1).unwrap();
    broker.restart(1).unwrap();
    let mut client = client_of(&broker, 3);
    assert_eq!(partition_of(&mut client, "t").leader_id.0, 2);
    assert_eq!(elect(&mut client, 0), (0, None));
    assert_eq!(partition_of(&mut client, "t").leader_id.0, 1);
}

#[test]
fn a_leader_moves_where_a_test_wants_it() {
    let broker = three();
    create(&broker, "t", &[1, 2], &[]);
    broker.move_leader("t", 0, 2).unwrap();
    assert_eq!(partition_of(&mut client_of(&broker, 3), "t").leader_id.0, 2);
    let refused = broker.move_leader("t", 0, 3).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::EligibleLeadersNotAvailable));
    assert_eq!(refused.message(), "node 3 has no replica of t-0 that is in sync and may lead");
}

#[test]
fn leaders_that_are_shuffled_are_the_same_from_the_same_seed() {
    let leaders = |seed| {
        let builder = EmbeddedBroker::builder().brokers(3).config("default.replication.factor", 3).topic("t", 16);
        let broker = builder.fault_seed(seed).start().unwrap();
        let of_all = || (0..16).map(|n| broker.topic("t").replicas(n).unwrap().leader).collect::<Vec<_>>();
        let before = of_all();
        broker.shuffle_leaders();
        assert!(before.iter().zip(of_all()).all(|(one, other)| *one != other), "each has another one");
        of_all()
    };
    assert_eq!(leaders(1), leaders(1));
    assert_ne!(leaders(1), leaders(2));
}

#[test]
fn a_new_leader_does_not_know_the_latest_offset_before_its_followers_have_caught_up() {
    let broker = three();
    create(&broker, "t", &[1, 2, 3], &[]);
    let mut client = client_of(&broker, 1);
    produced(&mut client, "t", -1, &["a"]);
    let slow = broker.lag(3, LONG).unwrap();
    produced(&mut client, "t", 1, &["b"]);
    broker.move_leader("t", 0, 2).unwrap();
    let mut client = client_of(&broker, 2);
    assert_eq!(listed(&mut client, "t", -1, -1).error_code, ErrorCode::OffsetNotAvailable.code());
    assert_eq!(end_of_start(&mut client), (0, 0));
    drop(slow);
    assert_eq!(end_of(&mut client, "t"), (0, 2));
}

fn end_of_start(client: &mut Client) -> (i16, i64) {
    let found = listed(client, "t", -2, -1);
    (found.error_code, found.offset)
}
