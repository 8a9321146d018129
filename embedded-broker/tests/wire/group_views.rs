//! What a test sees and does of a group beside its clients.

use std::time::Duration;

use embedded_broker::{EmbeddedBroker, GroupState};
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, GroupId, OffsetCommitRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use crate::client::Client;
use crate::patience::comes_true;

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn beat(client: &mut Client, member: &str, epoch: i32) -> ConsumerGroupHeartbeatResponse {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_member_id(text(member))
        .with_member_epoch(epoch);
    let request = if epoch == 0 {
        request
            .with_rebalance_timeout_ms(60_000)
            .with_subscribed_topic_names(Some(vec![TopicName(text("t"))]))
            .with_topic_partitions(Some(Vec::new()))
    } else {
        request
    };
    client.call(1, &request)
}

fn commit(client: &mut Client) {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(7);
    let topic = OffsetCommitRequestTopic::default().with_name(TopicName(text("t"))).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default().with_group_id(GroupId(text("g"))).with_topics(vec![topic]);
    assert_eq!(client.call(8, &request).topics[0].partitions[0].error_code, 0);
}

#[test]
fn a_group_is_waited_for_until_it_is_stable() {
    let broker = EmbeddedBroker::builder().topic("t", 2).start().expect("a broker on a free port");
    let mut client = Client::of(&broker);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| broker.group("g").await_stable(1).wait().expect("it comes"));
        beat(&mut client, "a", 0);
        let members = waiting.join().expect("no panic");
        assert_eq!((members[0].member_id.as_str(), members[0].assignment.len()), ("a", 2));
        let leaving = scope.spawn(|| broker.group("g").await_stable(0).wait().expect("it goes"));
        beat(&mut client, "a", -1);
        assert!(leaving.join().expect("no panic").is_empty());
    });
}

#[test]
fn a_member_is_evicted_and_a_group_rebalanced_by_hand() {
    let broker = EmbeddedBroker::builder().topic("t", 2).start().expect("a broker on a free port");
    let mut client = Client::of(&broker);
    let group = broker.group("g");
    assert!(!group.rebalance_now() && !group.evict("a"));
    beat(&mut client, "a", 0);
    assert!(group.rebalance_now());
    assert_eq!(group.state(), GroupState::Assigning);
    assert_eq!(beat(&mut client, "a", 1).member_epoch, 2);
    assert!(group.evict("a") && !group.evict("a"));
    assert_eq!(beat(&mut client, "a", 2).error_code, 25, "it learns of it with its next heartbeat");
}

#[test]
fn committed_offsets_expire_by_the_clock_and_on_demand() {
    let (builder, clock) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let builder = builder.config("offsets.retention.minutes", 1).config("offsets.retention.check.interval.ms", 300_000);
    let broker = builder.start().expect("a broker on a free port");
    let mut client = Client::of(&broker);
    commit(&mut client);
    clock.advance(Duration::from_secs(59));
    broker.expire_offsets_now();
    assert_eq!(broker.group("g").committed().len(), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(broker.group("g").committed().len(), 1, "nobody has looked yet");
    broker.expire_offsets_now();
    assert!(broker.group("g").committed().is_empty());
    assert_eq!(broker.group("g").state(), GroupState::Dead, "nothing keeps the group");

    commit(&mut client);
    let gone = broker.group("g");
    comes_true("the broker looks by itself, and the group is gone", || {
        clock.advance(Duration::from_secs(300));
        gone.state() == GroupState::Dead
    });
}

#[test]
fn a_refused_first_heartbeat_leaves_no_group_behind() {
    let broker = EmbeddedBroker::builder().topic("t", 1).start().expect("a broker on a free port");
    let mut client = Client::of(&broker);
    let broken = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text("g")))
        .with_member_id(text("a"))
        .with_rebalance_timeout_ms(60_000)
        .with_subscribed_topic_regex(Some(text("t(")))
        .with_topic_partitions(Some(Vec::new()));
    assert_eq!(client.call(1, &broken).error_code, 128);
    assert_eq!(broker.group("g").state(), GroupState::Dead);
}
