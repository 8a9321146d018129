//! What happens to transactions, transactional ids and producers because time passes.
//!
//! As Kafka, which looks at all of them every so often instead of keeping a deadline for each: an abandoned transaction
//! is aborted at the first look after its timeout.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Transactions;
use crate::cluster::Cluster;
use crate::coordinator::TimerKey;
use crate::coordinator::transaction::config::PRODUCER_SCAN_INTERVAL;
use crate::coordinator::transaction::state::TransactionState;

impl Transactions {
    /// Makes sure that open transactions are looked at.
    pub(super) fn watch_timeouts(&self, cluster: &Cluster) {
        if !self.timeouts_are_watched.swap(true, Ordering::Relaxed) {
            schedule(cluster, TimerKey::TransactionTimeouts, cluster.settings.transactions.timeout_scan_interval);
        }
    }

    /// Aborts what is open for too long; called on the timer thread.
    pub(crate) fn abort_timed_out(&self, cluster: &Cluster) {
        // Whoever begins a transaction after this line sees to the next look itself.
        self.timeouts_are_watched.store(false, Ordering::Relaxed);
        let mut is_late = false;
        for cell in self.all() {
            if cluster.transaction_coordinator_epoch(&cell.id).is_err() {
                // Whoever coordinates it next looks at it.
                is_late |= cell.look(|transaction| transaction.state() == TransactionState::Ongoing);
                continue;
            }
            if cell.look(|transaction| transaction.state() == TransactionState::Ongoing) {
                // One that stays open is watched on by its turn.
                cell.turn(cluster, |transaction, turn| transaction.expire_transaction(turn));
            }
        }
        if is_late {
            self.watch_timeouts(cluster);
        }
        self.write_markers(cluster);
    }

    /// Forgets ids that were not used for too long; called on the timer thread.
    pub(crate) fn expire_ids(&self, cluster: &Cluster) {
        for cell in self.all() {
            let is_coordinated = cluster.transaction_coordinator_epoch(&cell.id).is_ok();
            if is_coordinated && cell.turn(cluster, |transaction, turn| transaction.expire_id(turn)) {
                self.remove(&cell);
            }
        }
        schedule(cluster, TimerKey::TransactionalIds, cluster.settings.transactions.id_scan_interval);
    }
}

/// Sets the first looks. Open transactions are looked at from the first one on.
pub(crate) fn start(cluster: &Cluster) {
    schedule(cluster, TimerKey::TransactionalIds, cluster.settings.transactions.id_scan_interval);
    schedule(cluster, TimerKey::ProducerIds, PRODUCER_SCAN_INTERVAL);
}

/// Has every partition forget producers that were silent for too long; called on the timer thread.
pub(crate) fn expire_producers(cluster: &Cluster) {
    let idle_ms = cluster.dynamic.producer_expiration().as_millis();
    let idle_ms = i64::try_from(idle_ms).unwrap_or(i64::MAX);
    let now_ms = cluster.clock.wall_ms();
    let topics = cluster.topics();
    let partitions = topics.iter().flat_map(|topic| &topic.partitions);
    partitions.for_each(|partition| partition.expire_producers(now_ms, idle_ms));
    schedule(cluster, TimerKey::ProducerIds, PRODUCER_SCAN_INTERVAL);
}

/// Looks are taken at multiples of their interval, as by a clock that struck when the broker started.
fn schedule(cluster: &Cluster, key: TimerKey, interval: Duration) {
    let interval_ms = interval.as_millis().max(1);
    let next_ms = (cluster.clock.now().as_millis() / interval_ms + 1).saturating_mul(interval_ms);
    cluster.timers.schedule(key, Duration::from_millis(u64::try_from(next_ms).unwrap_or(u64::MAX)));
}
