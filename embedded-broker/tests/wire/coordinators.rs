//! Requests of groups and transactions at nodes that do not coordinate them: what a real cluster of three nodes answers, the
//! embedded one answers too.

use std::fmt::Write as _;
use std::time::Duration;

use embedded_broker::{EmbeddedBroker, ErrorCode, GroupState, ManualClock, TransactionState};
use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, ConsumerGroupDescribeRequest, CreateTopicsRequest,
    DeleteGroupsRequest, DescribeGroupsRequest, DescribeTransactionsRequest, EndTxnRequest, FindCoordinatorRequest,
    GroupId, HeartbeatRequest, InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest,
    ListTransactionsRequest, MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, ProducerId,
    SyncGroupRequest, TransactionalId, TxnOffsetCommitRequest,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::each_broker::{first_real_broker, unique};
use crate::patience::{ask_until, comes_true};
use crate::records::name;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group(id: &str) -> GroupId {
    GroupId(text(id))
}

fn transactional(id: &str) -> TransactionalId {
    TransactionalId(text(id))
}

/// A new topic with a partition.
fn make(client: &mut Client) -> String {
    let topic = unique("topic");
    let new = CreatableTopic::default().with_name(name(&topic)).with_num_partitions(1).with_replication_factor(1);
    let made = client.call(5, &CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(10_000));
    assert_eq!(made.topics[0].error_code, 0);
    topic
}

/// Waits until a node of a real cluster has heard of a topic.
fn await_topic(client: &mut Client, topic: &str) {
    let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false);
    ask_until(|| client.call(9, &request).topics[0].error_code, |code| *code == 0);
}

/// Who coordinates a key, once that is known.
fn coordinator(client: &mut Client, kind: i8, key: &str) -> Coordinator {
    let request = FindCoordinatorRequest::default().with_key_type(kind).with_coordinator_keys(vec![text(key)]);
    ask_until(|| client.call(6, &request).coordinators.remove(0), |found| found.error_code == 0)
}

/// A client of the coordinator of a key, and one of another node.
fn here_and_elsewhere(client: &mut Client, kind: i8, key: &str) -> (Client, Client) {
    let here = coordinator(client, kind, key);
    let brokers = client.call(12, &MetadataRequest::default().with_topics(None)).brokers;
    let other = brokers.iter().find(|one| one.node_id != here.node_id).expect("a cluster has another node");
    let address = |host: &str, port: i32| format!("{host}:{port}");
    (Client::connect(&address(&here.host, here.port)), Client::connect(&address(&other.host, other.port)))
}

/// Runs a conversation with a real cluster, if there is one, and with an embedded one of three nodes: both say what a real one
/// was seen to say.
fn seen_on_each_cluster(talk: impl Fn(&mut Client) -> String, seen: &str) {
    if let Some(first) = first_real_broker().filter(|_| several_real_brokers()) {
        assert_eq!(talk(&mut Client::connect(&first)), seen, "the real cluster");
    }
    let broker = EmbeddedBroker::builder().brokers(3).start().expect("three nodes start");
    assert_eq!(talk(&mut Client::connect(&broker.node(1).expect("a node").address())), seen, "the embedded cluster");
}

fn several_real_brokers() -> bool {
    std::env::var("KAFKA_APP_TEST_BOOTSTRAP").is_ok_and(|servers| servers.contains(','))
}

fn group_requests(client: &mut Client, id: &str, topic: &str) -> String {
    let mut said = String::new();
    let mut say = |what: &str, answer: String| writeln!(said, "{what}: {answer}").expect("text takes everything");
    let range = JoinGroupRequestProtocol::default().with_name(text("range"));
    let join = JoinGroupRequest::default()
        .with_group_id(group(id))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![range]);
    let joined = client.call(9, &join);
    say("join", format!("{} {} {:?}", joined.error_code, joined.generation_id, joined.member_id));
    let joined = client.call(9, &join.clone().with_member_id(text("me")));
    say("join again", format!("{} {} {:?}", joined.error_code, joined.generation_id, joined.member_id));
    let joined = client.call(9, &join.with_session_timeout_ms(1));
    say("join with a short session", joined.error_code.to_string());
    let sync = SyncGroupRequest::default()
        .with_group_id(group(id))
        .with_member_id(text("me"))
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")));
    say("sync", client.call(5, &sync).error_code.to_string());
    let beat = HeartbeatRequest::default().with_group_id(group(id)).with_member_id(text("me"));
    say("heartbeat", client.call(4, &beat).error_code.to_string());
    let leave = LeaveGroupRequest::default().with_group_id(group(id));
    let leaving = leave.clone().with_members(vec![MemberIdentity::default().with_member_id(text("me"))]);
    let left = client.call(5, &leaving);
    say("leave", format!("{} {}", left.error_code, left.members.len()));
    say("leave, old", client.call(2, &leave.with_member_id(text("me"))).error_code.to_string());
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
    let commit_to = |topic| {
        let topic = OffsetCommitRequestTopic::default().with_name(name(topic)).with_partitions(vec![partition.clone()]);
        OffsetCommitRequest::default().with_group_id(group(id)).with_topics(vec![topic])
    };
    let committed =
        |client: &mut Client, request: &OffsetCommitRequest| client.call(8, request).topics[0].partitions[0].error_code;
    say("commit", committed(client, &commit_to(topic)).to_string());
    say("commit to no topic", committed(client, &commit_to("nowhere")).to_string());
    let asked = OffsetFetchRequestGroup::default().with_group_id(group(id)).with_topics(None);
    let fetched = client.call(9, &OffsetFetchRequest::default().with_groups(vec![asked])).groups.remove(0);
    say("fetch", format!("{} {}", fetched.error_code, fetched.topics.len()));
    let asked = OffsetFetchRequestTopic::default().with_name(name(topic)).with_partition_indexes(vec![0]);
    let asked = OffsetFetchRequest::default().with_group_id(group(id)).with_topics(Some(vec![asked]));
    for version in [1, 2, 7] {
        let fetched = client.call(version, &asked);
        let of_partitions: Vec<_> =
            fetched.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code).collect();
        say(&format!("fetch, version {version}"), format!("{} {of_partitions:?}", fetched.error_code));
    }
    let partition = OffsetDeleteRequestPartition::default();
    let deleted = OffsetDeleteRequestTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let delete = OffsetDeleteRequest::default().with_group_id(group(id)).with_topics(vec![deleted]);
    let deleted = client.call(0, &delete);
    say("delete offsets", format!("{} {}", deleted.error_code, deleted.topics.len()));
    let described = client.call(6, &DescribeGroupsRequest::default().with_groups(vec![group(id)])).groups.remove(0);
    let words = &described.error_message;
    say("describe", format!("{} {:?} {words:?}", described.error_code, described.group_state));
    let describe = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(id)]);
    let described = client.call(1, &describe).groups.remove(0);
    let words = &described.error_message;
    say("describe, new protocol", format!("{} {:?} {words:?}", described.error_code, described.group_state));
    let deleted = client.call(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(id)])).results.remove(0);
    say("delete", deleted.error_code.to_string());
    let beat = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group(id))
        .with_member_id(text("me"))
        .with_rebalance_timeout_ms(10_000)
        .with_subscribed_topic_names(Some(vec![name(topic)]))
        .with_topic_partitions(Some(Vec::new()));
    let heard = client.call(1, &beat);
    say("consumer heartbeat", format!("{} {:?}", heard.error_code, heard.error_message));
    let listed = client.call(5, &ListGroupsRequest::default());
    let is_there = listed.groups.iter().any(|listed| listed.group_id.as_str() == id);
    say("list", format!("{} {is_there}", listed.error_code));
    said
}

#[test]
fn group_requests_at_a_node_that_does_not_coordinate_the_group_are_sent_elsewhere() {
    let talk = |client: &mut Client| {
        let (topic, id) = (make(client), unique("group"));
        let (mut here, mut elsewhere) = here_and_elsewhere(client, GROUP, &id);
        await_topic(&mut here, &topic);
        await_topic(&mut elsewhere, &topic);
        // Somebody has committed something, so the group is there.
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
        let committed = OffsetCommitRequestTopic::default().with_name(name(&topic)).with_partitions(vec![partition]);
        let commit = OffsetCommitRequest::default().with_group_id(group(&id)).with_topics(vec![committed]);
        let commit = commit.with_generation_id_or_member_epoch(-1);
        ask_until(|| here.call(8, &commit).topics[0].partitions[0].error_code, |code| *code == 0);
        let listed = here.call(5, &ListGroupsRequest::default()).groups;
        assert!(listed.iter().any(|listed| listed.group_id.as_str() == id));
        group_requests(&mut elsewhere, &id, &topic)
    };
    seen_on_each_cluster(talk, include_str!("seen/groups_elsewhere.txt"));
}

fn transaction_requests(client: &mut Client, id: &str, topic: &str) -> String {
    let mut said = String::new();
    let mut say = |what: &str, answer: String| writeln!(said, "{what}: {answer}").expect("text takes everything");
    let init = InitProducerIdRequest::default().with_transactional_id(Some(transactional(id)));
    let init = init.with_transaction_timeout_ms(60_000);
    let given = client.call(4, &init);
    say("init", format!("{} {} {}", given.error_code, given.producer_id.0, given.producer_epoch));
    say("init with no timeout", client.call(4, &init.clone().with_transaction_timeout_ms(-1)).error_code.to_string());
    // A real node has no ids before its controller has given it some.
    let without_id = init.with_transactional_id(None);
    let given = ask_until(|| client.call(4, &without_id).error_code, |code| *code != 14);
    say("init without an id", given.to_string());
    let partitions = AddPartitionsToTxnTopic::default().with_name(name(topic)).with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(transactional(id))
        .with_v3_and_below_producer_id(ProducerId(1))
        .with_v3_and_below_topics(vec![partitions]);
    let added = client.call(3, &add);
    let code = added.results_by_topic_v3_and_below[0].results_by_partition[0].partition_error_code;
    say("add partitions", code.to_string());
    let add = AddOffsetsToTxnRequest::default().with_transactional_id(transactional(id)).with_group_id(group("g"));
    say("add offsets", client.call(3, &add).error_code.to_string());
    let end = EndTxnRequest::default().with_transactional_id(transactional(id)).with_producer_id(ProducerId(1));
    say("end", client.call(3, &end).error_code.to_string());
    let describe = DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional(id)]);
    let described = client.call(0, &describe).transaction_states.remove(0);
    say("describe", format!("{} {:?} {}", described.error_code, described.transaction_state, described.producer_id.0));
    let listed = client.call(0, &ListTransactionsRequest::default());
    let is_there = listed.transaction_states.iter().any(|listed| listed.transactional_id.as_str() == id);
    say("list", format!("{} {is_there}", listed.error_code));
    said
}

#[test]
fn transaction_requests_at_a_node_that_does_not_coordinate_the_id_are_sent_elsewhere() {
    let talk = |client: &mut Client| {
        let (topic, id) = (make(client), unique("txn"));
        let (mut here, mut elsewhere) = here_and_elsewhere(client, TRANSACTION, &id);
        await_topic(&mut elsewhere, &topic);
        let init = InitProducerIdRequest::default().with_transactional_id(Some(transactional(&id)));
        let init = init.with_transaction_timeout_ms(60_000);
        ask_until(|| here.call(4, &init).error_code, |code| *code == 0);
        let listed = here.call(0, &ListTransactionsRequest::default()).transaction_states;
        assert!(listed.iter().any(|listed| listed.transactional_id.as_str() == id));
        transaction_requests(&mut elsewhere, &id, &topic)
    };
    seen_on_each_cluster(talk, include_str!("seen/transactions_elsewhere.txt"));
}

#[test]
fn offsets_of_a_transaction_are_committed_at_the_coordinator_of_the_group_only() {
    let talk = |client: &mut Client| {
        let (topic, id) = (make(client), unique("group"));
        let (_, mut elsewhere) = here_and_elsewhere(client, GROUP, &id);
        await_topic(&mut elsewhere, &topic);
        let partition = TxnOffsetCommitRequestPartition::default().with_committed_offset(1);
        let committed = TxnOffsetCommitRequestTopic::default().with_name(name(&topic)).with_partitions(vec![partition]);
        let request = TxnOffsetCommitRequest::default()
            .with_transactional_id(transactional("nobody"))
            .with_group_id(group(&id))
            .with_topics(vec![committed]);
        let code = |client: &mut Client, version| client.call(version, &request).topics[0].partitions[0].error_code;
        format!("{} {}\n", code(&mut elsewhere, 3), code(&mut elsewhere, 5))
    };
    seen_on_each_cluster(talk, "16 16\n");
}

/// A client of whoever coordinates a group now.
fn of_group(broker: &EmbeddedBroker, id: &str) -> Client {
    let coordinator = broker.group(id).coordinator().expect("somebody coordinates it");
    Client::connect(&broker.node(coordinator).expect("a node").address())
}

fn join_request(id: &str) -> JoinGroupRequest {
    let range = JoinGroupRequestProtocol::default().with_name(text("range"));
    JoinGroupRequest::default()
        .with_group_id(group(id))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![range])
}

/// The only member of a group on three nodes, in a stable generation.
fn with_member(load_time: Duration) -> (EmbeddedBroker, ManualClock, HeartbeatRequest) {
    let builder = EmbeddedBroker::builder().brokers(3).coordinator_load_time(load_time);
    let (builder, clock) = builder.manual_clock();
    let broker = builder.start().expect("three nodes start");
    broker.group("g").move_coordinator(1).expect("every node has a replica");
    let mut client = of_group(&broker, "g");
    // It may have moved there, and been read for as long.
    clock.advance(load_time);
    let joined = ask_until(|| client.call(3, &join_request("g")), |joined| joined.error_code == 0);
    let sync = SyncGroupRequest::default()
        .with_group_id(group("g"))
        .with_member_id(joined.member_id.clone())
        .with_generation_id(joined.generation_id);
    assert_eq!(client.call(3, &sync).error_code, 0);
    let beat = HeartbeatRequest::default().with_group_id(group("g")).with_generation_id(joined.generation_id);
    (broker, clock, beat.with_member_id(joined.member_id))
}

#[test]
fn members_go_on_at_the_next_coordinator_whatever_became_of_the_last() {
    let (broker, _, beat) = with_member(Duration::ZERO);
    let goes_on = |node| {
        assert_eq!(broker.group("g").coordinator(), Some(node));
        assert_eq!(of_group(&broker, "g").call(3, &beat).error_code, 0, "at node {node}");
    };
    goes_on(1);
    broker.group("g").move_coordinator(3).expect("every node has a replica");
    goes_on(3);
    broker.stop_node(3).expect("a node");
    let next = broker.group("g").coordinator().expect("somebody");
    goes_on(next);
    broker.crash(next).expect("a node");
    goes_on(if next == 1 { 2 } else { 1 });
}

#[test]
fn who_waits_to_join_at_a_node_that_is_stopped_is_sent_elsewhere() {
    let (broker, _, _) = with_member(Duration::ZERO);
    let mut waiting = of_group(&broker, "g");
    waiting.send(3, &join_request("g"));
    comes_true("it waits", || broker.group("g").state() == GroupState::PreparingRebalance);
    broker.stop_node(1).expect("a node");
    assert_eq!(waiting.receive::<JoinGroupRequest>(3).error_code, ErrorCode::NotCoordinator.code());
    assert_eq!(broker.group("g").state(), GroupState::Stable);
}

#[test]
fn the_next_coordinator_reads_for_as_long_as_was_said_by_the_brokers_clock() {
    let (broker, clock, beat) = with_member(Duration::from_secs(3));
    broker.group("g").move_coordinator(2).expect("every node has a replica");
    let mut client = of_group(&broker, "g");
    assert_eq!(client.call(3, &beat).error_code, ErrorCode::CoordinatorLoadInProgress.code());
    clock.advance(Duration::from_secs(3));
    ask_until(|| client.call(3, &beat).error_code, |code| *code == 0);
}

#[test]
fn a_transaction_is_committed_at_the_coordinator_that_comes_after_a_crash() {
    let broker = EmbeddedBroker::builder().brokers(3).topic("t", 1).start().expect("three nodes start");
    broker.transactions().move_coordinator("tx", 1).expect("every node has a replica");
    let of = |broker: &EmbeddedBroker| {
        let coordinator = broker.transactions().coordinator("tx").expect("somebody coordinates it");
        Client::connect(&broker.node(coordinator).expect("a node").address())
    };
    let init = InitProducerIdRequest::default().with_transactional_id(Some(transactional("tx")));
    let given = of(&broker).call(4, &init.with_transaction_timeout_ms(60_000));
    let add = AddOffsetsToTxnRequest::default()
        .with_transactional_id(transactional("tx"))
        .with_producer_id(given.producer_id)
        .with_group_id(group("g"));
    assert_eq!(of(&broker).call(3, &add).error_code, 0);
    broker.crash(1).expect("a node");
    let end = EndTxnRequest::default()
        .with_transactional_id(transactional("tx"))
        .with_producer_id(given.producer_id)
        .with_committed(true);
    assert_eq!(of(&broker).call(3, &end).error_code, 0);
    comes_true("it is complete", || {
        broker.transactions().get("tx").is_some_and(|known| known.state == TransactionState::CompleteCommit)
    });
}
