//! Requests, one a function, and what is seen of the answers.

use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics};
use kafka_protocol::messages::{
    AlterConfigsRequest, CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetFetchRequest,
};
use uuid::Uuid;

use super::*;
use crate::patience::ask_until;
use crate::records::name;

/// COORDINATOR_LOAD_IN_PROGRESS, and what a real broker answers before it has a coordinator.
const LOADING: i16 = 14;

pub(super) fn create_topic(client: &mut Client, topic: &str, validate_only: bool) -> String {
    let new = CreatableTopic::default().with_name(name(topic)).with_num_partitions(1).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_validate_only(validate_only);
    let made = &client.call(7, &request.with_timeout_ms(10_000)).topics[0];
    let configs = made.configs.as_ref().map_or(-1, |configs| i32::from(!configs.is_empty()));
    let text = made.error_message.as_deref();
    format!("{} {text:?} configs {} {configs} {}", made.error_code, made.topic_config_error_code, made.num_partitions)
}

pub(super) fn metadata(client: &mut Client, topic: Option<MetadataRequestTopic>) -> String {
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

pub(super) fn list_offsets(client: &mut Client, topic: &str) -> String {
    let partition = ListOffsetsPartition::default().with_timestamp(-1).with_current_leader_epoch(-1);
    let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
    let found =
        client.call(7, &ListOffsetsRequest::default().with_topics(vec![topic])).topics.remove(0).partitions.remove(0);
    format!("{} {}", found.error_code, found.offset)
}

pub(super) fn offset_commit(client: &mut Client, names: &Names) -> i16 {
    let partition = OffsetCommitRequestPartition::default().with_committed_offset(0).with_committed_leader_epoch(-1);
    let topic = OffsetCommitRequestTopic::default().with_name(name(&names.topic)).with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group(&names.group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![topic]);
    client.call(8, &request).topics[0].partitions[0].error_code
}

pub(super) fn offset_fetch(client: &mut Client, names: &Names, all: bool) -> String {
    let topic = OffsetFetchRequestTopics::default().with_name(name(&names.topic)).with_partition_indexes(vec![0]);
    let asked =
        OffsetFetchRequestGroup::default().with_group_id(group(&names.group)).with_topics((!all).then(|| vec![topic]));
    let found = client.call(8, &OffsetFetchRequest::default().with_groups(vec![asked])).groups.remove(0);
    let partitions = found.topics.iter().flat_map(|topic| &topic.partitions);
    let partitions = partitions.map(|one| format!(" {} {} {:?}", one.error_code, one.committed_offset, one.metadata));
    format!("{}{}", found.error_code, partitions.collect::<String>())
}

pub(in super::super) fn coordinator(client: &mut Client, version: i16, key: &str, kind: i8) -> String {
    let request = FindCoordinatorRequest::default().with_key_type(kind);
    if version >= 4 {
        let found = client.call(version, &request.with_coordinator_keys(vec![text(key)])).coordinators.remove(0);
        return format!("{} {:?} {}", found.error_code, found.error_message.as_deref(), found.port == -1);
    }
    let found = client.call(version, &request.with_key(text(key)));
    format!("{} {:?} {}", found.error_code, found.error_message.as_deref(), found.port == -1)
}

pub(super) fn describe_configs(client: &mut Client, kind: i8, resource: &str) -> String {
    let asked = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(resource))
        .with_configuration_keys(None);
    let told = client.call(4, &DescribeConfigsRequest::default().with_resources(vec![asked])).results.remove(0);
    format!("{} {:?} {}", told.error_code, told.error_message.as_deref(), told.configs.is_empty())
}

pub(super) fn alter_configs(client: &mut Client, kind: i8, resource: &str) -> String {
    let asked = AlterConfigsResource::default().with_resource_type(kind).with_resource_name(text(resource));
    let request = AlterConfigsRequest::default().with_resources(vec![asked]).with_validate_only(true);
    let told = client.call(2, &request).responses.remove(0);
    format!("{} {:?}", told.error_code, told.error_message.as_deref())
}

pub(super) fn delete_topic(client: &mut Client, topic: Option<&str>, id: Uuid) -> String {
    let asked = DeleteTopicState::default().with_name(topic.map(name)).with_topic_id(id);
    let request = DeleteTopicsRequest::default().with_topics(vec![asked]).with_timeout_ms(10_000);
    let told = client.call(6, &request).responses.remove(0);
    let (named, id) = (told.name.is_some(), !told.topic_id.is_nil());
    format!("{} {:?} named {named} id {id}", told.error_code, told.error_message.as_deref())
}

pub(super) fn described_group(client: &mut Client, id: &str) -> String {
    let request =
        DescribeGroupsRequest::default().with_groups(vec![group(id)]).with_include_authorized_operations(true);
    let told = client.call(6, &request).groups.remove(0);
    let (text, state) = (told.error_message.as_deref(), told.group_state);
    format!("{} {text:?} {state:?} {}", told.error_code, told.authorized_operations)
}

pub(super) fn init_producer_id(client: &mut Client, transactional_id: Option<&str>) -> String {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(transactional_id.map(|id| text(id).into()))
        .with_transaction_timeout_ms(1000);
    // A real broker may still be loading what it coordinates.
    let told = ask_until(|| client.call(4, &request), |told| told.error_code != LOADING);
    format!("{} {}", told.error_code, told.producer_id.0 == -1)
}
