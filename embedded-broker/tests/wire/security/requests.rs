//! Every request asks whether the client may: what is answered to one that may not, and which ACL lets it.

use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialDeletion;
use kafka_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_topic_partitions_request::TopicRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterUserScramCredentialsRequest, ConsumerGroupDescribeRequest, CreatePartitionsRequest,
    CreateTopicsRequest, DeleteGroupsRequest, DeleteRecordsRequest, DeleteTopicsRequest, DescribeClusterRequest,
    DescribeConfigsRequest, DescribeGroupsRequest, DescribeTopicPartitionsRequest, DescribeUserScramCredentialsRequest,
    FindCoordinatorRequest, GroupId, HeartbeatRequest, InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest,
    ListConfigResourcesRequest, ListGroupsRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest, SyncGroupRequest,
};
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeQuorumRequest, ListPartitionReassignmentsRequest};
use uuid::Uuid;

use super::acls::*;
use super::*;
use crate::each_broker::unique;
use crate::patience::ask_until;
use crate::records::{NOBODY, batch, fetch_request, name, only, produce_request};

/// COORDINATOR_LOAD_IN_PROGRESS, and what a real broker answers before it has a coordinator.
const LOADING: i16 = 14;

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn group(id: &str) -> GroupId {
    GroupId(text(id))
}

/// What the requests of one client are about.
pub(super) struct Names {
    pub(super) topic: String,
    pub(super) id: Uuid,
    pub(super) group: String,
}

/// Makes a topic that alice may not see.
pub(super) fn hidden_topic(client: &mut Client) -> Names {
    let topic = unique("secured");
    create_topic(client, &topic, false);
    let metadata = MetadataRequestTopic::default().with_name(Some(name(&topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![metadata]));
    let made = ask_until(|| client.call(12, &request).topics.remove(0), |topic| topic.error_code == 0);
    let names = Names { topic, id: made.topic_id, group: unique("secured") };
    // A real broker has no coordinator before somebody asks for one.
    ask_until(
        || (offset_fetch(client, &names, true), coordinator(client, 4, &names.group, 0)),
        |(fetched, found)| fetched == "0" && found.starts_with("0 "),
    );
    names
}

fn create_topic(client: &mut Client, topic: &str, validate_only: bool) -> String {
    let new = CreatableTopic::default().with_name(name(topic)).with_num_partitions(1).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_validate_only(validate_only);
    let made = &client.call(7, &request.with_timeout_ms(10_000)).topics[0];
    let configs = made.configs.as_ref().map_or(-1, |configs| i32::from(!configs.is_empty()));
    let text = made.error_message.as_deref();
    format!("{} {text:?} configs {} {configs} {}", made.error_code, made.topic_config_error_code, made.num_partitions)
}

fn metadata(client: &mut Client, topic: Option<MetadataRequestTopic>) -> String {
    let request = MetadataRequest::default()
        .with_topics(topic.map(|topic| vec![topic]))
        .with_allow_auto_topic_creation(true)
        .with_include_topic_authorized_operations(true);
    let told = client.call(12, &request).topics;
    let told = told.iter().map(|topic| {
        let named = if topic.name.is_some() { "named" } else { "nameless" };
        let id = if topic.topic_id.is_nil() { "-" } else { "id" };
        format!("{} {named} {id} {} {}", topic.error_code, topic.partitions.len(), topic.topic_authorized_operations)
    });
    told.collect::<Vec<_>>().join(", ")
}

fn list_offsets(client: &mut Client, topic: &str) -> String {
    let partition = ListOffsetsPartition::default().with_timestamp(-1).with_current_leader_epoch(-1);
    let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let found =
        client.call(7, &ListOffsetsRequest::default().with_topics(vec![topic])).topics.remove(0).partitions.remove(0);
    format!("{} {}", found.error_code, found.offset)
}

fn offset_commit(client: &mut Client, names: &Names) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(0).with_committed_leader_epoch(-1);
    let topic = OffsetCommitRequestTopic::default().with_name(name(&names.topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group(&names.group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    client.call(8, &request).topics[0].partitions[0].error_code
}

fn offset_fetch(client: &mut Client, names: &Names, all: bool) -> String {
    let topic = OffsetFetchRequestTopics::default().with_name(name(&names.topic)).with_partition_indexes(vec![0]);
    let asked =
        OffsetFetchRequestGroup::default().with_group_id(group(&names.group)).with_topics((!all).then(|| vec![topic]));
    let found = client.call(8, &OffsetFetchRequest::default().with_groups(vec![asked])).groups.remove(0);
    let partitions = found.topics.iter().flat_map(|topic| &topic.partitions);
    let partitions = partitions.map(|one| format!(" {} {} {:?}", one.error_code, one.committed_offset, one.metadata));
    format!("{}{}", found.error_code, partitions.collect::<String>())
}

pub(super) fn coordinator(client: &mut Client, version: i16, key: &str, kind: i8) -> String {
    let request = FindCoordinatorRequest::default().with_key_type(kind);
    if version >= 4 {
        let found = client.call(version, &request.with_coordinator_keys(vec![text(key)])).coordinators.remove(0);
        return format!("{} {:?} {}", found.error_code, found.error_message.as_deref(), found.port == -1);
    }
    let found = client.call(version, &request.with_key(text(key)));
    format!("{} {:?} {}", found.error_code, found.error_message.as_deref(), found.port == -1)
}

fn describe_configs(client: &mut Client, kind: i8, resource: &str) -> String {
    let asked = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(None);
    let told = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![asked])).results.remove(0);
    format!("{} {:?} {}", told.error_code, told.error_message.as_deref(), told.configs.is_empty())
}

fn alter_configs(client: &mut Client, kind: i8, resource: &str) -> String {
    let asked = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(resource));
    let request = AlterConfigsRequest::default().with_resources(vec![asked]).with_validate_only(true);
    let told = client.call(2, &request).responses.remove(0);
    format!("{} {:?}", told.error_code, told.error_message.as_deref())
}

fn delete_topic(client: &mut Client, topic: Option<&str>, id: Uuid) -> String {
    let asked = DeleteTopicState::default().with_name(topic.map(name)).with_topic_id(id);
    let request = DeleteTopicsRequest::default().with_topics(vec![asked]).with_timeout_ms(10_000);
    let told = client.call(6, &request).responses.remove(0);
    let (named, id) = (told.name.is_some(), !told.topic_id.is_nil());
    format!("{} {:?} named {named} id {id}", told.error_code, told.error_message.as_deref())
}

fn described_group(client: &mut Client, id: &str) -> String {
    let request =
        DescribeGroupsRequest::default().with_groups(vec![group(id)]).with_include_authorized_operations(true);
    let told = client.call(6, &request).groups.remove(0);
    let (text, state) = (told.error_message.as_deref(), told.group_state);
    format!("{} {text:?} {state:?} {}", told.error_code, told.authorized_operations)
}

fn init_producer_id(client: &mut Client, transactional_id: Option<&str>) -> String {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(transactional_id.map(|id| text(id).into()))
        .with_transaction_timeout_ms(1000);
    // A real broker may still be loading what it coordinates.
    let told = ask_until(|| client.call(4, &request), |told| told.error_code != LOADING);
    format!("{} {}", told.error_code, told.producer_id.0 == -1)
}

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

/// What one client is answered to what is about the whole cluster, or about a transactional id.
fn of_cluster(client: &mut Client, id: &str) -> Vec<String> {
    let cluster = client.call(
        1,
        &DescribeClusterRequest::default().with_endpoint_type(1).with_include_cluster_authorized_operations(true),
    );
    let metadata =
        MetadataRequest::default().with_topics(Some(Vec::new())).with_include_cluster_authorized_operations(true);
    let scram = client.call(0, &DescribeUserScramCredentialsRequest::default());
    let stranger = ScramCredentialDeletion::default().with_name(text("nobody")).with_mechanism(1);
    let altered = client.call(0, &AlterUserScramCredentialsRequest::default().with_deletions(vec![stranger]));
    let reassignments = client.call(0, &ListPartitionReassignmentsRequest::default().with_topics(None));
    let quorum = client.call(1, &DescribeQuorumRequest::default());
    let lines = [
        ("cluster", cluster.cluster_authorized_operations.to_string()),
        ("metadata", client.call(9, &metadata).cluster_authorized_operations.to_string()),
        ("config resources", client.call(1, &ListConfigResourcesRequest::default()).error_code.to_string()),
        ("broker configs", describe_configs(client, 4, "1")),
        ("alter broker configs", alter_configs(client, 4, "1")),
        ("scram users", format!("{} {:?}", scram.error_code, scram.error_message.is_some())),
        ("alter scram users", altered.results[0].error_code.to_string()),
        ("log dirs", client.call(4, &DescribeLogDirsRequest::default()).error_code.to_string()),
        ("reassignments", reassignments.error_code.to_string()),
        ("quorum", quorum.error_code.to_string()),
        ("groups", client.call(4, &ListGroupsRequest::default()).error_code.to_string()),
        ("idempotent producer", init_producer_id(client, None)),
        (
            "transactional producer",
            init_producer_id(client, Some(id))
                .split(' ')
                .next()
                .map(|code| code == "53")
                .map_or(String::new(), |denied| format!("denied {denied}")),
        ),
        (
            "transaction coordinator",
            coordinator(client, 4, id, 1)
                .split(' ')
                .next()
                .map(|code| code == "53")
                .map_or(String::new(), |denied| format!("denied {denied}")),
        ),
    ];
    lines.into_iter().map(|(asked, answered)| format!("{asked}: {answered}")).collect()
}

fn compare(seen: &[String], expected: &str) {
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    let differences: Vec<_> =
        seen.iter().zip(&expected).filter(|(seen, expected)| seen.as_str() != **expected).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert_eq!(seen.len(), expected.len());
}

// As a real Apache Kafka 4.1.1 was seen to answer.

/// Who may do nothing.
const NOTHING: &str = r#"
metadata: 29 named - 0 -2147483648
metadata by id: 29 nameless id 0 -2147483648
metadata of a new topic: 29 named - 0 -2147483648
produce: 29 None
produce by id: 29
produce by an unknown id: 100
fetch: 29
fetch by id: 29
list offsets: 29 -1
epochs: 29 -1
delete records: [(29, -1)]
create a topic: 29 Some("Authorization failed.") configs 0 0 -1
create partitions: 29 None
topic partitions: 29 0 -2147483648
topic configs: 29 Some("Topic authorization failed.") true
alter topic configs: 29 Some("Topic authorization failed.")
group configs: 30 Some("Group authorization failed.") true
alter group configs: 30 Some("Group authorization failed.")
coordinator: 30 Some("Group authorization failed.") true
coordinators: 30 Some("") true
join: 30 true
sync: 30
heartbeat: 30
leave: 30
consumer heartbeat: 30 false
describe group: 30 None "" -2147483648
describe consumer group: 30 false
commit: 30
committed: 30
all committed: 30
delete offsets: 30 []
delete a group: 30
delete by id: 29 Some("Topic authorization failed.") named false id true
delete by name: 29 Some("Topic authorization failed.") named true id false
delete what is not there: 29 Some("Topic authorization failed.") named true id false
"#;

/// Who may describe the topic and the group.
const DESCRIBES: &str = r#"
metadata: 0 named id 1 256
metadata by id: 0 named id 1 256
metadata of a new topic: 29 named - 0 -2147483648
produce: 29 None
produce by id: 29
produce by an unknown id: 100
fetch: 29
fetch by id: 29
list offsets: 0 0
epochs: 0 0
delete records: [(29, -1)]
create a topic: 29 Some("Authorization failed.") configs 0 0 -1
create partitions: 29 None
topic partitions: 0 1 256
topic configs: 29 Some("Topic authorization failed.") true
alter topic configs: 29 Some("Topic authorization failed.")
group configs: 30 Some("Group authorization failed.") true
alter group configs: 30 Some("Group authorization failed.")
coordinator: 0 Some("NONE") false
coordinators: 0 Some("") false
join: 30 true
sync: 30
heartbeat: 30
leave: 30
consumer heartbeat: 30 false
describe group: 69 Some("Group G not found.") "Dead" -2147483648
describe consumer group: 69 true
commit: 30
committed: 0 0 -1 Some("")
all committed: 0
delete offsets: 30 []
delete a group: 30
delete by id: 29 Some("Topic authorization failed.") named true id true
delete by name: 29 Some("Topic authorization failed.") named true id false
delete what is not there: 29 Some("Topic authorization failed.") named true id false
"#;

/// Who may read them.
const READS: &str = r#"
metadata: 0 named id 1 264
metadata by id: 0 named id 1 264
metadata of a new topic: 29 named - 0 -2147483648
produce: 29 None
produce by id: 29
produce by an unknown id: 100
fetch: 0
fetch by id: 0
list offsets: 0 0
epochs: 0 0
delete records: [(29, -1)]
create a topic: 29 Some("Authorization failed.") configs 0 0 -1
create partitions: 29 None
topic partitions: 0 1 264
topic configs: 29 Some("Topic authorization failed.") true
alter topic configs: 29 Some("Topic authorization failed.")
group configs: 30 Some("Group authorization failed.") true
alter group configs: 30 Some("Group authorization failed.")
coordinator: 0 Some("NONE") false
coordinators: 0 Some("") false
join: 23 true
sync: 25
heartbeat: 25
leave: 0
consumer heartbeat: 69 true
describe group: 0 None "Empty" 264
describe consumer group: 69 true
commit: 0
committed: 0 0 0 Some("")
all committed: 0 0 0 Some("")
delete offsets: 30 []
delete a group: 30
delete by id: 29 Some("Topic authorization failed.") named true id true
delete by name: 29 Some("Topic authorization failed.") named true id false
delete what is not there: 29 Some("Topic authorization failed.") named true id false
"#;

/// Who may write to the topic and describe the configs of both.
const WRITES: &str = r#"
metadata: 0 named id 1 1296
metadata by id: 0 named id 1 1296
metadata of a new topic: 29 named - 0 -2147483648
produce: 0 None
produce by id: 0
produce by an unknown id: 100
fetch: 29
fetch by id: 29
list offsets: 0 2
epochs: 0 2
delete records: [(29, -1)]
create a topic: 29 Some("Authorization failed.") configs 0 0 -1
create partitions: 29 None
topic partitions: 0 1 1296
topic configs: 0 Some("") false
alter topic configs: 29 Some("Topic authorization failed.")
group configs: 0 Some("") false
alter group configs: 30 Some("Group authorization failed.")
coordinator: 30 Some("Group authorization failed.") true
coordinators: 30 Some("") true
join: 30 true
sync: 30
heartbeat: 30
leave: 30
consumer heartbeat: 30 false
describe group: 30 None "" -2147483648
describe consumer group: 30 false
commit: 30
committed: 30
all committed: 30
delete offsets: 30 []
delete a group: 30
delete by id: 29 Some("Topic authorization failed.") named true id true
delete by name: 29 Some("Topic authorization failed.") named true id false
delete what is not there: 29 Some("Topic authorization failed.") named true id false
"#;

/// Who may change and delete them.
const CHANGES: &str = r#"
metadata: 0 named id 1 3520
metadata by id: 0 named id 1 3520
metadata of a new topic: 29 named - 0 -2147483648
produce: 29 None
produce by id: 29
produce by an unknown id: 100
fetch: 29
fetch by id: 29
list offsets: 0 0
epochs: 0 0
delete records: [(0, 0)]
create a topic: 29 Some("Authorization failed.") configs 0 0 -1
create partitions: 0 None
topic partitions: 0 1 3520
topic configs: 0 Some("") false
alter topic configs: 0 None
group configs: 0 Some("") false
alter group configs: 0 None
coordinator: 0 Some("NONE") false
coordinators: 0 Some("") false
join: 30 true
sync: 30
heartbeat: 30
leave: 30
consumer heartbeat: 30 false
describe group: 69 Some("Group G not found.") "Dead" -2147483648
describe consumer group: 69 true
commit: 30
committed: 0 0 -1 Some("")
all committed: 0
delete offsets: 69 []
delete a group: 69
delete by id: 0 None named true id true
delete by name: 3 Some("This server does not host this topic-partition.") named true id false
delete what is not there: 29 Some("Topic authorization failed.") named true id false
"#;

#[test]
fn who_may_nothing_is_told_nothing() {
    on_each_secured_broker(|admin, address| {
        let names = hidden_topic(admin);
        compare(&everything(&mut logged_in(address, "alice"), &names), NOTHING);
    });
}

#[test]
fn who_may_something_is_told_that() {
    on_each_secured_broker(|admin, address| {
        for (topic_operations, group_operations, expected) in [
            (&[DESCRIBE][..], &[DESCRIBE][..], DESCRIBES),
            (&[READ], &[READ], READS),
            (&[WRITE, DESCRIBE_CONFIGS], &[DESCRIBE_CONFIGS], WRITES),
            (&[DELETE, ALTER, ALTER_CONFIGS], &[DELETE, ALTER_CONFIGS], CHANGES),
        ] {
            let names = hidden_topic(admin);
            let on_topic = topic_operations.iter().map(|operation| allow("alice", *operation, TOPIC, &names.topic));
            let on_group = group_operations.iter().map(|operation| allow("alice", *operation, GROUP, &names.group));
            grant(admin, &on_topic.chain(on_group).collect::<Vec<_>>());
            compare(&everything(&mut logged_in(address, "alice"), &names), expected);
        }
    });
}

/// Who may nothing.
const NO_CLUSTER: &str = r#"
cluster: 0
metadata: 0
config resources: 31
broker configs: 31 Some("Cluster authorization failed.") true
alter broker configs: 31 Some("Cluster authorization failed.")
scram users: 31 false
alter scram users: 31
log dirs: 31
reassignments: 31
quorum: 31
groups: 0
idempotent producer: 31 true
transactional producer: denied true
transaction coordinator: denied true
"#;

/// Who may describe the cluster and describe its configs.
const SEES_CLUSTER: &str = r#"
cluster: 1280
metadata: 1280
config resources: 0
broker configs: 0 Some("") false
alter broker configs: 31 Some("Cluster authorization failed.")
scram users: 0 true
alter scram users: 31
log dirs: 0
reassignments: 0
quorum: 0
groups: 0
idempotent producer: 31 true
transactional producer: denied true
transaction coordinator: denied true
"#;

/// Who may alter the cluster and its configs, and write idempotently and by a transactional id.
const CHANGES_CLUSTER: &str = r#"
cluster: 7552
metadata: 7552
config resources: 0
broker configs: 0 Some("") false
alter broker configs: 0 None
scram users: 0 true
alter scram users: 91
log dirs: 0
reassignments: 0
quorum: 0
groups: 0
idempotent producer: 0 false
transactional producer: denied false
transaction coordinator: denied false
"#;

#[test]
fn what_is_about_the_cluster_asks_for_the_cluster() {
    on_each_secured_broker(|admin, address| {
        // A user nobody else makes ACLs for, as there is one cluster for all tests.
        let id = unique("transaction");
        let carol = unique("carol");
        let mut client = logged_in_by_token(address, &carol);
        compare(&of_cluster(&mut client, &id), NO_CLUSTER);
        let on_cluster = |operations: &[i8]| {
            operations.iter().map(|operation| allow(&carol, *operation, CLUSTER, "kafka-cluster")).collect::<Vec<_>>()
        };
        grant(admin, &on_cluster(&[DESCRIBE, DESCRIBE_CONFIGS]));
        compare(&of_cluster(&mut client, &id), SEES_CLUSTER);
        let mut acls = on_cluster(&[ALTER, ALTER_CONFIGS, IDEMPOTENT_WRITE]);
        acls.push(allow(&carol, WRITE, TRANSACTIONAL_ID, &id));
        grant(admin, &acls);
        compare(&of_cluster(&mut client, &id), CHANGES_CLUSTER);
    });
}
