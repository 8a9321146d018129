//! What changes topics: CreateTopics, DeleteTopics, CreatePartitions, IncrementalAlterConfigs, DeleteRecords.

use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
    IncrementalAlterConfigsRequest,
};

use super::step::FORMER;
use super::world::World;
use crate::topics::{self, text};

const TOPIC_RESOURCE: i8 = 2;
const TIMEOUT_MS: i32 = 60_000;
const SET: i8 = 0;
const DELETE: i8 = 1;

impl World {
    pub(super) fn create(
        &mut self,
        version: i16,
        topic: usize,
        partitions: i32,
        config: Option<(&str, &str)>,
        validate_only: bool,
    ) -> String {
        let config = config
            .map(|(key, value)| CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value))));
        let new = CreatableTopic::default()
            .with_name(self.topic_name(topic))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(config.into_iter().collect());
        let request = CreateTopicsRequest::default()
            .with_topics(vec![new])
            .with_timeout_ms(TIMEOUT_MS)
            .with_validate_only(validate_only);
        let mut answer = self.call(version, &request);
        let result = &mut answer.topics[0];
        if let Some(configs) = &mut result.configs {
            configs.sort_by_key(|config| config.name.clone());
        }
        if result.error_code == 0 && !validate_only {
            let id = result.topic_id;
            topics::await_partitions(&mut self.client, &self.topics[topic].name, partitions);
            // Old versions do not tell the id.
            let id = if id.is_nil() { topics::id(&mut self.client, &self.topics[topic].name) } else { id };
            self.has_topic(topic, id, partitions);
            self.barrier.pass(&mut self.client);
        }
        format!("{answer:?}")
    }

    pub(super) fn delete(&mut self, version: i16, topic: usize, by_id: bool) -> String {
        let gone = match version {
            ..=5 => return self.delete_by_name(version, topic),
            6.. if by_id => DeleteTopicState::default().with_name(None).with_topic_id(self.topic_id(topic)),
            _ => DeleteTopicState::default().with_name(Some(self.topic_name(topic))),
        };
        let request = DeleteTopicsRequest::default().with_topics(vec![gone]).with_timeout_ms(TIMEOUT_MS);
        let answer = self.call(version, &request);
        self.deleted(topic, answer.responses[0].error_code);
        format!("{answer:?}")
    }

    fn delete_by_name(&mut self, version: i16, topic: usize) -> String {
        let names = vec![self.topic_name(topic)];
        let request = DeleteTopicsRequest::default().with_topic_names(names).with_timeout_ms(TIMEOUT_MS);
        let answer = self.call(version, &request);
        self.deleted(topic, answer.responses[0].error_code);
        format!("{answer:?}")
    }

    fn deleted(&mut self, topic: usize, code: i16) {
        if code == 0 && topic != FORMER {
            topics::await_absence(&mut self.client, &self.topics[topic].name);
            self.barrier.pass(&mut self.client);
            self.lost_topic(topic);
        }
    }

    pub(super) fn grow(&mut self, version: i16, topic: usize, count: i32, validate_only: bool) -> String {
        let more =
            CreatePartitionsTopic::default().with_name(self.topic_name(topic)).with_count(count).with_assignments(None);
        let request = CreatePartitionsRequest::default()
            .with_topics(vec![more])
            .with_timeout_ms(TIMEOUT_MS)
            .with_validate_only(validate_only);
        let answer = self.call(version, &request);
        if answer.results[0].error_code == 0 && !validate_only {
            topics::await_partitions(&mut self.client, &self.topics[topic].name, count);
            self.barrier.pass(&mut self.client);
        }
        format!("{answer:?}")
    }

    pub(super) fn alter(&mut self, topic: usize, config: &str, value: Option<&str>, validate_only: bool) -> String {
        let config = AlterableConfig::default()
            .with_name(text(config))
            .with_config_operation(if value.is_some() { SET } else { DELETE })
            .with_value(value.map(text));
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC_RESOURCE)
            .with_resource_name(self.topic_name(topic).0)
            .with_configs(vec![config]);
        let request =
            IncrementalAlterConfigsRequest::default().with_resources(vec![resource]).with_validate_only(validate_only);
        let answer = self.call(1, &request);
        self.barrier.pass(&mut self.client);
        format!("{answer:?}")
    }

    pub(super) fn delete_records(&mut self, version: i16, topic: usize, partitions: &[(i32, i64)]) -> String {
        let partition = |&(index, offset): &(i32, i64)| {
            DeleteRecordsPartition::default().with_partition_index(index).with_offset(offset)
        };
        self.cut.extend(partitions.iter().map(|(index, _)| (topic, *index)));
        let topic = DeleteRecordsTopic::default()
            .with_name(self.topic_name(topic))
            .with_partitions(partitions.iter().map(partition).collect());
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
        let mut answer = self.call(version, &request);
        answer.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|one| one.partition_index));
        format!("{answer:?}")
    }
}
