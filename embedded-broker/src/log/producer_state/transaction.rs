//! Transactions as one partition sees them: open from the first batch to the marker that ends them.

use super::{Producer, ProducerStates};
use crate::error::ErrorCode;
use crate::log::batch::BatchHeader;
use crate::log::marker::EndMarker;
use crate::log::validate::{Rejected, rejected};

impl ProducerStates {
    /// Where the oldest open transaction began: nothing from there on is decided.
    pub(crate) fn first_undecided(&self) -> Option<i64> {
        self.open.first_key_value().map(|(offset, _)| *offset)
    }

    /// Whether the producer of a batch has a transaction open here, in the batch's epoch.
    pub(crate) fn has_open(&self, batch: &BatchHeader) -> bool {
        let known = self.by_id.get(&batch.producer_id);
        known.is_some_and(|producer| producer.open_since.is_some() && producer.epoch == batch.producer_epoch)
    }

    /// Judges the end of a transaction; nothing changes until [`ended`](Self::ended).
    ///
    /// # Errors
    ///
    /// A newer epoch of the producer, or of the coordinator, was heard of.
    pub(crate) fn check_marker(&self, marker: &EndMarker) -> Result<(), Rejected> {
        let Some(producer) = self.by_id.get(&marker.producer_id) else { return Ok(()) };
        producer.check_epoch(marker.producer_id, marker.producer_epoch)?;
        if producer.coordinator_epoch > marker.coordinator_epoch {
            let (id, known, epoch) = (marker.producer_id, producer.coordinator_epoch, marker.coordinator_epoch);
            let message = format!("Invalid coordinator epoch for producerId {id}: {epoch} (zombie), {known} (current)");
            return rejected(ErrorCode::TransactionCoordinatorFenced, message);
        }
        Ok(())
    }

    /// Notes that a transaction has ended. Returns where it began, unless it had no records here.
    pub(crate) fn ended(&mut self, marker: &EndMarker, timestamp: i64) -> Option<i64> {
        let fresh = || Producer::new(marker.producer_epoch);
        let producer = self.by_id.entry(marker.producer_id).or_insert_with(fresh);
        producer.take_epoch(marker.producer_epoch);
        producer.coordinator_epoch = marker.coordinator_epoch;
        producer.last_timestamp = timestamp;
        let began = producer.open_since.take();
        if let Some(began) = began {
            self.open.remove(&began);
        }
        self.verifications.marked(marker.producer_id, marker.producer_epoch);
        began
    }
}

impl Producer {
    /// # Errors
    ///
    /// While a transaction is open, everything its producer sends belongs to it.
    pub(super) fn check_transactional(&self, batch: &BatchHeader) -> Result<(), Rejected> {
        if self.open_since.is_none() || batch.is_transactional() {
            return Ok(());
        }
        let message = format!("Expected transactional write from producer {}", batch.producer_id);
        rejected(ErrorCode::InvalidTxnState, message)
    }
}
