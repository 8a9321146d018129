//! The groups of a cluster: finds them, locks one at a time, and lets requests wait for its answers.
//!
//! The state machine is in [`coordinator::group`](crate::coordinator::group); here are its lock, the clock it is told
//! the time of, its place in the broker's deadline heap, and the threads that wait for an answer.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::clock::{Timestamp, Waiter};
use crate::cluster::Cluster;
use crate::coordinator::TimerKey;
use crate::coordinator::group::Group;
use crate::coordinator::group::catalog::Catalog;
use crate::coordinator::group::turn::{Reply, Ticket, Turn, World};
use crate::error::ErrorCode;
use crate::state::StateRecord;
use crate::topic::Topics;
use crate::watches::Watches;

/// Every group, by id.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: RwLock<BTreeMap<Arc<str>, Arc<GroupCell>>>,
    /// Who wants to know of everything that groups do.
    pub(crate) watches: Watches,
}

/// One group behind its lock.
#[derive(Debug)]
pub(crate) struct GroupCell {
    pub(crate) id: Arc<str>,
    entry: Mutex<Entry>,
}

#[derive(Debug)]
struct Entry {
    group: Group,
    last_ticket: u64,
    /// Requests that are held, by their tickets.
    held: HashMap<Ticket, Arc<Slot>>,
    /// The deadline that is in the broker's heap for this group, never later than the group's own.
    armed: Option<Timestamp>,
}

/// Where a held request finds its answer.
#[derive(Debug)]
struct Slot {
    reply: Mutex<Option<Reply>>,
    waiter: Arc<Waiter>,
}

impl Groups {
    pub(crate) fn find(&self, id: &str) -> Option<Arc<GroupCell>> {
        self.by_id.read().get(id).cloned()
    }

    /// Takes up a group that was read from the state log.
    pub(crate) fn load(&self, id: &Arc<str>, group: Group, cluster: &Cluster) {
        let cell = Arc::new(GroupCell::new(Arc::clone(id)));
        cell.entry.lock().group = group;
        cell.turn(cluster, |group, turn| group.loaded(turn));
        self.by_id.write().insert(Arc::clone(id), cell);
    }

    pub(crate) fn find_or_create(&self, id: &str) -> Arc<GroupCell> {
        if let Some(found) = self.find(id) {
            return found;
        }
        let id: Arc<str> = id.into();
        let mut by_id = self.by_id.write();
        Arc::clone(by_id.entry(Arc::clone(&id)).or_insert_with(|| Arc::new(GroupCell::new(id))))
    }

    /// Every group at this moment, by id.
    pub(crate) fn all(&self) -> Vec<Arc<GroupCell>> {
        self.by_id.read().values().cloned().collect()
    }

    /// Deletes a group that has no members, with its offsets.
    pub(crate) fn delete(&self, id: &str, cluster: &Cluster) -> Result<(), ErrorCode> {
        let cell = self.find(id).ok_or(ErrorCode::GroupIdNotFound)?;
        // Dead first: whoever found it before now is told to look again, and finds its successor.
        cell.turn(
            cluster,
            |group, turn| if group.exists() { group.delete(turn) } else { Err(ErrorCode::GroupIdNotFound) },
        )?;
        self.remove(&cell, cluster);
        Ok(())
    }

    /// Takes a dead group off the list.
    fn remove(&self, cell: &Arc<GroupCell>, cluster: &Cluster) {
        let mut by_id = self.by_id.write();
        if by_id.get(&cell.id).is_some_and(|current| Arc::ptr_eq(current, cell)) {
            by_id.remove(&cell.id);
        }
        drop(by_id);
        cluster.timers.cancel(&TimerKey::Group(Arc::clone(&cell.id)));
    }

    /// Forgets a group that was made for a request which was then refused.
    pub(crate) fn forget_unborn(&self, cell: &Arc<GroupCell>, cluster: &Cluster) {
        if cell.turn(cluster, |group, turn| !group.exists() && group.delete(turn).is_ok()) {
            self.remove(cell, cluster);
        }
    }

    /// Drops the committed offsets whose time is over, and the groups that are left with nothing.
    pub(crate) fn expire_offsets(&self, cluster: &Cluster) {
        for cell in self.all() {
            let is_gone = cell.turn(cluster, |group, turn| group.expire_offsets(turn) && group.delete(turn).is_ok());
            if is_gone {
                self.remove(&cell, cluster);
            }
        }
    }

    /// Has offsets looked through one interval from now.
    pub(crate) fn schedule_expiry(cluster: &Cluster) {
        let at = cluster.clock.now() + cluster.settings.group.offsets_retention_check_interval;
        cluster.timers.schedule(TimerKey::OffsetExpiry, at);
    }

    /// Ends a producer's transaction in the groups that belong to one of Kafka's partitions of `__consumer_offsets`.
    pub(crate) fn end_transaction(&self, partition: i32, producer_id: i64, committed: bool, cluster: &Cluster) {
        for cell in self.of(&HashSet::from([partition]), cluster) {
            cell.turn(cluster, |group, turn| group.end_transaction(producer_id, committed, turn));
        }
    }

    /// Nobody coordinates the groups of these partitions any more: who is held is sent away, and what no record tells of is
    /// forgotten.
    pub(crate) fn unload(&self, partitions: &HashSet<i32>, cluster: &Cluster) {
        for cell in self.of(partitions, cluster) {
            cell.turn(cluster, |group, turn| group.unload(turn));
        }
    }

    /// Somebody else has read what is written of the groups of these partitions: their sessions begin anew.
    pub(crate) fn loaded(&self, partitions: &HashSet<i32>, cluster: &Cluster) {
        for cell in self.of(partitions, cluster) {
            cell.turn(cluster, |group, turn| group.loaded(turn));
        }
    }

    fn of(&self, partitions: &HashSet<i32>, cluster: &Cluster) -> impl Iterator<Item = Arc<GroupCell>> {
        let offsets = &cluster.settings.offsets_topic;
        self.all().into_iter().filter(|cell| partitions.contains(&offsets.partition_of(&cell.id)))
    }

    /// Forgets every group, with whoever is in it: the topic that Kafka keeps them in was deleted.
    pub(crate) fn forget_all(&self, cluster: &Cluster) {
        for cell in self.all() {
            cell.turn(cluster, |group, turn| group.die(turn));
            self.remove(&cell, cluster);
        }
    }

    /// Drops every committed offset of topics that were deleted.
    pub(crate) fn forget_topics(&self, topics: &HashSet<&str>, cluster: &Cluster) {
        for cell in self.all() {
            cell.turn(cluster, |group, turn| group.forget_topics(topics, turn));
        }
    }

    /// Serves the deadline of a group; called on the timer thread.
    pub(crate) fn fire(&self, id: &str, cluster: &Cluster) {
        if let Some(cell) = self.find(id) {
            cell.entry.lock().armed = None;
            cell.turn(cluster, |_, _| ());
        }
    }
}

impl GroupCell {
    fn new(id: Arc<str>) -> Self {
        let entry = Entry { group: Group::new(), last_ticket: 0, held: HashMap::new(), armed: None };
        Self { id, entry: Mutex::new(entry) }
    }

    /// Calls the state machine, after it has done what is due.
    pub(crate) fn turn<R>(&self, cluster: &Cluster, call: impl FnOnce(&mut Group, &mut Turn<'_>) -> R) -> R {
        let mut entry = self.entry.lock();
        let (result, mut replies) = entry.call(&self.id, cluster, call);
        entry.deliver(&mut replies);
        self.arm(&mut entry, cluster);
        drop(entry);
        cluster.groups.watches.wake();
        result
    }

    /// Looks at the group as it is, with nothing done and nobody woken.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Group) -> R) -> R {
        look(&self.entry.lock().group)
    }

    /// Calls the state machine with a request that may be held, and blocks until it is answered; `None` when the
    /// broker stops first.
    pub(crate) fn wait(
        &self,
        cluster: &Cluster,
        waiter: &Arc<Waiter>,
        call: impl FnOnce(&mut Group, Ticket, &mut Turn<'_>),
    ) -> Option<Reply> {
        let slot = {
            let mut entry = self.entry.lock();
            entry.last_ticket += 1;
            let ticket = Ticket(entry.last_ticket);
            let ((), mut replies) = entry.call(&self.id, cluster, |group, turn| call(group, ticket, turn));
            let answered = replies.iter().position(|(of, _)| *of == ticket).map(|at| replies.swap_remove(at));
            entry.deliver(&mut replies);
            self.arm(&mut entry, cluster);
            let slot = Arc::new(Slot { reply: Mutex::default(), waiter: Arc::clone(waiter) });
            if answered.is_none() {
                entry.held.insert(ticket, Arc::clone(&slot));
            }
            drop(entry);
            cluster.groups.watches.wake();
            if let Some((_, reply)) = answered {
                return Some(reply);
            }
            slot
        };
        slot.wait(cluster)
    }

    /// Puts the group's next deadline into the broker's heap, unless an earlier one is there: heartbeats only push
    /// deadlines out, so they do not touch the heap.
    fn arm(&self, entry: &mut Entry, cluster: &Cluster) {
        let Some(deadline) = entry.group.next_deadline() else { return };
        if entry.armed.is_none_or(|armed| deadline < armed) {
            entry.armed = Some(deadline);
            cluster.timers.schedule(TimerKey::Group(Arc::clone(&self.id)), deadline);
        }
    }
}

impl Entry {
    fn call<R>(
        &mut self,
        id: &str,
        cluster: &Cluster,
        call: impl FnOnce(&mut Group, &mut Turn<'_>) -> R,
    ) -> (R, Vec<(Ticket, Reply)>) {
        let (topics, config) = (cluster.topics(), cluster.group_config(id));
        let mut turn = Turn::new(World {
            group_id: id,
            now: cluster.clock.now(),
            wall_ms: cluster.clock.wall_ms(),
            config: &config,
            topics: &*topics,
        });
        self.group.poll(&mut turn);
        let result = call(&mut self.group, &mut turn);
        let records = turn.records;
        if !records.is_empty() {
            let fact = |record| StateRecord::Group { id: Arc::from(id), record };
            // A fact that is not kept is told to nobody: the store is broken then, and the connection ends.
            _ = cluster.state.keep(|| records.into_iter().map(fact));
        }
        (result, turn.replies)
    }

    /// Wakes those whose answers have come.
    fn deliver(&mut self, replies: &mut Vec<(Ticket, Reply)>) {
        for (ticket, reply) in replies.drain(..) {
            if let Some(slot) = self.held.remove(&ticket) {
                *slot.reply.lock() = Some(reply);
                slot.waiter.wake();
            }
        }
    }
}

impl Catalog for Topics {
    fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
        let topic = self.by_name(name)?;
        Some((topic.id, i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX)))
    }

    fn name(&self, id: Uuid) -> Option<Arc<str>> {
        self.name_of(id)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.iter().map(|topic| Arc::clone(&topic.name)).collect()
    }
}

impl Slot {
    fn wait(&self, cluster: &Cluster) -> Option<Reply> {
        loop {
            if let Some(reply) = self.reply.lock().take() {
                return Some(reply);
            }
            if self.waiter.has_ended() {
                return None;
            }
            self.waiter.wait(&cluster.clock, None);
        }
    }
}
