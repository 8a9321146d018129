//! Looks at a log: ListOffsets, OffsetForLeaderEpoch, DescribeProducers, Metadata.

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic};
use kafka_protocol::messages::{
    BrokerId, DescribeProducersRequest, ListOffsetsRequest, MetadataRequest, OffsetForLeaderEpochRequest,
};

use super::step::{Asked, FORMER};
use super::world::World;
use crate::shown;

const MAX_TIMESTAMP: i64 = -3;

impl World {
    pub(super) fn list_offsets(&mut self, version: i16, isolation: i8, asked: &[Asked]) -> Option<String> {
        // Of the highest time a real broker tells also if its record was deleted, as long as the segment is there.
        if asked.iter().any(|one| one.time == Ok(MAX_TIMESTAMP) && self.cut.contains(&(one.topic, one.partition))) {
            return None;
        }
        let topic = |asked: &Asked| {
            let partition = ListOffsetsPartition::default()
                .with_partition_index(asked.partition)
                .with_current_leader_epoch(asked.leader_epoch)
                .with_timestamp(asked.time.unwrap_or_else(|distance| shown::present() + distance));
            ListOffsetsTopic::default().with_name(self.topic_name(asked.topic)).with_partitions(vec![partition])
        };
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(if version >= 2 { isolation } else { 0 })
            .with_topics(asked.iter().map(topic).collect());
        let mut answer = self.call(version, &request);
        let mut found = Vec::new();
        for topic in std::mem::take(&mut answer.topics) {
            for one in topic.partitions {
                let (name, time) = (self.names.meaning(&topic.name), shown::time(one.timestamp));
                let (index, code, offset, epoch) = (one.partition_index, one.error_code, one.offset, one.leader_epoch);
                found.push(format!("{name} {index}: {code} {offset} {time} {epoch}"));
            }
        }
        // A real broker tells what it refuses first.
        found.sort();
        Some(format!("{found:?} {answer:?}"))
    }

    pub(super) fn epoch_end(
        &mut self,
        version: i16,
        topic: usize,
        partition: i32,
        current_epoch: i32,
        epoch: i32,
    ) -> String {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(partition)
            .with_current_leader_epoch(current_epoch)
            .with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default().with_topic(self.topic_name(topic)).with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
        let request = if version >= 3 { request.with_replica_id(BrokerId(-1)) } else { request };
        let answer = self.call(version, &request);
        format!("{answer:?}")
    }

    pub(super) fn describe_producers(&mut self, topic: usize, partition: i32) -> String {
        let topic = TopicRequest::default().with_name(self.topic_name(topic)).with_partition_indexes(vec![partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![topic]);
        let mut answer = self.call(0, &request);
        let mut times = Vec::new();
        for partition in answer.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            partition.active_producers.sort_by_key(|producer| producer.producer_id);
            for producer in &mut partition.active_producers {
                times.push(shown::time(std::mem::take(&mut producer.last_timestamp)));
            }
        }
        format!("{times:?} {answer:?}")
    }

    /// Old versions make a topic that is not there.
    pub(super) fn metadata(&mut self, version: i16, topic: usize, by_id: bool) -> Option<String> {
        if topic == FORMER || (version < 4 && self.topics[topic].id.is_nil()) {
            return None;
        }
        let asked = match version {
            // Version 11 has ids and forbids them.
            12.. if by_id => MetadataRequestTopic::default().with_name(None).with_topic_id(self.topic_id(topic)),
            _ => MetadataRequestTopic::default().with_name(Some(self.topic_name(topic))),
        };
        let request = MetadataRequest::default().with_topics(Some(vec![asked]));
        let request = if version >= 4 { request.with_allow_auto_topic_creation(false) } else { request };
        let mut answer = self.call(version, &request);
        for topic in &mut answer.topics {
            topic.partitions.sort_by_key(|partition| partition.partition_index);
        }
        Some(format!("{} {:?} controller {:?}", answer.error_code, answer.topics, answer.controller_id))
    }
}
