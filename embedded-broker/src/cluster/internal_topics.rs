//! The topics of coordinators as part of the cluster.

use std::sync::Arc;

use super::Cluster;
use crate::coordinator::transaction::record::TopicPartition;
use crate::error::Error;
use crate::internal_topics::{self, InternalTopic};
use crate::topic::Topics;

impl Cluster {
    /// Makes the topic of a coordinator that somebody looks for, if it is not there.
    ///
    /// # Errors
    ///
    /// The topic cannot be made: its name collides with another's.
    pub(crate) fn ensure_internal_topic(&self, name: &str) -> Result<(), Error> {
        if self.topics().by_name(name).is_some() {
            return Ok(());
        }
        self.auto_create_topic(name).map(drop)
    }

    /// What a topic of this name is made of, if it is one of the coordinators'.
    pub(super) fn internal_topic(&self, name: &str) -> Option<&InternalTopic> {
        match name {
            internal_topics::OFFSETS => Some(&self.settings.offsets_topic),
            internal_topics::TRANSACTIONS => Some(&self.settings.transactions_topic),
            _ => None,
        }
    }

    /// Different from Kafka, which has no coordinators then: as many replicas as there are nodes are enough.
    pub(super) fn place_internal(&self, topics: &Topics, topic: &InternalTopic) -> Result<Vec<Vec<i32>>, Error> {
        let nodes = i16::try_from(self.nodes().len()).unwrap_or(i16::MAX);
        self.place(topics, topic.partitions, topic.replicas.min(nodes))
    }

    /// The partition that a group's offsets belong to: what joins a transaction that commits them.
    pub(crate) fn offsets_partition(&self, group_id: &str) -> TopicPartition {
        (Arc::from(internal_topics::OFFSETS), self.settings.offsets_topic.partition_of(group_id))
    }
}
