//! Batches that belong to a transaction, on their way into a partition.

use std::sync::Arc;

use super::{Admission, Transactions, Writer};
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::error::ErrorCode;
use crate::log::{Appended, Place, Proof, Rejected, ValidBatch};
use crate::partition::{Claim, Partition, Unappended};

impl Transactions {
    /// Appends a batch of a transaction. Only the first one in a partition needs the coordinator: nothing is asked, and no
    /// lock taken but the partition's, for those that find their transaction open there.
    pub(crate) fn append(
        &self,
        cluster: &Cluster,
        waiter: &Arc<Waiter>,
        admission: Admission,
        transactional_id: &str,
        (place, partition): (Place<'_>, &Partition),
        batch: &ValidBatch<'_>,
    ) -> Result<(Appended, i64), Rejected> {
        let now_ms = cluster.clock.wall_ms();
        let claim = |proof| Claim { proof, bumps_epoch: admission.bumps_epoch(), now_ms };
        let guard = match partition.append_in(batch, claim(Proof::None)) {
            Ok(appended) => return Ok(appended),
            Err(Unappended::Rejected(rejected)) => return Err(rejected),
            Err(Unappended::Unverified(guard)) => guard,
        };
        if admission == Admission::Add || cluster.settings.transactions.verify_partitions {
            let (producer_id, epoch) = (batch.header.producer_id, batch.header.producer_epoch);
            let writer = Writer { transactional_id, producer_id, epoch };
            let partition = (Arc::from(place.topic), place.partition);
            let admitted = self.admit(cluster, waiter, admission, writer, &partition, || ());
            admitted.map_err(|code| refused(code, admission))?;
        }
        partition.append_in(batch, claim(Proof::Verified(guard))).map_err(Unappended::into_rejected)
    }
}

/// In words, and in codes that producers know to repeat.
fn refused(code: ErrorCode, admission: Admission) -> Rejected {
    match code {
        ErrorCode::InvalidTxnState => Rejected::told(code, "Partition was not added to the transaction"),
        ErrorCode::ConcurrentTransactions if admission != Admission::Add => Rejected::told(
            ErrorCode::NotEnoughReplicas,
            "Unable to verify the partition has been added to the transaction. Underlying error: CONCURRENT_TRANSACTIONS",
        ),
        _ => Rejected::new(code, format!("the transaction does not allow it: {code:?}")),
    }
}
