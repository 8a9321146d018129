//! From a decision to its markers in the partitions.
//!
//! A decision is answered as soon as it is made. Its markers follow on another step: the connection that decided writes
//! them once the answer is on its way, and the timer thread those of its own decisions. No coordinator's lock is held
//! meanwhile, and partitions are written in the order of their names.
//!
//! A partition whose log cannot be written keeps its transaction from being complete, as in Kafka, and nothing else: the
//! other partitions have their markers, and the decision waits for the partition to be gone, or for the broker to be
//! started again. The same goes for one that nobody leads, or that lacks replicas in sync, until that is over; and a marker
//! counts once all replicas in sync have it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::{TransactionCell, Transactions};
use crate::cluster::Cluster;
use crate::coordinator::transaction::record::TopicPartition;
use crate::coordinator::transaction::turn::Markers;
use crate::error::ErrorCode;
use crate::internal_topics;
use crate::log::EndMarker;
use crate::partition::{Partition, Sender, Unacknowledged};

/// Transactions that are decided and have no markers yet, the oldest decision first.
#[derive(Debug, Default)]
pub(super) struct Decided {
    queue: Mutex<VecDeque<Arc<TransactionCell>>>,
    /// As many as are in the queue: after each request somebody looks whether there are any.
    len: AtomicUsize,
    /// While anybody holds them back, nothing is written.
    holds: AtomicUsize,
    /// Those that wait for a coordinator, or for a partition: its log cannot be written, or not all replicas in sync have the
    /// marker.
    postponed: Mutex<Vec<Arc<TransactionCell>>>,
}

impl Decided {
    pub(super) fn push(&self, cell: &Arc<TransactionCell>) {
        let mut queue = self.queue.lock();
        queue.push_back(Arc::clone(cell));
        self.len.store(queue.len(), Ordering::Release);
    }

    fn postpone(&self, cell: &Arc<TransactionCell>) {
        self.postponed.lock().push(Arc::clone(cell));
    }

    /// Has one that waits go on.
    fn resume(&self, cell: &Arc<TransactionCell>) {
        let before = {
            let mut postponed = self.postponed.lock();
            let before = postponed.len();
            postponed.retain(|other| !Arc::ptr_eq(other, cell));
            before - postponed.len()
        };
        if before > 0 {
            self.push(cell);
        }
    }

    fn is_postponed(&self, cell: &Arc<TransactionCell>) -> bool {
        self.postponed.lock().iter().any(|other| Arc::ptr_eq(other, cell))
    }

    fn are_held(&self) -> bool {
        self.holds.load(Ordering::Acquire) > 0
    }

    fn pop(&self) -> Option<Arc<TransactionCell>> {
        if self.len.load(Ordering::Acquire) == 0 || self.are_held() {
            return None;
        }
        let mut queue = self.queue.lock();
        let next = queue.pop_front();
        self.len.store(queue.len(), Ordering::Release);
        next
    }
}

impl Transactions {
    /// Writes the markers of everything that is decided.
    pub(crate) fn write_markers(&self, cluster: &Cluster) {
        while let Some(cell) = self.decided.pop() {
            cell.write_markers(cluster);
        }
    }

    /// Writes what waits: a coordinator has come, or a partition is gone, has a leader again, or all its replicas in sync have
    /// more.
    pub(crate) fn write_postponed(&self, cluster: &Cluster) {
        let postponed = std::mem::take(&mut *self.decided.postponed.lock());
        postponed.iter().for_each(|cell| self.decided.push(cell));
        self.write_markers(cluster);
    }

    /// Waits until everything that was decided so far has come true, unless markers are held back or cannot be written: for
    /// whoever looks from inside, right after a client was told that its transaction has ended.
    pub(crate) fn settle(&self, cluster: &Cluster) {
        /// Markers take microseconds; a thread that is not let run may take longer.
        const PATIENCE: Duration = Duration::from_secs(10);
        self.write_markers(cluster);
        let moving = |cell: &Arc<TransactionCell>| {
            cell.look(|transaction| transaction.state().is_moving()) && !self.decided.is_postponed(cell)
        };
        let mut cells = self.all().into_iter().filter(moving).peekable();
        if self.decided.are_held() || cells.peek().is_none() {
            return;
        }
        let (number, waiter) = cluster.register_waiter();
        let deadline = cluster.clock.now() + PATIENCE;
        cells.for_each(|cell| _ = cell.wait_until_settled(cluster, &waiter, deadline));
        cluster.unregister_waiter(number);
    }

    /// Keeps decisions from coming true until [`release_markers`](Self::release_markers) is called as often.
    pub(crate) fn hold_markers(&self) {
        self.decided.holds.fetch_add(1, Ordering::AcqRel);
    }

    /// Lets decisions come true again, and writes what was held back.
    pub(crate) fn release_markers(&self, cluster: &Cluster) {
        self.decided.holds.fetch_sub(1, Ordering::AcqRel);
        self.write_markers(cluster);
    }
}

/// Partitions that have no marker of a decision, or one that some replica in sync lacks.
pub(super) type Unmarked = BTreeMap<TopicPartition, Option<Unacknowledged>>;

impl TransactionCell {
    fn write_markers(self: &Arc<Self>, cluster: &Cluster) {
        let (markers, unmarked) = {
            let mut entry = self.entry.lock();
            let Some(markers) = entry.transaction.pending_markers() else { return };
            let unmarked = entry.unmarked.take();
            (markers, unmarked)
        };
        let Ok(coordinator_epoch) = cluster.transaction_coordinator_epoch(&self.id) else {
            // Whoever coordinates it next writes them.
            self.entry.lock().unmarked = unmarked;
            return cluster.transactions.decided.postpone(self);
        };
        let marker = markers.to_marker(coordinator_epoch);
        let all = || markers.partitions.iter().map(|partition| (partition.clone(), None)).collect();
        let left = self.write_each(cluster, unmarked.unwrap_or_else(all), &marker);
        if !left.is_empty() {
            let can_go_on = |(partition, written): (&TopicPartition, &Option<Unacknowledged>)| {
                find(cluster, partition).is_some_and(|found| found.takes_markers(*written))
            };
            self.entry.lock().unmarked = Some(left.clone());
            cluster.transactions.decided.postpone(self);
            // What it waits for may have come before it was said that it waits.
            if left.iter().any(can_go_on) {
                cluster.transactions.decided.resume(self);
            }
            return;
        }
        self.turn(cluster, |transaction, turn| transaction.complete(turn));
        let waiting = std::mem::take(&mut self.entry.lock().waiting);
        waiting.iter().for_each(|waiter| waiter.wake());
    }

    /// Ends the transaction in each partition; those that are offline, have no leader or lack replicas are left. One that
    /// refuses does not hold up the others, and is done.
    fn write_each(&self, cluster: &Cluster, partitions: Unmarked, marker: &EndMarker) -> Unmarked {
        let now_ms = cluster.clock.wall_ms();
        let mut left = BTreeMap::new();
        for (partition, written) in partitions {
            let found = find(cluster, &partition);
            let safe = |written| found.as_ref().map_or(Some(true), |found| is_safe(found, written));
            match written.map(safe) {
                Some(Some(true)) => continue,
                Some(None) => {
                    left.insert(partition, written);
                    continue;
                }
                // It is not written yet, or somebody else leads, who may not have it.
                Some(Some(false)) | None => {}
            }
            match write_marker(cluster, &partition, marker, Sender::COORDINATOR, now_ms) {
                // Who leads may have changed since it was written.
                Ok(Some(written)) if safe(written) != Some(true) => _ = left.insert(partition, Some(written)),
                Ok(_) => {}
                Err(code) => {
                    let (topic, index) = &partition;
                    tracing::warn!(transactional_id = %self.id, %topic, index, ?code, "a transaction's marker is not written");
                    if comes_back(code) {
                        left.insert(partition, None);
                    }
                }
            }
        }
        left
    }
}

/// Whether all replicas in sync have a marker; `None` as long as nobody knows. That they have become too few since is no
/// reason to write it again.
fn is_safe(partition: &Partition, written: Unacknowledged) -> Option<bool> {
    partition.is_acknowledged(written).map(|outcome| outcome != Err(ErrorCode::NotLeaderOrFollower))
}

/// Whether a partition that has refused a marker may take it later.
fn comes_back(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::KafkaStorageError | ErrorCode::NotLeaderOrFollower | ErrorCode::NotEnoughReplicas)
}

fn find(cluster: &Cluster, (topic, index): &TopicPartition) -> Option<Arc<Partition>> {
    cluster.topics().by_name(topic).and_then(|topic| topic.partition(*index)).cloned()
}

impl Markers {
    fn to_marker(&self, coordinator_epoch: i32) -> EndMarker {
        EndMarker {
            producer_id: self.producer_id,
            producer_epoch: self.epoch,
            coordinator_epoch,
            committed: self.committed,
        }
    }
}

/// Ends a producer's transaction in one partition. Returns what it takes for the marker to be safe; nothing of a partition of
/// the groups, where it is as soon as it is written.
///
/// # Errors
///
/// The partition is not there, does not take it from this sender, or has heard of a newer epoch of the producer or of its
/// coordinator.
pub(crate) fn write_marker(
    cluster: &Cluster,
    (topic, index): &TopicPartition,
    marker: &EndMarker,
    sender: Sender,
    now_ms: i64,
) -> Result<Option<Unacknowledged>, ErrorCode> {
    if **topic == *internal_topics::OFFSETS && (0..cluster.settings.offsets_topic.partitions).contains(index) {
        cluster.groups.end_transaction(*index, marker.producer_id, marker.committed, cluster);
        return Ok(None);
    }
    let topics = cluster.topics();
    let partition = topics.by_name(topic).and_then(|topic| topic.partition(*index));
    let partition = partition.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    partition.append_marker(marker, sender, now_ms).map(Some).map_err(|rejected| rejected.code)
}
