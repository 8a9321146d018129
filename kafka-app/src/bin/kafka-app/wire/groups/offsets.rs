//! The offsets that a group has committed: read, set and forgotten.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::{
    messages::{
        GroupId, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetFetchRequest,
        OffsetFetchResponse, TopicName,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
        offset_fetch_request::OffsetFetchRequestGroup,
    },
    protocol::StrBytes,
};

use crate::wire::{Cluster, KafkaError, Target, TopicPartition, WireError};

/// The first version of OffsetFetch that has groups, where older ones have one.
const HAS_GROUPS: i16 = 8;

/// It loads what it knows, is not there, or is another node by now.
const COORDINATOR_ERRORS: [i16; 3] = [14, 15, 16];

/// A position that a group has committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: Option<i32>,
}

impl Cluster {
    /// What a group has committed; partitions for which it has nothing are left out.
    ///
    /// # Errors
    /// The group may not be seen, or its coordinator does not answer in time.
    pub(crate) async fn committed_offsets(
        &self,
        group: &str,
    ) -> Result<BTreeMap<TopicPartition, CommittedOffset>, WireError> {
        self.retrying("listConsumerGroupOffsets", async || {
            committed(&self.send(Target::Group(group), |version| fetch(version, group)).await?)
        })
        .await
    }

    /// Sets the offsets of a group without members, which is made if there is none.
    ///
    /// # Errors
    /// One of them was refused, or the coordinator does not answer in time.
    pub(crate) async fn commit_offsets(
        &self,
        group: &str,
        offsets: &BTreeMap<TopicPartition, i64>,
    ) -> Result<(), WireError> {
        let topics = by_topic(offsets, |partition, &offset| {
            OffsetCommitRequestPartition::default()
                .with_partition_index(partition)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(-1)
                .with_committed_metadata(Some(StrBytes::default()))
        });
        let topic =
            |(name, partitions)| OffsetCommitRequestTopic::default().with_name(name).with_partitions(partitions);
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(group))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(topics.into_iter().map(topic).collect());
        let refused = self.retrying("alterConsumerGroupOffsets", async || {
            let answer = self.send(Target::Group(group), |_| request.clone()).await?;
            match refused(&answer) {
                Some(error) if COORDINATOR_ERRORS.contains(&error.code()) => Err(error.into()),
                // A topic that is not there will not come by waiting.
                refused => Ok(refused),
            }
        });
        refused.await?.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Forgets offsets of a group, and says of each partition whether that was done.
    ///
    /// # Errors
    /// Nothing was done at all.
    pub(crate) async fn delete_offsets(
        &self,
        group: &str,
        partitions: &BTreeSet<TopicPartition>,
    ) -> Result<BTreeMap<TopicPartition, Result<(), KafkaError>>, WireError> {
        let named: BTreeMap<TopicPartition, ()> = partitions.iter().cloned().map(|partition| (partition, ())).collect();
        let topics =
            by_topic(&named, |partition, ()| OffsetDeleteRequestPartition::default().with_partition_index(partition));
        let topic =
            |(name, partitions)| OffsetDeleteRequestTopic::default().with_name(name).with_partitions(partitions);
        let request = OffsetDeleteRequest::default()
            .with_group_id(group_id(group))
            .with_topics(topics.into_iter().map(topic).collect());
        self.retrying("deleteConsumerGroupOffsets", async || {
            let answer = self.send(Target::Group(group), |_| request.clone()).await?;
            KafkaError::check(answer.error_code, None)?;
            let mut done = BTreeMap::new();
            for topic in &answer.topics {
                for partition in &topic.partitions {
                    let key = (topic.name.as_str().to_owned(), partition.partition_index);
                    done.insert(key, KafkaError::check(partition.error_code, None));
                }
            }
            Ok(done)
        })
        .await
    }
}

fn group_id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}

fn fetch(version: i16, group: &str) -> OffsetFetchRequest {
    let group = group_id(group);
    match version {
        ..HAS_GROUPS => OffsetFetchRequest::default().with_group_id(group).with_topics(None),
        _ => OffsetFetchRequest::default()
            .with_groups(vec![OffsetFetchRequestGroup::default().with_group_id(group).with_topics(None)]),
    }
}

fn committed(answer: &OffsetFetchResponse) -> Result<BTreeMap<TopicPartition, CommittedOffset>, WireError> {
    let mut offsets = BTreeMap::new();
    // As Java clients, which leave out a partition with an error.
    let mut add = |topic: &TopicName, partition, offset, epoch: i32, error| {
        if error == 0 && offset >= 0 {
            let leader_epoch = (epoch >= 0).then_some(epoch);
            offsets.insert((topic.as_str().to_owned(), partition), CommittedOffset { offset, leader_epoch });
        }
    };
    KafkaError::check(answer.error_code, None)?;
    for topic in &answer.topics {
        for found in &topic.partitions {
            let (offset, epoch) = (found.committed_offset, found.committed_leader_epoch);
            add(&topic.name, found.partition_index, offset, epoch, found.error_code);
        }
    }
    for group in &answer.groups {
        KafkaError::check(group.error_code, None)?;
        for topic in &group.topics {
            for found in &topic.partitions {
                let (offset, epoch) = (found.committed_offset, found.committed_leader_epoch);
                add(&topic.name, found.partition_index, offset, epoch, found.error_code);
            }
        }
    }
    Ok(offsets)
}

/// The first error, in the words of Java clients, which name all partitions that have one.
fn refused(answer: &OffsetCommitResponse) -> Option<KafkaError> {
    let mut first = None;
    let mut partitions = Vec::new();
    for topic in &answer.topics {
        for partition in &topic.partitions {
            if let Err(error) = KafkaError::check(partition.error_code, None) {
                partitions.push(format!("{}-{}", topic.name.as_str(), partition.partition_index));
                first.get_or_insert(error);
            }
        }
    }
    let partitions = partitions.join(", ");
    let words = format!("Failed altering group offsets for the following partitions: [{partitions}]");
    first.map(|error| error.in_words(words))
}

/// Partitions in the shape that requests have: by topic.
fn by_topic<V, P>(
    partitions: &BTreeMap<TopicPartition, V>,
    each: impl Fn(i32, &V) -> P,
) -> BTreeMap<TopicName, Vec<P>> {
    let mut topics: BTreeMap<TopicName, Vec<P>> = BTreeMap::new();
    for ((topic, partition), value) in partitions {
        let name = TopicName(StrBytes::from_string(topic.clone()));
        topics.entry(name).or_default().push(each(*partition, value));
    }
    topics
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::offset_fetch_response::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
    };

    use super::*;

    fn found(partition: i32, offset: i64, error: i16) -> OffsetFetchResponsePartitions {
        OffsetFetchResponsePartitions::default()
            .with_partition_index(partition)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(-1)
            .with_error_code(error)
    }

    #[test]
    fn only_what_was_committed_is_there() {
        let topic = OffsetFetchResponseTopics::default()
            .with_name(TopicName(StrBytes::from_static_str("shop")))
            .with_partitions(vec![found(0, 7, 0), found(1, -1, 0), found(2, 3, 29)]);
        let group = OffsetFetchResponseGroup::default().with_topics(vec![topic]);
        let offsets = committed(&OffsetFetchResponse::default().with_groups(vec![group])).unwrap();
        let expected = (("shop".to_owned(), 0), CommittedOffset { offset: 7, leader_epoch: None });
        assert_eq!(offsets.into_iter().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn a_group_that_may_not_be_seen_is_an_error() {
        let group = OffsetFetchResponseGroup::default().with_error_code(30);
        let refused = committed(&OffsetFetchResponse::default().with_groups(vec![group])).unwrap_err();
        assert_eq!(refused.exception(), "org.apache.kafka.common.errors.GroupAuthorizationException");
    }

    #[test]
    fn an_old_broker_is_asked_for_one_group() {
        assert_eq!(fetch(7, "g").group_id, group_id("g"));
        assert_eq!(fetch(8, "g").groups[0].group_id, group_id("g"));
    }
}
