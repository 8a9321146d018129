//! Transactional ids as a test looks at them.

use std::fmt;
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::coordinator::transaction::Description;
use crate::coordinator::transaction::state::TransactionState;

/// The transactional ids of an [`EmbeddedBroker`](crate::EmbeddedBroker), looked at from inside: each call shows the moment.
///
/// ```
/// use embedded_broker::EmbeddedBroker;
///
/// let broker = EmbeddedBroker::builder().topic("invoices", 1).start()?;
/// assert!(broker.transactions().all().is_empty());
/// assert!(broker.transactions().get("billing-0").is_none());
/// # Ok::<(), embedded_broker::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct TransactionsView<'a> {
    cluster: &'a Arc<Cluster>,
}

/// Where a transactional id stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionDescription {
    /// `transactional.id`.
    pub transactional_id: String,
    /// What the broker calls the producer that has the id.
    pub producer_id: i64,
    /// Which of the producers that had the id; older ones are fenced.
    pub epoch: i16,
    /// Whether a transaction is open, or how the last one ended.
    pub state: TransactionState,
    /// Topic and partition of everything that belongs to the open transaction, in order; groups whose offsets do are there
    /// as partitions of `__consumer_offsets`.
    pub partitions: Vec<(String, i32)>,
}

impl<'a> TransactionsView<'a> {
    pub(crate) fn new(cluster: &'a Arc<Cluster>) -> Self {
        Self { cluster }
    }

    /// Every transactional id that is known, in order.
    #[must_use]
    pub fn all(&self) -> Vec<TransactionDescription> {
        let cells = self.cluster.transactions.all();
        cells.iter().map(|cell| described(&cell.id, cell.look(|transaction| transaction.describe()))).collect()
    }

    /// One transactional id; `None` if no producer has asked for it.
    #[must_use]
    pub fn get(&self, transactional_id: &str) -> Option<TransactionDescription> {
        let cell = self.cluster.transactions.find(transactional_id)?;
        Some(described(&cell.id, cell.look(|transaction| transaction.describe())))
    }

    /// Keeps what is committed or aborted from now on from coming true: the decision is taken and answered, and its
    /// markers are written when the returned value is dropped. Until then readers of committed records see nothing of the
    /// transaction, and its producer gets `CONCURRENT_TRANSACTIONS` when it wants to begin the next.
    pub fn hold_markers(&self) -> HeldMarkers {
        self.cluster.transactions.hold_markers();
        HeldMarkers { cluster: Arc::clone(self.cluster) }
    }
}

fn described(id: &str, known: Description) -> TransactionDescription {
    TransactionDescription {
        transactional_id: id.to_owned(),
        producer_id: known.producer_id,
        epoch: known.epoch,
        state: known.state,
        partitions: known.partitions.into_iter().map(|(topic, index)| (topic.to_string(), index)).collect(),
    }
}

/// Holds back the markers of transactions until it is dropped.
#[must_use = "the markers are written as soon as this is dropped"]
pub struct HeldMarkers {
    cluster: Arc<Cluster>,
}

impl fmt::Debug for HeldMarkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldMarkers").finish_non_exhaustive()
    }
}

impl Drop for HeldMarkers {
    fn drop(&mut self) {
        self.cluster.transactions.release_markers(&self.cluster);
    }
}
