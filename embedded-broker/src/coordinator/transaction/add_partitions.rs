//! AddPartitionsToTxn and what stands for it: partitions and groups join the transaction, which begins with the first.

use super::machine::Transaction;
use super::record::{Generation, TopicPartition, TransactionRecord};
use super::state::TransactionState;
use super::turn::Turn;
use crate::coordinator::ErrorCode;

impl Transaction {
    /// Adds partitions to the producer's transaction, and begins it if it is none yet.
    ///
    /// # Errors
    /// Another producer has the id, or the markers of the last transaction are not written yet.
    pub(crate) fn add_partitions(
        &mut self,
        producer_id: i64,
        epoch: i16,
        partitions: &[TopicPartition],
        generation: Generation,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        self.check_producer(producer_id, epoch)?;
        self.check_settled()?;
        let known = &self.metadata;
        if known.state == TransactionState::Ongoing && partitions.iter().all(|one| known.partitions.contains(one)) {
            return Ok(());
        }
        let mut next = known.clone();
        if known.state != TransactionState::Ongoing {
            next.started_ms = turn.now_ms;
        }
        next.state = TransactionState::Ongoing;
        next.previous_producer_id = known.producer_id;
        next.partitions.extend(partitions.iter().cloned());
        next.updated_ms = turn.now_ms;
        next.generation = generation;
        self.apply(TransactionRecord::Metadata(next), turn);
        Ok(())
    }

    /// Whether a partition belongs to the producer's transaction.
    ///
    /// # Errors
    /// As [`add_partitions`](Self::add_partitions), and `TRANSACTION_ABORTABLE` if it does not.
    pub(crate) fn verify_partition(
        &self,
        producer_id: i64,
        epoch: i16,
        partition: &TopicPartition,
    ) -> Result<(), ErrorCode> {
        self.check_producer(producer_id, epoch)?;
        self.check_settled()?;
        if self.metadata.partitions.contains(partition) { Ok(()) } else { Err(ErrorCode::TransactionAbortable) }
    }

    fn check_settled(&self) -> Result<(), ErrorCode> {
        match self.state() {
            TransactionState::PrepareCommit | TransactionState::PrepareAbort => Err(ErrorCode::ConcurrentTransactions),
            TransactionState::Dead => Err(ErrorCode::InvalidProducerIdMapping),
            _ => Ok(()),
        }
    }
}
