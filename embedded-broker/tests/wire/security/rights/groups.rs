//! Requests of group members and of the tools for groups, where a group and a topic are needed at once.

use kafka_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, DeleteGroupsRequest, ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest,
};

use super::Right::{Cluster, Group, Topic};
use super::*;
use crate::records::name;

fn commit(client: &mut Client, world: &World) -> String {
    let partition = OffsetCommitRequestPartition::default().with_committed_leader_epoch(-1);
    let topic =
        OffsetCommitRequestTopic::default().with_name(name(&world.names.topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group(&world.names.group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    client.call(9, &request).topics[0].partitions[0].error_code.to_string()
}

/// Without offsets there is no group.
fn delete_offsets(client: &mut Client, world: &World) -> String {
    commit(client, world);
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(name(&world.names.topic))
        .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
    let request = OffsetDeleteRequest::default().with_group_id(group(&world.names.group)).with_topics(vec![topic]);
    let told = client.call(0, &request);
    let codes = told.topics.iter().flat_map(|topic| &topic.partitions).map(|one| one.error_code);
    format!("{} {:?}", told.error_code, codes.collect::<Vec<_>>())
}

fn delete(client: &mut Client, world: &World) -> String {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group(&world.names.group)]);
    client.call(2, &request).results[0].error_code.to_string()
}

fn list(client: &mut Client, world: &World) -> String {
    commit(client, world);
    let told = client.call(5, &ListGroupsRequest::default());
    let own = told.groups.iter().filter(|one| one.group_id.as_str() == world.names.group);
    format!("{} {}", told.error_code, own.count())
}

/// Joins a group of KIP-848 for the topic.
fn join(client: &mut Client, world: &World) -> String {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group(&world.names.group))
        .with_member_id(text("member"))
        .with_rebalance_timeout_ms(10_000)
        .with_subscribed_topic_names(Some(vec![name(&world.names.topic)]))
        .with_topic_partitions(Some(Vec::new()));
    let told = client.call(1, &request);
    format!("{} {:?} {}", told.error_code, told.error_message.as_deref(), told.member_epoch)
}

fn join_by_pattern(client: &mut Client, world: &World) -> String {
    let request = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group(&world.names.group))
        .with_member_id(text("member"))
        .with_rebalance_timeout_ms(10_000)
        .with_subscribed_topic_regex(Some(text(&world.names.topic)))
        .with_topic_partitions(Some(Vec::new()));
    let told = client.call(1, &request);
    format!("{} {:?} {}", told.error_code, told.error_message.as_deref(), told.member_epoch)
}

/// Joins, and looks at the group.
fn describe(client: &mut Client, world: &World) -> String {
    join(client, world);
    let request = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(&world.names.group)]);
    let told = client.call(1, &request).groups.remove(0);
    let text = told.error_message.map(|text| text.replace(&world.names.group, "G"));
    format!("{} {text:?} {}", told.error_code, told.members.len())
}

const TABLE: &[Row] = &[
    Row { asked: "commit", ask: commit, needs: &[(Group(READ), "30"), (Topic(READ), "29")], allowed: "0" },
    Row {
        asked: "delete offsets",
        ask: delete_offsets,
        needs: &[(Group(READ), "69 []"), (Group(DELETE), "30 []"), (Topic(READ), "69 []")],
        allowed: "0 [0]",
    },
    Row { asked: "delete", ask: delete, needs: &[(Group(DELETE), "30")], allowed: "69" },
    Row { asked: "list", ask: list, needs: &[(Group(READ), "0 0"), (Topic(READ), "0 0")], allowed: "0 1" },
    Row {
        asked: "list what all have",
        ask: list,
        needs: &[(Cluster(DESCRIBE), "0 1"), (Group(READ), "0 0"), (Topic(READ), "0 0")],
        allowed: "0 1",
    },
    Row {
        asked: "join",
        ask: join,
        needs: &[(Group(READ), "30 None 0"), (Topic(DESCRIBE), "29 None 0")],
        allowed: "0 None 1",
    },
    Row { asked: "join by a pattern", ask: join_by_pattern, needs: &[(Group(READ), "30 None 0")], allowed: "0 None 1" },
    Row {
        asked: "describe",
        ask: describe,
        needs: &[(Group(READ), "30 None 0"), (Topic(DESCRIBE), "69 Some(\"Group G not found.\") 0")],
        allowed: "0 None 1",
    },
];

#[test]
fn groups_ask_for_the_group_and_for_its_topics() {
    check(TABLE);
}
