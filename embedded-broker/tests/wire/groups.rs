//! Groups and their members; committed offsets have a file of their own.

use std::time::Duration;

use bytes::Bytes;
use embedded_broker::{EmbeddedBroker, ErrorCode, GroupState};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::patience::{ask_until, comes_true};

mod offsets;

/// `t` in version 0 of the consumer protocol's subscription.
const SUBSCRIPTION: &[u8] = b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff";
/// `t-0` and `t-1` in its assignment.
const ASSIGNMENT: &[u8] = b"\0\0\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x01\xff\xff\xff\xff";

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("t", 2).topic("u", 1).start().expect("a broker on a free port")
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group(id: &str) -> GroupId {
    GroupId(text(id))
}

fn topic(name: &str) -> TopicName {
    TopicName(text(name))
}

fn join_request(version: i16, group_id: &str, member_id: &StrBytes) -> JoinGroupRequest {
    let range =
        JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(Bytes::from_static(SUBSCRIPTION));
    let request = JoinGroupRequest::default()
        .with_group_id(group(group_id))
        .with_session_timeout_ms(10_000)
        .with_member_id(member_id.clone())
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![range]);
    if version == 0 { request } else { request.with_rebalance_timeout_ms(60_000) }
}

/// Joins a group that nobody else is in, with a second request where the version asks for it.
fn join(client: &mut Client, version: i16, group_id: &str) -> JoinGroupResponse {
    let first = client.call(version, &join_request(version, group_id, &text("")));
    if version < 4 {
        return first;
    }
    assert_eq!(first.error_code, ErrorCode::MemberIdRequired.code());
    client.call(version, &join_request(version, group_id, &first.member_id))
}

fn sync_request(version: i16, group_id: &str, generation: i32, member_id: &StrBytes) -> SyncGroupRequest {
    let share = SyncGroupRequestAssignment::default()
        .with_member_id(member_id.clone())
        .with_assignment(Bytes::from_static(ASSIGNMENT));
    let since_5 = |name: &str| (version >= 5).then(|| text(name));
    SyncGroupRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id(generation)
        .with_member_id(member_id.clone())
        .with_protocol_type(since_5("consumer"))
        .with_protocol_name(since_5("range"))
        .with_assignments(vec![share])
}

fn heartbeat(group_id: &str, generation: i32, member_id: &StrBytes) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id(generation)
        .with_member_id(member_id.clone())
}

/// A stable group of one; its member id and generation.
fn stable(client: &mut Client, group_id: &str) -> (StrBytes, i32) {
    let joined = join(client, 9, group_id);
    assert_eq!(joined.error_code, 0);
    let synced = client.call(5, &sync_request(5, group_id, joined.generation_id, &joined.member_id));
    assert_eq!(synced.error_code, 0);
    (joined.member_id, joined.generation_id)
}

fn commit_request(group_id: &str, topic_name: &str, partition: i32, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(partition)
        .with_committed_offset(offset)
        .with_committed_metadata(Some(text("noted")));
    let committed = OffsetCommitRequestTopic::default().with_name(topic(topic_name)).with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group(group_id))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![committed])
}

fn commit(client: &mut Client, version: i16, request: &OffsetCommitRequest) -> i16 {
    client.call(version, request).topics[0].partitions[0].error_code
}

/// What OffsetFetch tells of one partition: offset, leader epoch, metadata.
fn fetch(client: &mut Client, version: i16, group_id: &str, partition: i32) -> (i64, i32, Option<StrBytes>) {
    if version < 8 {
        let asked = OffsetFetchRequestTopic::default().with_name(topic("t")).with_partition_indexes(vec![partition]);
        let request = OffsetFetchRequest::default().with_group_id(group(group_id)).with_topics(Some(vec![asked]));
        let response = client.call(version, &request);
        assert_eq!(response.error_code, 0);
        let found = &response.topics[0].partitions[0];
        assert_eq!((found.partition_index, found.error_code), (partition, 0));
        return (found.committed_offset, found.committed_leader_epoch, found.metadata.clone());
    }
    let asked = OffsetFetchRequestTopics::default().with_name(topic("t")).with_partition_indexes(vec![partition]);
    let asked = OffsetFetchRequestGroup::default().with_group_id(group(group_id)).with_topics(Some(vec![asked]));
    let response = client.call(version, &OffsetFetchRequest::default().with_groups(vec![asked]));
    assert_eq!((response.groups[0].error_code, response.groups[0].group_id.as_str()), (0, group_id));
    let found = &response.groups[0].topics[0].partitions[0];
    assert_eq!((found.partition_index, found.error_code), (partition, 0));
    (found.committed_offset, found.committed_leader_epoch, found.metadata.clone())
}

#[test]
fn a_member_lives_its_life_in_every_version() {
    let broker = broker();
    for version in 0..=9 {
        let (sync, beat, leave) = (version.min(5), version.min(4), version.min(5));
        let id = format!("g{version}");
        let mut client = Client::of(&broker);
        let joined = join(&mut client, version, &id);
        assert_eq!((joined.error_code, joined.generation_id), (0, 1), "version {version}");
        assert_eq!((&joined.leader, joined.members.len()), (&joined.member_id, 1));
        assert!(joined.member_id.starts_with("wire-test-"), "{}", joined.member_id);
        assert_eq!(joined.protocol_name, Some(text("range")));
        assert_eq!(joined.protocol_type, (version >= 7).then(|| text("consumer")));
        assert_eq!(joined.members[0].metadata, SUBSCRIPTION);

        let synced = client.call(sync, &sync_request(sync, &id, 1, &joined.member_id));
        assert_eq!((synced.error_code, &synced.assignment[..]), (0, ASSIGNMENT));
        assert_eq!(synced.protocol_name, (sync >= 5).then(|| text("range")));
        assert_eq!(client.call(beat, &heartbeat(&id, 1, &joined.member_id)).error_code, 0);
        assert_eq!(broker.group(&id).state(), GroupState::Stable);

        let request = LeaveGroupRequest::default().with_group_id(group(&id));
        let request = if leave < 3 {
            request.with_member_id(joined.member_id)
        } else {
            request.with_members(vec![MemberIdentity::default().with_member_id(joined.member_id)])
        };
        let left = client.call(leave, &request);
        assert_eq!((left.error_code, left.members.iter().all(|member| member.error_code == 0)), (0, true));
        assert_eq!(broker.group(&id).state(), GroupState::Empty);
        let again = client.call(leave, &request);
        let error = if leave < 3 { again.error_code } else { again.members[0].error_code };
        assert_eq!(error, ErrorCode::UnknownMemberId.code());
    }
}

#[test]
fn requests_about_unknown_groups_are_answered_as_kafka_does() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let nobody = text("nobody");
    let unknown = ErrorCode::UnknownMemberId.code();
    assert_eq!(client.call(9, &join_request(9, "none", &nobody)).error_code, unknown);
    assert_eq!(client.call(5, &sync_request(5, "none", 1, &nobody)).error_code, unknown);
    assert_eq!(client.call(4, &heartbeat("none", 1, &nobody)).error_code, unknown);
    let leaver = MemberIdentity::default().with_member_id(nobody.clone());
    let left = client.call(5, &LeaveGroupRequest::default().with_group_id(group("none")).with_members(vec![leaver]));
    assert_eq!((left.error_code, left.members[0].error_code), (0, unknown));
    let member = |version| {
        let request = commit_request("none", "t", 0, 1).with_generation_id_or_member_epoch(3);
        (version, request.with_member_id(nobody.clone()))
    };
    let (version, request) = member(8);
    assert_eq!(commit(&mut client, version, &request), ErrorCode::IllegalGeneration.code());
    let (version, request) = member(9);
    assert_eq!(commit(&mut client, version, &request), ErrorCode::GroupIdNotFound.code());
    assert_eq!(fetch(&mut client, 9, "none", 0), (-1, -1, Some(text(""))));
    assert_eq!(broker.group("none").state(), GroupState::Dead, "none of this makes a group");
}

#[test]
fn an_empty_group_id_is_refused_by_members_and_taken_by_commits() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let invalid = ErrorCode::InvalidGroupId.code();
    assert_eq!(client.call(9, &join_request(9, "", &text(""))).error_code, invalid);
    assert_eq!(client.call(5, &sync_request(5, "", 1, &text("m"))).error_code, invalid);
    assert_eq!(client.call(4, &heartbeat("", 1, &text("m"))).error_code, invalid);
    assert_eq!(client.call(5, &LeaveGroupRequest::default()).error_code, invalid);
    assert_eq!(commit(&mut client, 8, &commit_request("", "t", 0, 5)), 0);
    assert_eq!(fetch(&mut client, 7, "", 0).0, 5);
}

/// Heartbeats tell a member of the first generation when another one has come.
fn await_rebalance(client: &mut Client, member: &StrBytes) {
    let rebalances = ErrorCode::RebalanceInProgress.code();
    ask_until(|| client.call(4, &heartbeat("g", 1, member)).error_code, |code| *code == rebalances);
}

#[test]
fn members_that_come_together_are_answered_together() {
    let broker = broker();
    let (mut one, mut two) = (Client::of(&broker), Client::of(&broker));
    let (first, _) = stable(&mut one, "g");
    let second = two.call(9, &join_request(9, "g", &text(""))).member_id;
    two.send(9, &join_request(9, "g", &second));
    await_rebalance(&mut one, &first);
    let leader = one.call(9, &join_request(9, "g", &first));
    let follower = two.receive::<JoinGroupRequest>(9);
    assert_eq!((leader.generation_id, follower.generation_id), (2, 2));
    assert_eq!((&leader.leader, &follower.leader), (&first, &first));
    assert_eq!((leader.members.len(), follower.members.len()), (2, 0));

    let empty_handed = sync_request(5, "g", 2, &second).with_assignments(Vec::new());
    two.send(5, &empty_handed);
    assert_eq!(one.call(5, &sync_request(5, "g", 2, &first)).assignment, ASSIGNMENT);
    assert_eq!(two.receive::<SyncGroupRequest>(5).assignment, "");

    let members = broker.group("g").members();
    let of = |id: &StrBytes| members.iter().find(|member| member.member_id == id.as_str()).unwrap();
    assert_eq!(of(&first).assignment, [("t".to_owned(), 0), ("t".to_owned(), 1)]);
    assert_eq!(of(&second).assignment, []);
    assert_eq!((of(&first).client_id.as_str(), of(&first).client_host.as_str()), ("wire-test", "/127.0.0.1"));
}

#[test]
fn a_stop_answers_or_ends_everything_that_waits() {
    let broker = broker();
    let (mut one, mut two) = (Client::of(&broker), Client::of(&broker));
    let (first, _) = stable(&mut one, "g");
    two.send(0, &join_request(0, "g", &text("")));
    await_rebalance(&mut one, &first);
    broker.stop();
}

#[test]
fn a_silent_member_is_out_when_its_session_is_over() {
    let (builder, clock) = EmbeddedBroker::builder().topic("t", 2).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let (member, _) = stable(&mut client, "g");
    clock.advance(Duration::from_secs(9));
    assert_eq!(client.call(4, &heartbeat("g", 1, &member)).error_code, 0);
    clock.advance(Duration::from_secs(9));
    assert_eq!(broker.group("g").members().len(), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(broker.group("g").state(), GroupState::Empty);
    let beat = client.call(4, &heartbeat("g", 1, &member));
    assert_eq!(beat.error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn a_held_join_is_answered_by_the_clock() {
    let (builder, clock) = EmbeddedBroker::builder().topic("t", 2).manual_clock();
    let broker = builder.config("group.initial.rebalance.delay.ms", 3000).start().unwrap();
    let mut client = Client::of(&broker);
    client.send(3, &join_request(3, "g", &text("")));
    comes_true("the member is in", || !broker.group("g").members().is_empty());
    clock.advance(Duration::from_secs(3));
    assert_eq!(client.receive::<JoinGroupRequest>(3).generation_id, 1);
}

#[test]
fn groups_are_described_in_every_version() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let (member, _) = stable(&mut client, "g");
    for version in 0..=6 {
        let request = DescribeGroupsRequest::default()
            .with_groups(vec![group("g"), group("none")])
            .with_include_authorized_operations(version >= 3);
        let response = client.call(version, &request);
        let (found, missing) = (&response.groups[0], &response.groups[1]);
        assert_eq!((found.error_code, found.group_state.as_str()), (0, "Stable"), "version {version}");
        assert_eq!((found.protocol_type.as_str(), found.protocol_data.as_str()), ("consumer", "range"));
        assert_eq!(found.authorized_operations, if version >= 3 { 3400 } else { i32::MIN });
        let one = &found.members[0];
        assert_eq!((&one.member_id, one.client_id.as_str()), (&member, "wire-test"));
        assert_eq!((&one.member_metadata[..], &one.member_assignment[..]), (SUBSCRIPTION, ASSIGNMENT));
        assert_eq!(missing.group_state.as_str(), "Dead");
        let expected = (version >= 6).then(|| text("Group none not found."));
        assert_eq!((missing.error_code, &missing.error_message), (if version >= 6 { 69 } else { 0 }, &expected));
    }
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let broker = broker();
    let mut client = Client::of(&broker);
    stable(&mut client, "live");
    commit(&mut client, 8, &commit_request("simple", "t", 0, 1));
    for version in 0..=5 {
        let listed = client.call(version, &ListGroupsRequest::default()).groups;
        let shown: Vec<_> = listed
            .iter()
            .map(|g| (g.group_id.as_str(), g.protocol_type.as_str(), g.group_state.as_str(), g.group_type.as_str()))
            .collect();
        let since = |first: i16, name: &'static str| if version >= first { name } else { "" };
        let kind = since(5, "classic");
        let expected = [("live", "consumer", since(4, "Stable"), kind), ("simple", "", since(4, "Empty"), kind)];
        assert_eq!(shown, expected, "version {version}");
    }
    let mut names = |request: ListGroupsRequest| -> Vec<String> {
        client.call(5, &request).groups.iter().map(|g| g.group_id.to_string()).collect()
    };
    let by_state = |state| ListGroupsRequest::default().with_states_filter(vec![text(state)]);
    let by_type = |kind| ListGroupsRequest::default().with_types_filter(vec![text(kind)]);
    assert_eq!(names(by_state("stable")), ["live"]);
    assert_eq!(names(by_state("Empty")), ["simple"]);
    assert_eq!(names(by_state("Dead")), [""; 0]);
    assert_eq!(names(by_type("Classic")), ["live", "simple"]);
    assert_eq!(names(by_type("share")), [""; 0]);
}

#[test]
fn only_groups_without_members_are_deleted() {
    let broker = broker();
    let mut client = Client::of(&broker);
    for version in 0..=2 {
        stable(&mut client, &format!("live{version}"));
        commit(&mut client, 8, &commit_request("simple", "t", 0, 1));
        let names = [format!("live{version}"), "simple".to_owned(), "none".to_owned()];
        let request = DeleteGroupsRequest::default().with_groups_names(names.iter().map(|name| group(name)).collect());
        let response = client.call(version, &request);
        let errors: Vec<i16> = response.results.iter().map(|result| result.error_code).collect();
        assert_eq!(errors, [68, 0, 69], "version {version}");
        assert_eq!(broker.group("simple").state(), GroupState::Dead);
        assert_eq!(fetch(&mut client, 8, "simple", 0).0, -1);
    }
}

#[test]
fn the_coordinator_is_found_in_every_version() {
    let broker = broker();
    let mut client = Client::of(&broker);
    for version in 0..=3 {
        let request = FindCoordinatorRequest::default().with_key(text("g"));
        let found = client.call(version, &request);
        let address = format!("{}:{}", found.host, found.port);
        assert_eq!((found.error_code, address.as_str()), (0, broker.bootstrap_servers()), "version {version}");
        assert_eq!(found.node_id.0, 1);
    }
    for version in 4..=6 {
        for (key_type, error) in [(0, 0), (1, 0), (2, ErrorCode::InvalidRequest.code())] {
            let request = FindCoordinatorRequest::default()
                .with_key_type(key_type)
                .with_coordinator_keys(vec![text("g"), text("h")]);
            let found = client.call(version, &request).coordinators;
            let keys: Vec<_> = found.iter().map(|one| (one.key.as_str(), one.error_code)).collect();
            assert_eq!(keys, [("g", error), ("h", error)], "version {version}");
        }
    }
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let broker = broker();
    let mut client = Client::of(&broker);
    for version in 5..=9 {
        let id = format!("g{version}");
        let request = join_request(version, &id, &text("")).with_group_instance_id(Some(text("one")));
        let joined = client.call(version, &request);
        assert_eq!((joined.error_code, &joined.members[0].group_instance_id), (0, &Some(text("one"))));
        client.call(5, &sync_request(5, &id, 1, &joined.member_id));
        let back = client.call(version, &request);
        assert_eq!((back.error_code, back.generation_id), (0, 1), "version {version}");
        assert_eq!((back.skip_assignment, back.leader == back.member_id), (version >= 9, version >= 9));
        let beat = heartbeat(&id, 1, &joined.member_id).with_group_instance_id(Some(text("one")));
        assert_eq!(client.call(4, &beat).error_code, ErrorCode::FencedInstanceId.code());
        assert_eq!(broker.group(&id).members()[0].instance_id.as_deref(), Some("one"));
    }
}
