//! Which node coordinates what: groups and transactional ids are spread over the partitions of a topic of Kafka's, and who
//! leads the partition coordinates what belongs to it, once it has read what is written there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ErrorCode;

/// Nobody leads.
const NOBODY: i32 = -1;

/// The coordinators of one kind, by the partitions of their topic.
#[derive(Debug, Default)]
pub(crate) struct Shards {
    by_partition: BTreeMap<i32, Shard>,
}

/// Who leads a partition, since which epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) node: i32,
    pub(crate) epoch: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shard {
    leader: Leader,
    /// When the leader has read everything; nothing once it has.
    loading_until: Option<Duration>,
}

/// What follows for the state of a partition when somebody leads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// It stays where it is.
    None,
    /// Nobody has it from now on.
    Unload,
    /// It goes to the new leader, which reads it until then.
    Load { until: Duration },
}

impl Shards {
    /// Takes note of who leads a partition. Where somebody else has led it before, reading takes `load_time`; the first leader
    /// of all finds nothing to read.
    pub(crate) fn lead(&mut self, partition: i32, leader: Leader, now: Duration, load_time: Duration) -> Handover {
        let Some(known) = self.by_partition.get_mut(&partition) else {
            let loading_until = (leader.node == NOBODY).then_some(now);
            self.by_partition.insert(partition, Shard { leader, loading_until });
            return Handover::None;
        };
        if leader.epoch < known.leader.epoch || leader == known.leader {
            return Handover::None;
        }
        let before = std::mem::replace(&mut known.leader, leader);
        if leader.node == before.node {
            return Handover::None;
        }
        let until = now.saturating_add(load_time);
        known.loading_until = Some(until);
        if leader.node == NOBODY { Handover::Unload } else { Handover::Load { until } }
    }

    /// Whether the leader of a partition has had the time to read everything, and has not coordinated yet.
    pub(crate) fn is_loaded(&self, partition: i32, now: Duration) -> bool {
        self.by_partition
            .get(&partition)
            .is_some_and(|shard| shard.leader.node != NOBODY && shard.loading_until.is_some_and(|until| until <= now))
    }

    /// The leader coordinates from now on.
    pub(crate) fn activate(&mut self, partition: i32) {
        if let Some(shard) = self.by_partition.get_mut(&partition) {
            shard.loading_until = None;
        }
    }

    /// Forgets all of them: the topic is gone.
    pub(crate) fn clear(&mut self) {
        self.by_partition.clear();
    }

    /// Whether a node coordinates what belongs to a partition, as it is told by Kafka. Of a partition that nobody has led yet
    /// nothing is known: `unled` says it.
    ///
    /// # Errors
    ///
    /// `NOT_COORDINATOR`, or `COORDINATOR_LOAD_IN_PROGRESS`.
    pub(crate) fn ask(
        &self,
        partition: i32,
        node: i32,
        unled: impl FnOnce() -> Result<(), ErrorCode>,
    ) -> Result<(), ErrorCode> {
        let Some(shard) = self.by_partition.get(&partition) else { return unled() };
        match shard.loading_until {
            _ if shard.leader.node != node => Err(ErrorCode::NotCoordinator),
            Some(_) => Err(ErrorCode::CoordinatorLoadInProgress),
            None => Ok(()),
        }
    }

    /// As [`ask`](Self::ask), of whoever coordinates it: a node that asks another finds it. The epoch it does it in; 0 of a
    /// partition that nobody has led yet.
    ///
    /// # Errors
    ///
    /// `COORDINATOR_NOT_AVAILABLE` if nobody does, `COORDINATOR_LOAD_IN_PROGRESS`.
    pub(crate) fn active(&self, partition: i32) -> Result<i32, ErrorCode> {
        match self.by_partition.get(&partition) {
            None => Ok(0),
            Some(shard) if shard.leader.node == NOBODY => Err(ErrorCode::CoordinatorNotAvailable),
            Some(shard) if shard.loading_until.is_some() => Err(ErrorCode::CoordinatorLoadInProgress),
            Some(shard) => Ok(shard.leader.epoch),
        }
    }

    /// Who leads a partition, if anybody does, whether or not it has read everything.
    pub(crate) fn leader(&self, partition: i32) -> Option<i32> {
        self.by_partition.get(&partition).map(|shard| shard.leader.node).filter(|node| *node != NOBODY)
    }

    /// Whether a node is still reading anything.
    pub(crate) fn is_loading(&self, node: i32) -> bool {
        self.by_partition.values().any(|shard| shard.leader.node == node && shard.loading_until.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(10);
    const LOAD: Duration = Duration::from_secs(3);

    fn leader(node: i32, epoch: i32) -> Leader {
        Leader { node, epoch }
    }

    fn unled() -> Result<(), ErrorCode> {
        panic!("somebody has led it")
    }

    /// Partition 0, which node 1 has led in epoch 0.
    fn shards() -> Shards {
        let mut shards = Shards::default();
        assert_eq!(shards.lead(0, leader(1, 0), NOW, LOAD), Handover::None);
        shards
    }

    #[test]
    fn the_first_leader_has_nothing_to_read() {
        let shards = shards();
        assert_eq!(shards.ask(0, 1, unled), Ok(()));
        assert_eq!(shards.ask(0, 2, unled), Err(ErrorCode::NotCoordinator));
        assert_eq!((shards.active(0), shards.leader(0), shards.leader(1)), (Ok(0), Some(1), None));
    }

    #[test]
    fn of_a_partition_that_nobody_has_led_the_caller_says() {
        let shards = Shards::default();
        assert_eq!(shards.ask(0, 1, || Err(ErrorCode::NotCoordinator)), Err(ErrorCode::NotCoordinator));
        assert_eq!((shards.ask(0, 1, || Ok(())), shards.active(0)), (Ok(()), Ok(0)));
    }

    #[test]
    fn the_next_leader_reads_for_a_while_and_then_coordinates() {
        let mut shards = shards();
        assert_eq!(shards.lead(0, leader(2, 1), NOW, LOAD), Handover::Load { until: NOW + LOAD });
        assert_eq!(shards.ask(0, 1, unled), Err(ErrorCode::NotCoordinator));
        assert_eq!(shards.ask(0, 2, unled), Err(ErrorCode::CoordinatorLoadInProgress));
        assert_eq!(shards.active(0), Err(ErrorCode::CoordinatorLoadInProgress));
        assert!(shards.is_loading(2) && !shards.is_loading(1));
        assert!(!shards.is_loaded(0, NOW), "it is not time");
        assert!(shards.is_loaded(0, NOW + LOAD));
        shards.activate(0);
        assert!(!shards.is_loaded(0, NOW + LOAD), "once");
        assert_eq!((shards.ask(0, 2, unled), shards.active(0)), (Ok(()), Ok(1)));
    }

    #[test]
    fn what_nobody_leads_nobody_coordinates_until_somebody_has_read_it() {
        let mut shards = shards();
        assert_eq!(shards.lead(0, leader(NOBODY, 1), NOW, LOAD), Handover::Unload);
        assert_eq!(shards.ask(0, 1, unled), Err(ErrorCode::NotCoordinator));
        assert_eq!((shards.active(0), shards.leader(0)), (Err(ErrorCode::CoordinatorNotAvailable), None));
        assert!(!shards.is_loaded(0, NOW + LOAD));
        assert_eq!(shards.lead(0, leader(1, 2), NOW, Duration::ZERO), Handover::Load { until: NOW });
        assert!(shards.is_loaded(0, NOW));
        shards.activate(0);
        assert_eq!(shards.active(0), Ok(2));
    }

    #[test]
    fn whoever_leads_on_in_a_new_epoch_has_read_it_already() {
        let mut shards = shards();
        assert_eq!(shards.lead(0, leader(1, 4), NOW, LOAD), Handover::None);
        assert_eq!((shards.ask(0, 1, unled), shards.active(0)), (Ok(()), Ok(4)));
    }

    #[test]
    fn an_older_leader_is_not_believed() {
        let mut shards = shards();
        shards.lead(0, leader(2, 5), NOW, Duration::ZERO);
        shards.activate(0);
        assert_eq!(shards.lead(0, leader(1, 4), NOW, LOAD), Handover::None);
        assert_eq!(shards.ask(0, 2, unled), Ok(()));
    }

    #[test]
    fn a_leader_that_goes_while_it_reads_never_has_read_it() {
        let mut shards = shards();
        shards.lead(0, leader(2, 1), NOW, LOAD);
        let later = NOW + Duration::from_secs(1);
        assert_eq!(shards.lead(0, leader(3, 2), later, LOAD), Handover::Load { until: later + LOAD });
        assert!(!shards.is_loaded(0, NOW + LOAD), "the deadline of the one before");
        assert!(shards.is_loaded(0, later + LOAD));
        shards.activate(0);
        assert_eq!(shards.ask(0, 3, unled), Ok(()));
    }
}
