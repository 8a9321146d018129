//! What is about a topic and a group.

use kafka_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, CreatePartitionsRequest, DeleteGroupsRequest, DeleteRecordsRequest,
    DescribeTopicPartitionsRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetDeleteRequest,
    OffsetForLeaderEpochRequest, SyncGroupRequest,
};
use uuid::Uuid;

use super::super::acls::*;
use super::asked::*;
use super::*;
use crate::each_broker::unique;
use crate::records::{NOBODY, batch, fetch_request, name, only, produce_request};

/// What one client is answered to everything about a topic and a group, one line a request.
fn everything(client: &mut Client, names: &Names) -> Vec<String> {
    let Names { topic, id, group: group_id } = names;
    let by_name = |topic: &str| MetadataRequestTopic::default().with_name(Some(name(topic)));
    let by_id = MetadataRequestTopic::default().with_topic_id(*id).with_name(None);
    let produced = client.call(12, &produce_request(topic, *id, 12, 0, batch(&["v"], NOBODY)));
    let produced = &produced.responses[0].partition_responses[0];
    let produced_by_id = client.call(13, &produce_request(topic, *id, 13, 0, batch(&["v"], NOBODY)));
    let unknown_by_id = client.call(13, &produce_request(topic, Uuid::from_u128(7), 13, 0, batch(&["v"], NOBODY)));
    let fetched = only(client.call(12, &fetch_request(topic, *id, 12, &[(0, 0)])));
    let fetched_by_id = only(client.call(13, &fetch_request(topic, *id, 13, &[(0, 0)])));
    let epochs = OffsetForLeaderTopic::default()
        .with_topic(name(topic))
        .with_partitions(vec![OffsetForLeaderPartition::default().with_current_leader_epoch(-1).with_leader_epoch(0)]);
    let epochs = client.call(4, &OffsetForLeaderEpochRequest::default().with_topics(vec![epochs]));
    let records = DeleteRecordsTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![DeleteRecordsPartition::default().with_offset(0)]);
    let records = client.call(2, &DeleteRecordsRequest::default().with_topics(vec![records]).with_timeout_ms(1000));
    let more = CreatePartitionsTopic::default().with_name(name(topic)).with_count(2).with_assignments(None);
    let more = CreatePartitionsRequest::default().with_topics(vec![more]).with_validate_only(true);
    let more = client.call(3, &more.with_timeout_ms(1000)).results.remove(0);
    let pages = DescribeTopicPartitionsRequest::default()
        .with_topics(vec![TopicRequest::default().with_name(name(topic))])
        .with_response_partition_limit(10);
    let pages = client.call(0, &pages).topics.remove(0);
    let join = JoinGroupRequest::default().with_group_id(group(group_id)).with_session_timeout_ms(10_000);
    let join = client.call(5, &join.with_rebalance_timeout_ms(1000).with_protocol_type(text("consumer")));
    let sync = client.call(4, &SyncGroupRequest::default().with_group_id(group(group_id)).with_member_id(text("m")));
    let beat = client.call(4, &HeartbeatRequest::default().with_group_id(group(group_id)).with_member_id(text("m")));
    let leave = client.call(4, &LeaveGroupRequest::default().with_group_id(group(group_id)));
    let consumer = ConsumerGroupHeartbeatRequest::default()
        .with_group_id(group(group_id))
        .with_member_id(text("m"))
        .with_member_epoch(5);
    let consumer = client.call(1, &consumer);
    let consumers = ConsumerGroupDescribeRequest::default().with_group_ids(vec![group(group_id)]);
    let consumers = client.call(1, &consumers.with_include_authorized_operations(true)).groups.remove(0);
    let forget = OffsetDeleteRequestTopic::default()
        .with_name(name(topic))
        .with_partitions(vec![OffsetDeleteRequestPartition::default()]);
    let forget = OffsetDeleteRequest::default().with_group_id(group(group_id)).with_topics(vec![forget]);
    let forget = client.call(0, &forget);
    let forgotten = forget.topics.iter().flat_map(|topic| &topic.partitions).map(|one| one.error_code);
    let lines = [
        ("metadata", metadata(client, Some(by_name(topic)))),
        ("metadata by id", metadata(client, Some(by_id))),
        ("metadata of a new topic", metadata(client, Some(by_name(&unique("auto"))))),
        ("produce", format!("{} {:?}", produced.error_code, produced.error_message.as_deref())),
        ("produce by id", produced_by_id.responses[0].partition_responses[0].error_code.to_string()),
        ("produce by an unknown id", unknown_by_id.responses[0].partition_responses[0].error_code.to_string()),
        ("fetch", fetched.error_code.to_string()),
        ("fetch by id", fetched_by_id.error_code.to_string()),
        ("list offsets", list_offsets(client, topic)),
        (
            "epochs",
            format!("{} {}", epochs.topics[0].partitions[0].error_code, epochs.topics[0].partitions[0].end_offset),
        ),
        (
            "delete records",
            format!(
                "{:?}",
                records.topics[0].partitions.iter().map(|p| (p.error_code, p.low_watermark)).collect::<Vec<_>>()
            ),
        ),
        ("create a topic", create_topic(client, &unique("made"), true)),
        ("create partitions", format!("{} {:?}", more.error_code, more.error_message.as_deref())),
        (
            "topic partitions",
            format!("{} {} {}", pages.error_code, pages.partitions.len(), pages.topic_authorized_operations),
        ),
        ("topic configs", describe_configs(client, 2, topic)),
        ("alter topic configs", alter_configs(client, 2, topic)),
        ("group configs", describe_configs(client, 32, group_id)),
        ("alter group configs", alter_configs(client, 32, group_id)),
        ("coordinator", coordinator(client, 3, group_id, 0)),
        ("coordinators", coordinator(client, 4, group_id, 0)),
        ("join", format!("{} {:?}", join.error_code, join.member_id.is_empty())),
        ("sync", sync.error_code.to_string()),
        ("heartbeat", beat.error_code.to_string()),
        ("leave", leave.error_code.to_string()),
        ("consumer heartbeat", format!("{} {:?}", consumer.error_code, consumer.error_message.is_some())),
        ("describe group", described_group(client, group_id).replace(group_id.as_str(), "G")),
        ("describe consumer group", format!("{} {:?}", consumers.error_code, consumers.error_message.is_some())),
        ("commit", offset_commit(client, names).to_string()),
        ("committed", offset_fetch(client, names, false)),
        ("all committed", offset_fetch(client, names, true)),
        ("delete offsets", format!("{} {:?}", forget.error_code, forgotten.collect::<Vec<_>>())),
        (
            "delete a group",
            client.call(2, &DeleteGroupsRequest::default().with_groups_names(vec![group(group_id)])).results[0]
                .error_code
                .to_string(),
        ),
        ("delete by id", delete_topic(client, None, *id)),
        ("delete by name", delete_topic(client, Some(topic), Uuid::nil())),
        ("delete what is not there", delete_topic(client, Some(&unique("nowhere")), Uuid::nil())),
    ];
    lines.into_iter().map(|(asked, answered)| format!("{asked}: {answered}")).collect()
}

#[test]
fn who_may_nothing_is_told_nothing() {
    on_each_secured_broker(|admin, address| {
        let names = hidden_topic(admin);
        compare(&everything(&mut logged_in(address, "alice"), &names), include_str!("seen/nothing.txt"));
    });
}

#[test]
fn who_may_something_is_told_that() {
    on_each_secured_broker(|admin, address| {
        for (topic_operations, group_operations, expected) in [
            (&[DESCRIBE][..], &[DESCRIBE][..], include_str!("seen/describes.txt")),
            (&[READ], &[READ], include_str!("seen/reads.txt")),
            (&[WRITE, DESCRIBE_CONFIGS], &[DESCRIBE_CONFIGS], include_str!("seen/writes.txt")),
            (&[DELETE, ALTER, ALTER_CONFIGS], &[DELETE, ALTER_CONFIGS], include_str!("seen/changes.txt")),
        ] {
            let names = hidden_topic(admin);
            let on_topic = topic_operations.iter().map(|operation| allow("alice", *operation, TOPIC, &names.topic));
            let on_group = group_operations.iter().map(|operation| allow("alice", *operation, GROUP, &names.group));
            grant(admin, &on_topic.chain(on_group).collect::<Vec<_>>());
            compare(&everything(&mut logged_in(address, "alice"), &names), expected);
        }
    });
}
