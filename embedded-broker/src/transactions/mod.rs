//! The transactional ids of a cluster: finds them, locks one at a time, and lets what they decide come true.
//!
//! The state machine is in [`coordinator::transaction`](crate::coordinator::transaction); here are its lock, the time it
//! is told, its deadlines, and the way of its markers into the partitions (`markers.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::{Mutex, RwLock};

use crate::clock::{Timestamp, Waiter, Woken};
use crate::cluster::Cluster;
use crate::coordinator::transaction::Transaction;
use crate::coordinator::transaction::record::{Metadata, TransactionRecord};
use crate::coordinator::transaction::state::TransactionState;
use crate::coordinator::transaction::turn::Turn;
use crate::state::StateRecord;
use markers::{Decided, Unmarked};

mod admission;
mod deadlines;
mod markers;
mod produce;

pub(crate) use admission::{Admission, Writer};
pub(crate) use deadlines::{expire_producers, start};
pub(crate) use markers::write_marker;

/// Every transactional id, and what is decided and not yet written.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    by_id: RwLock<BTreeMap<Arc<str>, Arc<TransactionCell>>>,
    decided: Decided,
    /// Whether the next look at open transactions is in the broker's heap: with none open, nobody looks.
    timeouts_are_watched: AtomicBool,
}

/// One transactional id behind its lock.
#[derive(Debug)]
pub(crate) struct TransactionCell {
    pub(crate) id: Arc<str>,
    entry: Mutex<Entry>,
}

#[derive(Debug)]
struct Entry {
    transaction: Transaction,
    /// Who waits for the markers of the last decision.
    waiting: Vec<Arc<Waiter>>,
    /// Of the last decision, the partitions without a marker, if the others have theirs.
    unmarked: Option<Unmarked>,
}

impl Transactions {
    pub(crate) fn find(&self, id: &str) -> Option<Arc<TransactionCell>> {
        self.by_id.read().get(id).cloned()
    }

    /// The id, known from now on.
    pub(crate) fn find_or_create(&self, id: &str, cluster: &Cluster) -> Arc<TransactionCell> {
        if let Some(found) = self.find(id) {
            return found;
        }
        let id: Arc<str> = id.into();
        let mut by_id = self.by_id.write();
        let new = || {
            let transaction = Transaction::new(cluster.next_producer_id(), cluster.clock.wall_ms());
            let entry = Entry { transaction, waiting: Vec::new(), unmarked: None };
            Arc::new(TransactionCell { id: Arc::clone(&id), entry: Mutex::new(entry) })
        };
        Arc::clone(by_id.entry(Arc::clone(&id)).or_insert_with(new))
    }

    /// Takes up an id that was read from the state log, with the decision that was not written yet.
    pub(crate) fn load(&self, id: &Arc<str>, metadata: Metadata, cluster: &Cluster) {
        let mut transaction = Transaction::new(metadata.producer_id, metadata.updated_ms);
        transaction.replay(&TransactionRecord::Metadata(metadata));
        let has_decided = transaction.pending_markers().is_some();
        let is_open = transaction.state() == TransactionState::Ongoing;
        let entry = Mutex::new(Entry { transaction, waiting: Vec::new(), unmarked: None });
        let cell = Arc::new(TransactionCell { id: Arc::clone(id), entry });
        self.by_id.write().insert(Arc::clone(id), Arc::clone(&cell));
        if has_decided {
            self.decided.push(&cell);
        }
        if is_open {
            self.watch_timeouts(cluster);
        }
    }

    /// Every transactional id at this moment, in order.
    pub(crate) fn all(&self) -> Vec<Arc<TransactionCell>> {
        self.by_id.read().values().cloned().collect()
    }

    /// Forgets an id that was found dead, unless it has a successor already.
    fn remove(&self, cell: &Arc<TransactionCell>) {
        let mut by_id = self.by_id.write();
        if by_id.get(&cell.id).is_some_and(|current| Arc::ptr_eq(current, cell)) {
            by_id.remove(&cell.id);
        }
    }
}

impl TransactionCell {
    /// Calls the state machine. What it decides is written once the answer is given: see
    /// [`Transactions::write_markers`].
    pub(crate) fn turn<R>(
        self: &Arc<Self>,
        cluster: &Cluster,
        call: impl FnOnce(&mut Transaction, &mut Turn<'_>) -> R,
    ) -> R {
        let mut entry = self.entry.lock();
        let mut new_producer_id = || cluster.next_producer_id();
        let mut turn = Turn::new(cluster.clock.wall_ms(), &cluster.settings.transactions, &mut new_producer_id);
        let result = call(&mut entry.transaction, &mut turn);
        let Turn { records, markers, .. } = turn;
        if !records.is_empty() {
            let fact = |record| StateRecord::Transaction { id: Arc::clone(&self.id), record };
            // A fact that is not kept is told to nobody: the store is broken then, and the connection ends.
            _ = cluster.state.keep(|| records.into_iter().map(fact));
        }
        if markers.is_some() {
            cluster.transactions.decided.push(self);
        }
        if entry.transaction.state() == TransactionState::Ongoing {
            cluster.transactions.watch_timeouts(cluster);
        }
        result
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&Transaction) -> R) -> R {
        look(&self.entry.lock().transaction)
    }

    /// Blocks until the markers of the last decision are written; `false` if they are not by the deadline, or if the
    /// broker stops.
    fn wait_until_settled(&self, cluster: &Cluster, waiter: &Arc<Waiter>, deadline: Timestamp) -> bool {
        loop {
            {
                let mut entry = self.entry.lock();
                if !entry.transaction.state().is_moving() {
                    return true;
                }
                if !entry.waiting.iter().any(|other| Arc::ptr_eq(other, waiter)) {
                    entry.waiting.push(Arc::clone(waiter));
                }
            }
            if waiter.wait(&cluster.clock, Some(deadline)) == Woken::Deadline || waiter.has_ended() {
                return !self.look(|transaction| transaction.state().is_moving());
            }
        }
    }
}
