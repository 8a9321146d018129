//! Whether what is written to a partition for the first time belongs to an open transaction.

use std::sync::Arc;

use super::{TransactionCell, Transactions};
use crate::clock::Waiter;
use crate::cluster::Cluster;
use crate::coordinator::transaction::record::{Generation, TopicPartition};
use crate::error::ErrorCode;

/// What a client of some version has done, and what it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It has announced the partition, and knows no `TRANSACTION_ABORTABLE`.
    Verify,
    /// It has announced the partition.
    VerifyAbortable,
    /// Writing to the partition announces it.
    Add,
}

/// A producer that writes in a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) transactional_id: &'a str,
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

impl Admission {
    /// Produce announces its partitions from version 12 on.
    pub(crate) fn of_produce(version: i16) -> Self {
        match version {
            ..=10 => Self::Verify,
            11 => Self::VerifyAbortable,
            12.. => Self::Add,
        }
    }

    /// TxnOffsetCommit announces its group from version 5 on.
    pub(crate) fn of_offset_commit(version: i16) -> Self {
        match version {
            ..=3 => Self::Verify,
            4 => Self::VerifyAbortable,
            5.. => Self::Add,
        }
    }

    /// Whether each transaction of such a client has an epoch of its own.
    pub(crate) fn bumps_epoch(self) -> bool {
        self == Self::Add
    }

    /// As partitions, and not coordinators, say it.
    fn told(self, code: ErrorCode) -> ErrorCode {
        match code {
            ErrorCode::ProducerFenced => ErrorCode::InvalidProducerEpoch,
            ErrorCode::TransactionAbortable if self == Self::Verify => ErrorCode::InvalidTxnState,
            other => other,
        }
    }
}

impl Transactions {
    /// Asks the coordinator whether a partition belongs to the writer's transaction, or adds it, and does `then` before the
    /// transaction can end.
    ///
    /// With KIP-890 a producer goes on while the markers of its last transaction are written: it is made to wait for
    /// them here, for a little while, because sending everything again costs it more.
    ///
    /// # Errors
    ///
    /// It does not belong to it, another producer has the id, or nobody coordinates it now.
    pub(crate) fn admit<R>(
        &self,
        cluster: &Cluster,
        waiter: &Arc<Waiter>,
        admission: Admission,
        writer: Writer<'_>,
        partition: &TopicPartition,
        mut then: impl FnMut() -> R,
    ) -> Result<R, ErrorCode> {
        if writer.transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        cluster.transaction_coordinator_epoch(writer.transactional_id)?;
        let cell = self.find(writer.transactional_id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        let mut ask = || cell.admit(cluster, admission, writer, partition, &mut then);
        let mut answer = ask();
        if matches!(answer, Err(ErrorCode::ConcurrentTransactions)) && admission == Admission::Add {
            // Whoever comes first writes what is due.
            self.write_markers(cluster);
            let deadline = cluster.clock.now() + cluster.settings.transactions.add_partitions_patience;
            if cell.wait_until_settled(cluster, waiter, deadline) {
                answer = ask();
            }
        }
        answer.map_err(|code| admission.told(code))
    }
}

impl TransactionCell {
    fn admit<R>(
        self: &Arc<Self>,
        cluster: &Cluster,
        admission: Admission,
        writer: Writer<'_>,
        partition: &TopicPartition,
        then: impl FnOnce() -> R,
    ) -> Result<R, ErrorCode> {
        let Writer { producer_id, epoch, .. } = writer;
        self.turn(cluster, |transaction, turn| {
            match admission {
                Admission::Add => {
                    let added = std::slice::from_ref(partition);
                    transaction.add_partitions(producer_id, epoch, added, Generation::V2, turn)?;
                }
                Admission::Verify | Admission::VerifyAbortable => {
                    transaction.verify_partition(producer_id, epoch, partition)?;
                }
            }
            Ok(then())
        })
    }
}
