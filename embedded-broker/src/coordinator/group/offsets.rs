//! The committed offsets of one group.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pending::{Ended, PendingOffsets};
use super::record::GroupRecord;

/// What a commit said about one partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: i64,
    /// -1 when the client did not know it.
    pub(crate) leader_epoch: i32,
    /// The committer's note; empty when there was none.
    pub(crate) metadata: Arc<str>,
    /// When it was committed, in milliseconds since 1970.
    pub(crate) committed_ms: i64,
    /// When it ends, for a committer that said so itself (OffsetCommit until version 4).
    pub(crate) expires_ms: Option<i64>,
}

impl CommittedOffset {
    /// Whether its time is over: `base_ms` is since when it is not used, unless it has a time of its own.
    pub(crate) fn is_expired(&self, now_ms: i64, base_ms: i64, retention: Duration) -> bool {
        match self.expires_ms {
            Some(expires_ms) => now_ms >= expires_ms,
            None => now_ms.saturating_sub(base_ms) >= i64::try_from(retention.as_millis()).unwrap_or(i64::MAX),
        }
    }
}

/// Offsets by topic and partition, in the order tools list them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    topics: BTreeMap<Arc<str>, BTreeMap<i32, CommittedOffset>>,
    pending: PendingOffsets,
}

impl Offsets {
    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        self.topics.get(topic)?.get(&partition)
    }

    /// Nothing is committed, and nothing is about to be.
    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.pending.is_empty()
    }

    /// What waits for the end of a transaction.
    pub(crate) fn pending(&self) -> &PendingOffsets {
        &self.pending
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = (&Arc<str>, &BTreeMap<i32, CommittedOffset>)> {
        self.topics.iter()
    }

    /// The stored name of a topic, so that a commit of a known topic shares its name.
    pub(crate) fn topic_name(&self, topic: &str) -> Arc<str> {
        self.topics.get_key_value(topic).map_or_else(|| topic.into(), |(name, _)| Arc::clone(name))
    }

    /// The facts that forget every offset of these topics.
    pub(crate) fn forget_topics(&self, topics: &HashSet<&str>) -> Vec<GroupRecord> {
        let committed = self.topics.iter().filter(|(topic, _)| topics.contains(&***topic));
        let committed = committed.flat_map(|(topic, partitions)| partitions.keys().map(move |index| (topic, *index)));
        let pending = self.pending.partitions().filter(|(topic, _)| topics.contains(&***topic));
        let all: BTreeSet<(&Arc<str>, i32)> = committed.chain(pending).collect();
        let all = all.into_iter().map(|(topic, partition)| (Arc::clone(topic), partition));
        all.map(|(topic, partition)| GroupRecord::OffsetDeleted { topic, partition }).collect()
    }

    pub(crate) fn replay_committed(&mut self, topic: &Arc<str>, partition: i32, offset: &CommittedOffset) {
        self.pending.committed(topic, partition);
        self.insert(topic, partition, offset);
    }

    pub(crate) fn replay_staged(
        &mut self,
        producer_id: i64,
        topic: &Arc<str>,
        partition: i32,
        offset: &CommittedOffset,
    ) {
        self.pending.stage(producer_id, topic, partition, offset.clone());
    }

    pub(crate) fn replay_ended(&mut self, producer_id: i64, committed: bool) {
        let ended = self.pending.end(producer_id);
        for Ended { topic, partition, offset, position } in ended.iter().filter(|_| committed) {
            self.pending.supersede(topic, *partition, *position);
            self.insert(topic, *partition, offset);
        }
    }

    fn insert(&mut self, topic: &Arc<str>, partition: i32, offset: &CommittedOffset) {
        match self.topics.get_mut(topic) {
            Some(partitions) => _ = partitions.insert(partition, offset.clone()),
            None => {
                _ = self.topics.insert(Arc::clone(topic), BTreeMap::from([(partition, offset.clone())]));
            }
        }
    }

    pub(crate) fn replay_deleted(&mut self, topic: &str, partition: i32) {
        self.pending.forget(topic, partition);
        let Some(partitions) = self.topics.get_mut(topic) else { return };
        partitions.remove(&partition);
        if partitions.is_empty() {
            self.topics.remove(topic);
        }
    }
}
