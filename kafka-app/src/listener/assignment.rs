//! [`Assignment`]: the partitions a consumer owns now, each under an epoch of its own: pure.

use crate::record::TopicPartition;

/// What a consumer owns, with `T` for each partition.
///
/// Epochs are never used twice: a partition that was revoked and comes back is another assignment, and so is one that
/// was rewound, so reports of an earlier one find nothing.
#[derive(Debug)]
pub(crate) struct Assignment<T> {
    entries: Vec<Entry<T>>,
    last_epoch: u64,
}

/// One owned partition.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) partition: TopicPartition,
    epoch: u64,
    /// Announced as revoked: nothing more of it is handed over.
    pub(crate) is_leaving: bool,
    pub(crate) data: T,
}

impl<T> Entry<T> {
    /// Distinct for each assignment.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }
}

impl<T> Assignment<T> {
    /// Nothing is owned yet. Epochs come after `last_epoch`, that of who was there before: 0 if nobody was.
    pub(crate) fn after(last_epoch: u64) -> Self {
        Self { entries: Vec::new(), last_epoch }
    }

    /// The last epoch there was.
    pub(crate) fn last_epoch(&self) -> u64 {
        self.last_epoch
    }

    /// An epoch for a new assignment.
    pub(crate) fn new_epoch(&mut self) -> u64 {
        self.last_epoch += 1;
        self.last_epoch
    }

    /// Owns a partition from now on; returns what was owned under its name before.
    pub(crate) fn add(&mut self, partition: TopicPartition, epoch: u64, data: T) -> Option<T> {
        let before = self.remove(&partition);
        self.entries.push(Entry { partition, epoch, is_leaving: false, data });
        before
    }

    /// Owns a partition no more.
    pub(crate) fn remove(&mut self, partition: &TopicPartition) -> Option<T> {
        let index = self.entries.iter().position(|entry| entry.partition == *partition)?;
        Some(self.entries.remove(index).data)
    }

    /// The same partition under a new epoch.
    pub(crate) fn renew(&mut self, partition: &TopicPartition) -> Option<u64> {
        let epoch = self.new_epoch();
        let entry = self.get_mut(partition)?;
        entry.epoch = epoch;
        Some(epoch)
    }

    pub(crate) fn get_mut(&mut self, partition: &TopicPartition) -> Option<&mut Entry<T>> {
        self.entries.iter_mut().find(|entry| entry.partition == *partition)
    }

    /// The partition with this epoch; `None` for every earlier assignment.
    pub(crate) fn by_epoch(&mut self, epoch: u64) -> Option<&mut Entry<T>> {
        self.entries.iter_mut().find(|entry| entry.epoch == epoch)
    }

    /// Puts the first behind the others, so that none is always served first.
    pub(crate) fn rotate(&mut self) {
        if !self.entries.is_empty() {
            self.entries.rotate_left(1);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry<T>> {
        self.entries.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry<T>> {
        self.entries.iter_mut()
    }

    /// What is owned, in a stable order.
    pub(crate) fn partitions(&self) -> Vec<TopicPartition> {
        let mut partitions: Vec<_> = self.entries.iter().map(|entry| entry.partition.clone()).collect();
        partitions.sort();
        partitions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(partition: i32) -> TopicPartition {
        TopicPartition::new("orders", partition)
    }

    fn owning(partitions: &[i32]) -> Assignment<&'static str> {
        let mut assignment = Assignment::after(0);
        for &partition in partitions {
            let epoch = assignment.new_epoch();
            assignment.add(orders(partition), epoch, "first");
        }
        assignment
    }

    #[test]
    fn a_partition_that_comes_back_is_another_assignment() {
        let mut assignment = owning(&[0]);
        assert!(assignment.by_epoch(1).is_some());
        assert_eq!(assignment.remove(&orders(0)), Some("first"));
        let epoch = assignment.new_epoch();
        assignment.add(orders(0), epoch, "second");
        assert!(assignment.by_epoch(1).is_none());
        assert_eq!(assignment.by_epoch(epoch).map(|e| e.data), Some("second"));
    }

    #[test]
    fn a_renewed_partition_is_deaf_to_reports_of_before() {
        let mut assignment = owning(&[0, 1]);
        let epoch = assignment.renew(&orders(0)).expect("it is owned");
        assert!(assignment.by_epoch(1).is_none());
        assert_eq!(assignment.by_epoch(epoch).map(|e| e.partition.clone()), Some(orders(0)));
        assert!(assignment.renew(&orders(7)).is_none());
    }

    #[test]
    fn who_comes_after_another_is_deaf_to_reports_to_that() {
        let before = owning(&[0, 1]);
        let mut assignment = Assignment::after(before.last_epoch());
        let epoch = assignment.new_epoch();
        assignment.add(orders(0), epoch, "second");
        assert!([1, 2].into_iter().all(|epoch| assignment.by_epoch(epoch).is_none()));
        assert!(assignment.by_epoch(epoch).is_some());
    }

    #[test]
    fn assigning_what_is_owned_already_gives_the_old_one_back() {
        let mut assignment = owning(&[0]);
        let epoch = assignment.new_epoch();
        assert_eq!(assignment.add(orders(0), epoch, "second"), Some("first"));
        assert_eq!(assignment.partitions(), [orders(0)]);
    }

    #[test]
    fn removing_what_is_not_owned_does_nothing() {
        let mut assignment = owning(&[2, 0]);
        assert_eq!(assignment.remove(&orders(1)), None);
        assert_eq!(assignment.partitions(), [orders(0), orders(2)]);
    }
}
