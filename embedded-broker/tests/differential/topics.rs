//! Topics as sequences need them: made and known to all parts of a broker before they are used.

use std::cell::Cell;

use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest,
    ListOffsetsRequest, MetadataRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::patience::{ask_until, comes_true};

const TOPIC_RESOURCE: i8 = 2;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(text(topic))
}

pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", Uuid::new_v4().simple())
}

/// Makes a topic; a real broker does not serve its partitions yet.
pub(crate) fn create(client: &mut Client, topic: &str, partitions: i32) -> Uuid {
    let new =
        CreatableTopic::default().with_name(name(topic)).with_num_partitions(partitions).with_replication_factor(1);
    let request = CreateTopicsRequest::default().with_topics(vec![new]).with_timeout_ms(60_000);
    let response = client.call(7, &request);
    assert_eq!(response.topics[0].error_code, 0, "{response:?}");
    response.topics[0].topic_id
}

/// The id of a topic.
pub(crate) fn id(client: &mut Client, topic: &str) -> Uuid {
    metadata(client, topic).topic_id
}

fn metadata(client: &mut Client, topic: &str) -> MetadataResponseTopic {
    let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
    let request = MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false);
    client.call(12, &request).topics.remove(0)
}

/// Waits until all partitions are served.
pub(crate) fn await_partitions(client: &mut Client, topic: &str, partitions: i32) {
    let latest = |index| {
        ListOffsetsPartition::default().with_partition_index(index).with_current_leader_epoch(-1).with_timestamp(-1)
    };
    let asked =
        ListOffsetsTopic::default().with_name(name(topic)).with_partitions((0..partitions).map(latest).collect());
    let request = ListOffsetsRequest::default().with_topics(vec![asked]);
    comes_true("the partitions are led", || {
        client.call(7, &request).topics[0].partitions.iter().all(|one| one.error_code == 0)
    });
}

pub(crate) fn delete(client: &mut Client, topic: &str) {
    let gone = DeleteTopicState::default().with_name(Some(name(topic)));
    client.call(6, &DeleteTopicsRequest::default().with_topics(vec![gone]).with_timeout_ms(60_000));
}

/// Waits until the broker does not know the topic any more.
pub(crate) fn await_absence(client: &mut Client, topic: &str) {
    ask_until(|| metadata(client, topic).error_code, |code| *code == UNKNOWN_TOPIC_OR_PARTITION);
}

/// A config that only serves to see whether all changes before have reached every part of the broker.
#[derive(Debug)]
pub(crate) struct Barrier {
    topic: String,
    turn: Cell<u64>,
}

impl Barrier {
    pub(crate) fn new(client: &mut Client) -> Self {
        let topic = unique("barrier");
        create(client, &topic, 1);
        let barrier = Self { topic, turn: Cell::new(0) };
        barrier.pass(client);
        barrier
    }

    /// Waits until everything the controller has confirmed is in force. A broker takes up changes one after the other, and
    /// tells of each before all of its parts know it: so the one that is told of second is looked for.
    pub(crate) fn pass(&self, client: &mut Client) {
        for _ in 0..2 {
            self.turn.set(self.turn.get() + 1);
            let value = format!("{}", 1_000_000 + self.turn.get());
            let config = AlterableConfig::default().with_name(text("segment.ms")).with_value(Some(text(&value)));
            let resource = AlterConfigsResource::default()
                .with_resource_type(TOPIC_RESOURCE)
                .with_resource_name(text(&self.topic))
                .with_configs(vec![config]);
            client.call(1, &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]));
            self.await_value(client, &value);
        }
    }

    fn await_value(&self, client: &mut Client, value: &str) {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(text(&self.topic))
            .with_configuration_keys(Some(vec![text("segment.ms")]));
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        comes_true("the change has reached every part of the broker", || {
            let result = client.call(4, &request).results.remove(0);
            result.configs.first().is_some_and(|config| config.value.as_deref() == Some(value))
        });
    }
}
