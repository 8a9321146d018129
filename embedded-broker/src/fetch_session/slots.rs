//! Who has one of the few places for sessions, and who has to make room.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::Timestamp;

/// A session that was not used for longer may always be evicted; one that is younger only if it is stale.
const EVICTION: Duration = Duration::from_secs(120);

/// The places for sessions of one shard.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    by_id: HashMap<i32, Slot>,
    by_last_use: BTreeSet<(Timestamp, i32)>,
    /// Those that are old enough, the one with the fewest partitions first.
    evictable: BTreeSet<(usize, i32)>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    partitions: usize,
    created: Timestamp,
    last_used: Timestamp,
}

impl Slots {
    pub(super) fn new(max: usize) -> Self {
        Self { max, by_id: HashMap::new(), by_last_use: BTreeSet::new(), evictable: BTreeSet::new() }
    }

    /// Gives a place to a new session, and says who has lost its own for that; `None` if there is none to have.
    pub(super) fn admit(&mut self, id: i32, partitions: usize, now: Timestamp) -> Option<Option<i32>> {
        let mut evicted = None;
        if self.by_id.len() >= self.max {
            let id = self.least_worth(partitions, now)?;
            self.remove(id);
            evicted = Some(id);
        }
        self.by_id.insert(id, Slot { partitions, created: now, last_used: now });
        self.touch(id, partitions, now);
        Some(evicted)
    }

    /// A session was used, and has this many partitions now.
    pub(super) fn touch(&mut self, id: i32, partitions: usize, now: Timestamp) {
        let Some(slot) = self.by_id.get_mut(&id) else { return };
        self.by_last_use.remove(&(slot.last_used, id));
        self.evictable.remove(&(slot.partitions, id));
        (slot.last_used, slot.partitions) = (now, partitions);
        self.by_last_use.insert((now, id));
        if now.saturating_sub(slot.created) > EVICTION {
            self.evictable.insert((partitions, id));
        }
    }

    pub(super) fn remove(&mut self, id: i32) {
        if let Some(slot) = self.by_id.remove(&id) {
            self.by_last_use.remove(&(slot.last_used, id));
            self.evictable.remove(&(slot.partitions, id));
        }
    }

    /// Who has to go for a session of this many partitions: one that nobody uses, else an old one with fewer.
    fn least_worth(&self, partitions: usize, now: Timestamp) -> Option<i32> {
        let (last_used, stale) = *self.by_last_use.first()?;
        if now.saturating_sub(last_used) > EVICTION {
            return Some(stale);
        }
        self.evictable.first().filter(|(fewest, _)| partitions > *fewest).map(|(_, id)| *id)
    }

    #[cfg(test)]
    pub(super) fn ids(&self) -> BTreeSet<i32> {
        let ids: BTreeSet<i32> = self.by_id.keys().copied().collect();
        assert!(self.evictable.len() <= ids.len() && self.by_last_use.len() == ids.len() && ids.len() <= self.max);
        ids
    }
}
