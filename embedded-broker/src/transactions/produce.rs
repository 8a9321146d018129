//! Batches that belong to a transaction, on their way into a partition.

use std::sync::Arc;

use super::{Admission, Transactions, Writer};
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::log::{BatchHeader, Place, Proof, Rejected, ValidBatch};
use crate::partition::{Claim, Partition, Sender, Unappended, Written};

impl Transactions {
    /// Appends a batch of a transaction. Only the first one in a partition needs the coordinator: nothing is asked, and no
    /// lock taken but the partition's, for those that find their transaction open there.
    #[expect(clippy::too_many_arguments, reason = "who writes what, where, and on whose behalf")]
    pub(crate) fn append(
        &self,
        cluster: &Cluster,
        waiter: &Arc<Waiter>,
        admission: Admission,
        transactional_id: &str,
        (place, partition): (Place<'_>, &Partition),
        sender: Sender,
        batch: &ValidBatch<'_>,
    ) -> Result<Written, Rejected> {
        let now_ms = cluster.clock.wall_ms();
        let claim = |proof| Claim { proof, bumps_epoch: admission.bumps_epoch(), now_ms };
        let guard = match partition.append_in(batch, claim(Proof::None), sender) {
            Ok(written) => return Ok(written),
            Err(Unappended::Rejected(rejected)) => return Err(rejected),
            Err(Unappended::Unverified(guard)) => guard,
        };
        self.ask(cluster, waiter, admission, transactional_id, place, &batch.header)?;
        partition.append_in(batch, claim(Proof::Verified(guard)), sender).map_err(Unappended::into_rejected)
    }

    /// Does for a batch that is refused what comes before that for any: as Kafka, whose coordinator is asked before the
    /// batch is looked at, it may have begun its transaction.
    ///
    /// # Errors
    ///
    /// What the coordinator says is told, and not what is wrong with the batch.
    pub(crate) fn admit_refused(
        &self,
        cluster: &Cluster,
        waiter: &Arc<Waiter>,
        admission: Admission,
        transactional_id: &str,
        (place, partition): (Place<'_>, &Partition),
        batch: &BatchHeader,
    ) -> Result<(), Rejected> {
        let now_ms = cluster.clock.wall_ms();
        let claim = Claim { proof: Proof::None, bumps_epoch: admission.bumps_epoch(), now_ms };
        if batch.has_producer_id() && partition.verify_refused(batch, claim)? {
            self.ask(cluster, waiter, admission, transactional_id, place, batch)?;
        }
        Ok(())
    }

    /// Asks the coordinator whether the transaction of a batch is open in a partition, or opens it there.
    fn ask(
        &self,
        cluster: &Cluster,
        waiter: &Arc<Waiter>,
        admission: Admission,
        transactional_id: &str,
        place: Place<'_>,
        batch: &BatchHeader,
    ) -> Result<(), Rejected> {
        if admission != Admission::Add && !cluster.dynamic.verify_partitions() {
            return Ok(());
        }
        let writer = Writer { transactional_id, producer_id: batch.producer_id, epoch: batch.producer_epoch };
        let partition = (Arc::from(place.topic), place.partition);
        let admitted = self.admit(cluster, waiter, admission, writer, &partition, || ());
        admitted.map_err(|code| refused(code, admission))
    }
}

fn unverified(underlying: &str) -> Rejected {
    let why = "Unable to verify the partition has been added to the transaction. Underlying error: ";
    Rejected::told(ErrorCode::NotEnoughReplicas, format!("{why}{underlying}"))
}

/// In words, and in codes that producers know to repeat.
fn refused(code: ErrorCode, admission: Admission) -> Rejected {
    match code {
        ErrorCode::InvalidTxnState => Rejected::told(code, "Partition was not added to the transaction"),
        ErrorCode::ConcurrentTransactions if admission != Admission::Add => unverified("CONCURRENT_TRANSACTIONS"),
        ErrorCode::CoordinatorLoadInProgress => unverified("COORDINATOR_LOAD_IN_PROGRESS"),
        ErrorCode::CoordinatorNotAvailable => unverified("COORDINATOR_NOT_AVAILABLE"),
        _ => Rejected::new(code, format!("the transaction does not allow it: {code:?}")),
    }
}
