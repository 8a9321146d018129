//! [`Pauses`]: what the user wants no records of: pure.

use std::collections::BTreeSet;

use crate::record::TopicPartition;

/// What the user has paused, assigned or not: it outlives rebalances and restarts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pauses {
    /// The listener as a whole.
    pub(crate) all: bool,
    pub(crate) partitions: BTreeSet<TopicPartition>,
}

impl Pauses {
    /// Whether records of this partition are held back.
    pub(crate) fn holds(&self, partition: &TopicPartition) -> bool {
        self.all || self.partitions.contains(partition)
    }

    /// Pauses a partition or ends its pause. Whether that changed anything.
    pub(crate) fn set(&mut self, partition: TopicPartition, is_paused: bool) -> bool {
        if is_paused { self.partitions.insert(partition) } else { self.partitions.remove(&partition) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_of_a_partition_and_that_of_the_listener_are_two() {
        let (one, other) = (TopicPartition::new("orders", 1), TopicPartition::new("orders", 2));
        let mut pauses = Pauses::default();
        assert!(pauses.set(one.clone(), true));
        assert!(!pauses.set(one.clone(), true), "it is already");
        pauses.all = true;
        assert!(pauses.holds(&one) && pauses.holds(&other));
        pauses.all = false;
        assert!(pauses.holds(&one) && !pauses.holds(&other));
        assert!(pauses.set(one, false));
        assert_eq!(pauses, Pauses::default());
    }
}
