//! Offsets of a group without members: TxnOffsetCommit, OffsetCommit, OffsetFetch, OffsetDelete, DeleteGroups, ListGroups.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    DeleteGroupsRequest, ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
    TxnOffsetCommitRequest,
};

use super::step::Stage;
use super::world::World;
use crate::patience::ask_until;
use crate::topics::text;

const CONCURRENT_TRANSACTIONS: i16 = 51;
const ASKED: [i32; 3] = [0, 1, 2];

impl World {
    pub(super) fn stage(&mut self, stage: Stage) -> String {
        let (id, epoch) = self.identity(stage.producer, stage.epoch);
        let partition = TxnOffsetCommitRequestPartition::default()
            .with_partition_index(stage.partition)
            .with_committed_offset(stage.offset)
            .with_committed_metadata(Some(text("noted")));
        let topic =
            TxnOffsetCommitRequestTopic::default().with_name(self.topic_name()).with_partitions(vec![partition]);
        let mut request = TxnOffsetCommitRequest::default()
            .with_transactional_id(self.id_of(stage.producer))
            .with_group_id(self.group_id())
            .with_producer_id(id)
            .with_producer_epoch(epoch)
            .with_topics(vec![topic]);
        if stage.version >= 3 {
            request = request.with_generation_id(stage.generation);
        }
        let answer = ask_until(
            || self.client.call_alone(stage.version, &request),
            |answer| answer.topics[0].partitions[0].error_code != CONCURRENT_TRANSACTIONS,
        );
        format!("{answer:?}")
    }

    pub(super) fn commit_offset(&mut self, version: i16, partition: i32, offset: i64) -> String {
        let partition =
            OffsetCommitRequestPartition::default().with_partition_index(partition).with_committed_offset(offset);
        let topic = OffsetCommitRequestTopic::default().with_name(self.topic_name()).with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![topic]);
        let answer = self.call(version, &request);
        format!("{answer:?}")
    }

    pub(super) fn fetch_offsets(&mut self, version: i16, all: bool, stable: bool) -> String {
        self.stable_offsets_code();
        let topic_name = self.topic_name();
        if version >= 8 {
            let topic =
                OffsetFetchRequestTopics::default().with_name(topic_name).with_partition_indexes(ASKED.to_vec());
            let group = OffsetFetchRequestGroup::default()
                .with_group_id(self.group_id())
                .with_topics((!all).then(|| vec![topic]));
            let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(stable);
            let mut answer = self.call(version, &request);
            for topic in answer.groups.iter_mut().flat_map(|group| &mut group.topics) {
                topic.partitions.sort_by_key(|one| one.partition_index);
            }
            return format!("{answer:?}");
        }
        let topic = OffsetFetchRequestTopic::default().with_name(topic_name).with_partition_indexes(ASKED.to_vec());
        let request = OffsetFetchRequest::default()
            .with_group_id(self.group_id())
            .with_require_stable(stable && version >= 7)
            .with_topics((!all || version < 2).then(|| vec![topic]));
        let mut answer = self.call(version, &request);
        answer.topics.iter_mut().for_each(|topic| topic.partitions.sort_by_key(|one| one.partition_index));
        format!("{answer:?}")
    }

    /// Asks for stable offsets: a real coordinator shows what it has written a little after it said so, and only this
    /// waits for it.
    pub(super) fn stable_offsets_code(&mut self) -> i16 {
        let group = OffsetFetchRequestGroup::default().with_group_id(self.group_id()).with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![group]).with_require_stable(true);
        self.call(8, &request).groups[0].error_code
    }

    pub(super) fn delete_offset(&mut self, partition: i32) -> String {
        let partition = OffsetDeleteRequestPartition::default().with_partition_index(partition);
        let topic = OffsetDeleteRequestTopic::default().with_name(self.topic_name()).with_partitions(vec![partition]);
        let request = OffsetDeleteRequest::default().with_group_id(self.group_id()).with_topics(vec![topic]);
        let answer = self.call(0, &request);
        format!("{answer:?}")
    }

    pub(super) fn delete_group(&mut self, version: i16) -> String {
        let request = DeleteGroupsRequest::default().with_groups_names(vec![self.group_id()]);
        let answer = self.call(version, &request);
        format!("{answer:?}")
    }

    pub(super) fn list_groups(&mut self, version: i16) -> String {
        self.stable_offsets_code();
        let mut answer = self.call(version, &ListGroupsRequest::default());
        answer.groups.retain(|group| *group.group_id.0 == *self.group);
        format!("{answer:?}")
    }
}
