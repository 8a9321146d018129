//! Committed offsets: OffsetCommit, OffsetFetch, OffsetDelete.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::{OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest};
use kafka_protocol::protocol::StrBytes;

use super::step::{Commit, is_consumer};
use super::world::World;
use crate::topics::text;

impl World {
    pub(super) fn commit(&mut self, commit: &Commit) -> String {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(commit.partition)
            .with_committed_offset(commit.offset)
            .with_committed_leader_epoch(if commit.version >= 6 { 0 } else { -1 })
            .with_committed_metadata(commit.metadata.clone().map(StrBytes::from_string));
        let topic = OffsetCommitRequestTopic::default()
            .with_name(self.topic_name(commit.topic))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default().with_group_id(self.group_id()).with_topics(vec![topic]);
        let request = match commit.client {
            Some(client) => request
                .with_member_id(text(&self.members[client].id))
                .with_generation_id_or_member_epoch(self.members[client].epoch + commit.generation)
                .with_group_instance_id(Self::instance(client).filter(|_| commit.version >= 7 && !is_consumer(client))),
            None => request.with_generation_id_or_member_epoch(-1),
        };
        let answer = self.call(commit.version, &request);
        format!("{answer:?}")
    }

    pub(super) fn fetch(&mut self, version: i16, client: Option<usize>, epoch: i32, all: bool, stable: bool) -> String {
        self.settle();
        let indexes = vec![0, 1, 11, 12];
        if version < 8 {
            let topic = |n| {
                OffsetFetchRequestTopic::default().with_name(self.topic_name(n)).with_partition_indexes(indexes.clone())
            };
            let topics = (!all || version < 2).then(|| (0..3).map(topic).collect());
            let request = OffsetFetchRequest::default()
                .with_group_id(self.group_id())
                .with_require_stable(stable && version >= 7)
                .with_topics(topics);
            let mut answer = self.call(version, &request);
            answer.topics.sort_by_key(|topic| topic.name.clone());
            answer.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|p| p.partition_index));
            return format!("{answer:?}");
        }
        let topic = |n| {
            OffsetFetchRequestTopics::default().with_name(self.topic_name(n)).with_partition_indexes(indexes.clone())
        };
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(self.group_id())
            .with_topics((!all).then(|| (0..3).map(topic).collect()));
        let group = match client.filter(|_| version >= 9) {
            Some(client) => group
                .with_member_id(Some(text(&self.members[client].id)))
                .with_member_epoch(self.members[client].epoch + epoch),
            None => group,
        };
        let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(stable);
        let mut answer = self.call(version, &request);
        for group in &mut answer.groups {
            group.topics.sort_by_key(|topic| topic.name.clone());
            group.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|p| p.partition_index));
        }
        format!("{answer:?}")
    }

    pub(super) fn delete_offsets(&mut self, topic: usize) -> String {
        let partitions = [0, 1, 12].map(|index| OffsetDeleteRequestPartition::default().with_partition_index(index));
        let topic =
            OffsetDeleteRequestTopic::default().with_name(self.topic_name(topic)).with_partitions(partitions.to_vec());
        let request = OffsetDeleteRequest::default().with_group_id(self.group_id()).with_topics(vec![topic]);
        let mut answer = self.call(0, &request);
        // Kafka answers first for partitions that do not exist.
        answer.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|p| p.partition_index));
        format!("{answer:?}")
    }
}
