//! Offsets that were committed inside transactions and wait for their end.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::offsets::CommittedOffset;
use super::record::GroupRecord;

/// The pending offsets of one group, by producer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PendingOffsets {
    by_producer: BTreeMap<i64, Staged>,
    /// Counts what was committed, in transactions or not: of two commits the later one counts, whichever ends first.
    position: u64,
}

/// What one producer has staged, by topic and partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Staged(BTreeMap<Arc<str>, BTreeMap<i32, Pending>>);

impl Staged {
    fn get(&self, topic: &str, partition: i32) -> Option<&Pending> {
        self.0.get(topic)?.get(&partition)
    }

    fn get_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Pending> {
        self.0.get_mut(topic)?.get_mut(&partition)
    }

    fn remove(&mut self, topic: &str, partition: i32) {
        let Some(partitions) = self.0.get_mut(topic) else { return };
        partitions.remove(&partition);
        if partitions.is_empty() {
            self.0.remove(topic);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&Arc<str>, i32, &Pending)> {
        let of_topic = |(topic, partitions)| {
            let partitions: &BTreeMap<i32, Pending> = partitions;
            partitions.iter().map(move |(partition, pending)| (topic, *partition, pending))
        };
        self.0.iter().flat_map(of_topic)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    offset: CommittedOffset,
    position: u64,
    /// Something later was committed meanwhile: this one stays pending, and is dropped in the end.
    is_superseded: bool,
}

impl PendingOffsets {
    pub(super) fn stage(&mut self, producer_id: i64, topic: &Arc<str>, partition: i32, offset: CommittedOffset) {
        self.position += 1;
        let pending = Pending { offset, position: self.position, is_superseded: false };
        let staged = self.by_producer.entry(producer_id).or_default();
        staged.0.entry(Arc::clone(topic)).or_default().insert(partition, pending);
    }

    /// Takes out what the producer's transaction has staged.
    pub(super) fn end(&mut self, producer_id: i64) -> Vec<Ended> {
        let staged = self.by_producer.remove(&producer_id).unwrap_or_default();
        let current = staged.iter().filter(|(_, _, pending)| !pending.is_superseded);
        let ended = current.map(|(topic, partition, pending)| Ended {
            topic: Arc::clone(topic),
            partition,
            offset: pending.offset.clone(),
            position: pending.position,
        });
        ended.collect()
    }

    /// An offset was committed outside of transactions.
    pub(super) fn committed(&mut self, topic: &str, partition: i32) {
        self.position += 1;
        self.supersede(topic, partition, self.position);
    }

    /// Whatever was staged for the partition before `position` has been overtaken.
    pub(super) fn supersede(&mut self, topic: &str, partition: i32, position: u64) {
        let of_partition = self.by_producer.values_mut().filter_map(|staged| staged.get_mut(topic, partition));
        of_partition.filter(|pending| pending.position < position).for_each(|pending| pending.is_superseded = true);
    }

    /// The offset of a partition was deleted, and with it what was to take its place.
    pub(super) fn forget(&mut self, topic: &str, partition: i32) {
        self.by_producer.values_mut().for_each(|staged| staged.remove(topic, partition));
        self.by_producer.retain(|_, staged| !staged.0.is_empty());
    }

    /// What is staged, as records: what was overtaken, to be told before the commits that did it, and what was not.
    pub(super) fn facts(&self) -> (Vec<GroupRecord>, Vec<GroupRecord>) {
        let staged = self.by_producer.iter().flat_map(|(id, staged)| staged.iter().map(move |entry| (*id, entry)));
        let mut all: Vec<_> = staged.collect();
        all.sort_unstable_by_key(|(_, (_, _, pending))| pending.position);
        let (mut overtaken, mut current) = (Vec::new(), Vec::new());
        for (producer_id, (topic, partition, pending)) in all {
            let records = if pending.is_superseded { &mut overtaken } else { &mut current };
            records.push(GroupRecord::OffsetStaged {
                producer_id,
                topic: Arc::clone(topic),
                partition,
                offset: pending.offset.clone(),
            });
        }
        (overtaken, current)
    }

    /// Whether the partition's offset may still change with no further commit.
    pub(crate) fn contains(&self, topic: &str, partition: i32) -> bool {
        self.by_producer.values().any(|staged| staged.get(topic, partition).is_some())
    }

    /// Whether a producer's open transaction holds offsets of the group.
    pub(crate) fn has_producer(&self, producer_id: i64) -> bool {
        self.by_producer.contains_key(&producer_id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_producer.is_empty()
    }

    /// The partitions that have something pending; one may come again.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (&Arc<str>, i32)> {
        self.by_producer.values().flat_map(Staged::iter).map(|(topic, partition, _)| (topic, partition))
    }
}

/// A staged offset whose transaction is over.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    pub(super) offset: CommittedOffset,
    pub(super) position: u64,
}
