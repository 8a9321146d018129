//! The consumer protocol of KIP-848.

use std::time::Duration;

use embedded_broker::{EmbeddedBroker, ErrorCode, GroupState};
use kafka_protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, DescribeGroupsRequest,
    GroupId, JoinGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;

fn broker() -> EmbeddedBroker {
    EmbeddedBroker::builder().topic("t", 2).topic("tea", 1).start().expect("a broker on a free port")
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn heartbeat(member_id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_member_id(text(member_id))
        .with_member_epoch(epoch)
}

fn joining(member_id: &str) -> ConsumerGroupHeartbeatRequest {
    heartbeat(member_id, 0)
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_names(Some(vec![TopicName(text("t"))]))
        .with_topic_partitions(Some(Vec::new()))
}

/// The partitions an answer assigns, of whatever topics.
fn partitions(answer: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let assignment = answer.assignment.as_ref()?;
    Some(assignment.topic_partitions.iter().flat_map(|topic| topic.partitions.clone()).collect())
}

fn commit(client: &mut Client, version: i16, member_id: &str, epoch: i32) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(7);
    let topic = OffsetCommitRequestTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_member_id(text(member_id))
        .with_generation_id_or_member_epoch(epoch)
        .with_topics(vec![topic]);
    client.call(version, &request).topics[0].partitions[0].error_code
}

#[test]
fn a_broker_that_is_told_of_the_classic_protocol_alone_has_no_consumer_groups() {
    let protocols = "group.coordinator.rebalance.protocols";
    let broker = EmbeddedBroker::builder().topic("t", 1).config(protocols, "classic").start().unwrap();
    let mut client = Client::of(&broker);
    let unsupported = ErrorCode::UnsupportedVersion.code();
    assert_eq!(client.call(1, &joining("m")).error_code, unsupported);
    let describe = ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text("g"))]);
    assert_eq!(client.call(1, &describe).groups[0].error_code, unsupported);
    let refused = EmbeddedBroker::builder().config(protocols, "consumer").start().unwrap_err();
    assert!(refused.to_string().contains("disabling the 'classic' protocol is not supported"), "{refused}");
}

#[test]
fn two_members_share_a_topic_and_one_leaves() {
    for version in 0..=1 {
        let broker = broker();
        let mut client = Client::of(&broker);
        let a = client.call(version, &joining("a"));
        assert_eq!((a.error_code, a.member_epoch, a.heartbeat_interval_ms), (0, 1, 5000));
        assert_eq!(partitions(&a), Some(vec![0, 1]));
        let topic_id = a.assignment.unwrap().topic_partitions[0].topic_id;

        let b = client.call(version, &joining("b"));
        assert_eq!(partitions(&b), Some(vec![]));
        let a2 = client.call(version, &heartbeat("a", a.member_epoch));
        assert_eq!((a2.member_epoch, partitions(&a2)), (a.member_epoch, Some(vec![0])));
        let owned = TopicPartitions::default().with_topic_id(topic_id).with_partitions(vec![0]);
        let a3 = client.call(version, &heartbeat("a", a.member_epoch).with_topic_partitions(Some(vec![owned])));
        assert_eq!((a3.member_epoch, partitions(&a3)), (b.member_epoch, None));
        let b2 = client.call(version, &heartbeat("b", b.member_epoch));
        assert_eq!(partitions(&b2), Some(vec![1]));
        assert_eq!(broker.group("g").state(), GroupState::Stable);
        let shares: Vec<_> = broker.group("g").members().into_iter().map(|member| member.assignment).collect();
        assert_eq!(shares, [[("t".to_owned(), 0)], [("t".to_owned(), 1)]]);

        for member in ["a", "b"] {
            assert_eq!(client.call(version, &heartbeat(member, -1)).member_epoch, -1);
        }
        assert_eq!(broker.group("g").state(), GroupState::Empty);
        assert_eq!(client.call(version, &heartbeat("a", 1)).error_code, ErrorCode::UnknownMemberId.code());
    }
}

#[test]
fn version_0_hands_out_ids_and_version_1_wants_them() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let answer = client.call(0, &joining(""));
    assert_eq!(answer.error_code, 0);
    assert!(answer.member_id.is_some_and(|id| !id.is_empty()));
    let refused = client.call(1, &joining(""));
    assert_eq!((refused.error_code, refused.error_message), (42, Some(text("MemberId can't be empty."))));
}

#[test]
fn a_pattern_is_resolved_by_the_broker() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let by_pattern = joining("a").with_subscribed_topic_names(None).with_subscribed_topic_regex(Some(text("^te?a?$")));
    assert_eq!(partitions(&client.call(1, &by_pattern)), Some(vec![]), "it is looked up when this is answered");
    let heard = client.call(1, &heartbeat("a", 1));
    assert_eq!(partitions(&heard).map(|partitions| partitions.len()), Some(3));
    let broken = heartbeat("a", heard.member_epoch).with_subscribed_topic_regex(Some(text("te(")));
    assert_eq!(client.call(1, &broken).error_code, ErrorCode::InvalidRegularExpression.code());
}

#[test]
fn errors_tell_what_to_do() {
    let broker = broker();
    let mut client = Client::of(&broker);
    let missing = client.call(1, &heartbeat("a", 3));
    assert_eq!((missing.error_code, missing.error_message), (69, Some(text("Consumer group g not found."))));
    client.call(1, &joining("a"));
    for (request, error) in [
        (heartbeat("b", 1), ErrorCode::UnknownMemberId),
        (heartbeat("a", 9), ErrorCode::FencedMemberEpoch),
        (joining("c").with_server_assignor(Some(text("sticky"))), ErrorCode::UnsupportedAssignor),
        (joining("c").with_group_id(GroupId::default()), ErrorCode::InvalidRequest),
        (joining("c").with_rebalance_timeout_ms(-1), ErrorCode::InvalidRequest),
    ] {
        let refused = client.call(1, &request);
        assert_eq!(refused.error_code, error.code());
        assert!(refused.error_message.is_some_and(|message| !message.is_empty()), "{error:?}");
    }
}

#[test]
fn commits_and_fetches_are_checked_by_epoch() {
    let broker = broker();
    let mut client = Client::of(&broker);
    client.call(1, &joining("a"));
    assert_eq!(commit(&mut client, 9, "a", 1), 0);
    assert_eq!(commit(&mut client, 9, "a", 2), ErrorCode::StaleMemberEpoch.code());
    assert_eq!(commit(&mut client, 8, "a", 1), ErrorCode::UnsupportedVersion.code());
    let mut fetch = |member: &str, epoch| {
        let group = OffsetFetchRequestGroup::default().with_group_id(GroupId(text("g"))).with_topics(None);
        let group = group.with_member_id(Some(text(member))).with_member_epoch(epoch);
        let response = client.call(9, &OffsetFetchRequest::default().with_groups(vec![group]));
        (response.groups[0].error_code, response.groups[0].topics.len())
    };
    assert_eq!(fetch("a", 1), (0, 1));
    assert_eq!(fetch("a", 0), (ErrorCode::StaleMemberEpoch.code(), 0));
    assert_eq!(fetch("b", 1), (ErrorCode::UnknownMemberId.code(), 0));
}

#[test]
fn tools_see_the_group_by_its_type() {
    let broker = broker();
    let mut client = Client::of(&broker);
    client.call(1, &joining("a"));
    let listed = client.call(5, &ListGroupsRequest::default()).groups.remove(0);
    let shown = (listed.protocol_type, listed.group_state, listed.group_type);
    assert_eq!(shown, (text("consumer"), text("Stable"), text("consumer")));
    for version in 0..=1 {
        let request = ConsumerGroupDescribeRequest::default()
            .with_group_ids(vec![GroupId(text("g")), GroupId(text("none"))])
            .with_include_authorized_operations(true);
        let mut groups = client.call(version, &request).groups;
        let (missing, group) = (groups.remove(1), groups.remove(0));
        assert_eq!((missing.error_code, missing.error_message), (69, Some(text("Group none not found."))));
        assert_eq!((group.error_code, group.group_state.as_str()), (0, "Stable"));
        assert_eq!((group.group_epoch, group.assignment_epoch, group.assignor_name.as_str()), (1, 1, "uniform"));
        assert_eq!(group.authorized_operations, 3400);
        let member = &group.members[0];
        assert_eq!((member.member_id.as_str(), member.member_epoch), ("a", 1));
        assert_eq!(member.member_type, if version >= 1 { 1 } else { -1 });
        assert_eq!(member.subscribed_topic_names, [TopicName(text("t"))]);
        let assigned = &member.assignment.topic_partitions[0];
        assert_eq!((assigned.topic_name.as_str(), &assigned.partitions), ("t", &vec![0, 1]));
        assert_eq!(member.target_assignment, member.assignment);
    }
    let classic = DescribeGroupsRequest::default().with_groups(vec![GroupId(text("g"))]);
    let described = client.call(6, &classic).groups.remove(0);
    assert_eq!((described.error_code, described.error_message), (69, Some(text("Group g is not a classic group."))));
}

#[test]
fn only_groups_of_consumers_change_their_protocol_with_members_in_them() {
    let broker = broker();
    let mut client = Client::of(&broker);
    client.call(1, &joining("a"));
    let classic = JoinGroupRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("connect"))
        .with_protocols(vec![Default::default()]);
    assert_eq!(client.call(3, &classic).error_code, ErrorCode::InconsistentGroupProtocol.code());
    client.call(1, &heartbeat("a", -1));
    assert_eq!(client.call(3, &classic).error_code, 0, "an empty group takes either");
    let refused = client.call(1, &joining("a"));
    assert_eq!(refused.error_code, ErrorCode::GroupIdNotFound.code());
    let why = "Cannot upgrade classic group g to consumer group because the group does not use the consumer embedded protocol.";
    assert_eq!(refused.error_message, Some(text(why)));
    let described = client.call(1, &ConsumerGroupDescribeRequest::default().with_group_ids(vec![GroupId(text("g"))]));
    assert_eq!(described.groups[0].error_message, Some(text("Group g is not a consumer group.")));
}

#[test]
fn a_silent_member_is_out_by_the_clock() {
    let (builder, clock) = EmbeddedBroker::builder().topic("t", 2).manual_clock();
    let broker = builder.config("group.consumer.session.timeout.ms", 20_000).start().unwrap();
    let mut client = Client::of(&broker);
    client.call(1, &joining("a"));
    clock.advance(Duration::from_secs(19));
    assert_eq!(broker.group("g").members().len(), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(broker.group("g").state(), GroupState::Empty);
}
