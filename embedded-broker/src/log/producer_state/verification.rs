//! Batches that would begin a transaction here and wait for the coordinator to say that it knows of it.
//!
//! Between the coordinator's word and the append the transaction may end, and another begin that does not know of this
//! partition. A number that is given out once and dies with the next marker tells the two apart: without it, records
//! would be written that no marker ever follows, and readers would wait at them for ever.

use std::collections::HashMap;

use crate::error::ErrorCode;
use crate::log::batch::BatchHeader;
use crate::log::validate::{Rejected, rejected};

/// Names one verification; never given out twice by a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guard(u64);

/// What shows that the coordinator knows of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing. Enough where the transaction is open already.
    None,
    /// The coordinator was asked while this was valid, and said yes.
    Verified(Guard),
}

/// The verifications under way, one a producer.
#[derive(Debug, Default)]
pub(super) struct Verifications {
    by_producer: HashMap<i64, Verification>,
    last: u64,
}

#[derive(Debug)]
struct Verification {
    guard: Guard,
    epoch: i16,
    /// Whether each transaction of this producer has an epoch of its own.
    bumps_epoch: bool,
    /// Nothing above it may be written first, or this one would be out of order for ever.
    lowest_sequence: i32,
    began_ms: i64,
}

impl super::ProducerStates {
    /// Begins to verify that the transaction of `batch` is open, or goes on with it.
    pub(crate) fn verify(&mut self, batch: &BatchHeader, bumps_epoch: bool, now_ms: i64) -> Guard {
        self.verifications.begin(batch, bumps_epoch, now_ms)
    }
}

impl Verifications {
    fn begin(&mut self, batch: &BatchHeader, bumps_epoch: bool, now_ms: i64) -> Guard {
        let (epoch, sequence) = (batch.producer_epoch, batch.base_sequence);
        let last = &mut self.last;
        let verification = self.by_producer.entry(batch.producer_id).or_insert_with(|| {
            *last += 1;
            Verification { guard: Guard(*last), epoch, bumps_epoch, lowest_sequence: sequence, began_ms: now_ms }
        });
        if epoch > verification.epoch {
            verification.epoch = epoch;
            verification.lowest_sequence = sequence;
        } else if epoch == verification.epoch {
            verification.lowest_sequence = verification.lowest_sequence.min(sequence);
        }
        verification.guard
    }

    pub(super) fn proves(&self, producer_id: i64, proof: Proof) -> bool {
        let Proof::Verified(guard) = proof else { return false };
        self.by_producer.get(&producer_id).is_some_and(|verification| verification.guard == guard)
    }

    pub(super) fn check_sequence(&self, batch: &BatchHeader, has_batches: bool) -> Result<(), Rejected> {
        // Looked up for every batch of a producer: nearly always there is nothing to look at.
        if self.by_producer.is_empty() {
            return Ok(());
        }
        let Some(verification) = self.by_producer.get(&batch.producer_id) else { return Ok(()) };
        let (id, first) = (batch.producer_id, batch.base_sequence);
        if verification.bumps_epoch && first != 0 && !has_batches {
            let message = format!(
                "Invalid sequence number for producer {id}: {first} (incoming seq. number). Expected sequence 0 for \
                 transactions v2 idempotent producer with no existing state."
            );
            return rejected(ErrorCode::OutOfOrderSequenceNumber, message);
        }
        if first > verification.lowest_sequence {
            let lowest = verification.lowest_sequence;
            let message = format!(
                "Out of order sequence number for producer {id}: {first} (incoming seq. number), {lowest} (earliest seen \
                 sequence)"
            );
            return rejected(ErrorCode::OutOfOrderSequenceNumber, message);
        }
        Ok(())
    }

    /// The transaction has a batch here now: that is proof from here on.
    pub(super) fn end(&mut self, producer_id: i64) {
        self.by_producer.remove(&producer_id);
    }

    /// A marker was written: what was verified before it does not hold any more, unless it was the next transaction,
    /// which has the marker's epoch where epochs are bumped.
    pub(super) fn marked(&mut self, producer_id: i64, marker_epoch: i16) {
        let is_next = |verification: &Verification| verification.bumps_epoch && verification.epoch == marker_epoch;
        if !self.by_producer.get(&producer_id).is_some_and(is_next) {
            self.by_producer.remove(&producer_id);
        }
    }

    pub(super) fn expire(&mut self, now_ms: i64, idle_ms: i64) {
        self.by_producer.retain(|_, verification| now_ms.saturating_sub(verification.began_ms) < idle_ms);
    }
}
