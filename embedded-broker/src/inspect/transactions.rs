//! Transactional ids as a test looks at them.

use std::fmt;
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::coordinator::CoordinatorKind;
use crate::coordinator::transaction::state::TransactionState;
use crate::coordinator::transaction::turn::Turn;
use crate::coordinator::transaction::{Description, Transaction};
use crate::error::Error;

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

    /// The node that coordinates a transactional id: the leader of its partition of `__transaction_state`. `None` while nobody
    /// leads it, and before a client has asked for a coordinator of any id.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// assert_eq!(broker.transactions().coordinator("billing-0"), None);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use]
    pub fn coordinator(&self, transactional_id: &str) -> Option<i32> {
        self.cluster.coordinator_of(CoordinatorKind::Transactions, transactional_id)
    }

    /// Has another node coordinate a transactional id, and whatever else belongs to the same partition of
    /// `__transaction_state`: its leader moves there. An open transaction goes on.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().brokers(3).start()?;
    /// broker.transactions().move_coordinator("billing-0", 2)?;
    /// assert_eq!(broker.transactions().coordinator("billing-0"), Some(2));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The node has no replica of the partition that is in sync and may lead.
    pub fn move_coordinator(&self, transactional_id: &str, node: i32) -> Result<(), Error> {
        self.cluster.move_coordinator(CoordinatorKind::Transactions, transactional_id, node)
    }

    /// Aborts the open transaction of an id behind its producer's back, as if that had asked for it: what the producer sends
    /// next is not what the coordinator expects. Whether one was open.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("invoices", 1).start()?;
    /// assert!(!broker.transactions().abort("billing-0"), "nobody has begun anything");
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use = "there may be no open transaction"]
    pub fn abort(&self, transactional_id: &str) -> bool {
        self.force(transactional_id, Transaction::abort)
    }

    /// Aborts the open transaction of an id as if its time (`transaction.timeout.ms`) were over: its producer is fenced.
    /// Whether one was open.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("invoices", 1).start()?;
    /// assert!(!broker.transactions().time_out("billing-0"));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use = "there may be no open transaction"]
    pub fn time_out(&self, transactional_id: &str) -> bool {
        self.force(transactional_id, Transaction::time_out)
    }

    /// Fences the producer of an id as another one would that takes the id over; an open transaction is aborted. Whether that
    /// could be: not for an id nobody has, nor while its markers are written.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("invoices", 1).start()?;
    /// assert!(!broker.transactions().fence("billing-0"));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use = "there may be nobody to fence"]
    pub fn fence(&self, transactional_id: &str) -> bool {
        self.force(transactional_id, Transaction::take_over)
    }

    /// Leaves an id with next to no epochs, as 32,764 producers would: the next to come gets epoch 32,765, and what follows
    /// after that has a new producer id. Its present producer is fenced. Whether that could be: not with an open transaction.
    ///
    /// ```
    /// # use embedded_broker::EmbeddedBroker;
    /// let broker = EmbeddedBroker::builder().topic("invoices", 1).start()?;
    /// assert!(!broker.transactions().exhaust_epochs("billing-0"));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    #[must_use = "it may not be the time for it"]
    pub fn exhaust_epochs(&self, transactional_id: &str) -> bool {
        self.force(transactional_id, Transaction::exhaust_epochs)
    }

    fn force(&self, id: &str, change: impl FnOnce(&mut Transaction, &mut Turn<'_>) -> bool) -> bool {
        let changed = self.cluster.transactions.find(id).is_some_and(|cell| cell.turn(self.cluster, change));
        self.cluster.transactions.write_markers(self.cluster);
        changed
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
