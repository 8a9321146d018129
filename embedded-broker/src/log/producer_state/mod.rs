//! What a partition remembers of its producers: enough to tell the next batch, a repetition and a gap apart, and to know
//! which transactions are open.
//!
//! Nothing changes while a batch is judged ([`ProducerStates::check`]); what was appended is noted in one place for data
//! ([`ProducerStates::appended`]) and one for the end of a transaction ([`ProducerStates::ended`]), which recovery can
//! call as well. What waits for the transaction coordinator's word (`verification.rs`) is never kept.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::batch::{BatchHeader, sequence_after};
use super::validate::{Rejected, rejected};
use crate::error::ErrorCode;
pub(crate) use last_records::LastRecord;
pub(crate) use snapshot::ProducerEntry;
use verification::Verifications;
pub(crate) use verification::{Guard, Proof};

mod last_records;
mod snapshot;
#[cfg(test)]
mod tests;
mod transaction;
mod verification;

/// Batches remembered for each producer: as many as a client may have in flight.
const REMEMBERED: usize = 5;
/// The epoch of a coordinator nobody has heard of.
const NO_COORDINATOR: i32 = -1;

/// Kafka's word for no epoch, which a client may send all the same.
const NO_EPOCH: i16 = -1;

/// The producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct ProducerStates {
    by_id: HashMap<i64, Producer>,
    /// Open transactions: the offset each began at, and whose it is.
    open: BTreeMap<i64, i64>,
    verifications: Verifications,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    /// The oldest first; none after the end of a transaction that brought a new epoch.
    batches: VecDeque<Remembered>,
    /// Where the open transaction began.
    open_since: Option<i64>,
    /// Of the coordinator that wrote the last marker.
    coordinator_epoch: i32,
    /// Of the last batch or marker.
    last_timestamp: i64,
}

#[derive(Debug, Clone, Copy)]
struct Remembered {
    first_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    max_timestamp: i64,
}

/// What to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is new.
    Append,
    /// It is here already; this is what its first acknowledgement said.
    Duplicate {
        /// Where it lies.
        base_offset: i64,
        /// Its highest timestamp, whoever set it: Kafka answers a repetition with this for the append time.
        max_timestamp: i64,
    },
    /// It would begin a transaction here, and nothing shows yet that the coordinator knows of it.
    Unverified,
}

/// A producer as DescribeProducers shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerDescription {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// -1 when no batch of this epoch is remembered.
    pub(crate) last_sequence: i32,
    pub(crate) last_timestamp: i64,
    pub(crate) coordinator_epoch: i32,
    /// Where its open transaction began, or -1.
    pub(crate) open_since: i64,
}

impl ProducerStates {
    /// Judges a batch; nothing changes until [`appended`](Self::appended).
    pub(crate) fn check(&self, batch: &BatchHeader, proof: Proof) -> Result<Verdict, Rejected> {
        if !batch.has_producer_id() {
            return Ok(Verdict::Append);
        }
        self.check_epoch(batch)?;
        let known = self.by_id.get(&batch.producer_id);
        // As Kafka: a repetition is looked for once it is known to belong to the open transaction.
        let is_proven = || self.has_open(batch) || self.verifications.proves(batch.producer_id, proof);
        if batch.is_transactional() && !is_proven() {
            return Ok(Verdict::Unverified);
        }
        if let Some(seen) = known.and_then(|producer| producer.seen(batch)) {
            return Ok(Verdict::Duplicate { base_offset: seen.base_offset, max_timestamp: seen.max_timestamp });
        }
        self.verifications.check_sequence(batch, known.is_some_and(|producer| !producer.batches.is_empty()))?;
        // Of a producer nobody knows any first sequence is good: its state may have been deleted with its records.
        if let Some(producer) = known {
            producer.check_sequence(batch)?;
            producer.check_transactional(batch)?;
        }
        Ok(Verdict::Append)
    }

    /// # Errors
    ///
    /// A newer epoch of the producer was heard of.
    pub(crate) fn check_epoch(&self, batch: &BatchHeader) -> Result<(), Rejected> {
        let known = self.by_id.get(&batch.producer_id);
        known.map_or(Ok(()), |producer| producer.check_epoch(batch.producer_id, batch.producer_epoch))
    }

    /// Remembers a batch that was appended at `base_offset`.
    pub(crate) fn appended(&mut self, batch: &BatchHeader, base_offset: i64) {
        if !batch.has_producer_id() {
            return;
        }
        let producer = self.by_id.entry(batch.producer_id).or_insert_with(|| Producer::new(batch.producer_epoch));
        producer.take_epoch(batch.producer_epoch);
        producer.remember(batch, base_offset);
        if batch.is_transactional() {
            if producer.open_since.is_none() {
                producer.open_since = Some(base_offset);
                self.open.insert(base_offset, batch.producer_id);
            }
            self.verifications.end(batch.producer_id);
        }
    }

    /// Forgets producers that were silent for `idle_ms`, unless they have a transaction open.
    pub(crate) fn expire(&mut self, now_ms: i64, idle_ms: i64) {
        let idle = |since: i64| now_ms.saturating_sub(since) >= idle_ms;
        self.by_id.retain(|_, producer| producer.open_since.is_some() || !idle(producer.last_timestamp));
        self.verifications.expire(now_ms, idle_ms);
    }

    /// Everybody who is remembered, by id.
    pub(crate) fn describe(&self) -> Vec<ProducerDescription> {
        let mut all: Vec<_> = self.by_id.iter().map(|(id, producer)| producer.describe(*id)).collect();
        all.sort_unstable_by_key(|producer| producer.producer_id);
        all
    }
}

impl Producer {
    fn new(epoch: i16) -> Self {
        Self {
            epoch,
            batches: VecDeque::new(),
            open_since: None,
            coordinator_epoch: NO_COORDINATOR,
            last_timestamp: -1,
        }
    }

    fn seen(&self, batch: &BatchHeader) -> Option<&Remembered> {
        let (first, last) = (batch.base_sequence, batch.last_sequence());
        let same = |seen: &&Remembered| seen.first_sequence == first && seen.last_sequence == last;
        if batch.producer_epoch == self.epoch { self.batches.iter().find(same) } else { None }
    }

    fn check_epoch(&self, id: i64, epoch: i16) -> Result<(), Rejected> {
        if epoch >= self.epoch {
            return Ok(());
        }
        let message =
            format!("Epoch of producer {id} is {epoch}, which is smaller than the last seen epoch {}", self.epoch);
        rejected(ErrorCode::InvalidProducerEpoch, message)
    }

    fn check_sequence(&self, batch: &BatchHeader) -> Result<(), Rejected> {
        let (id, epoch, first) = (batch.producer_id, batch.producer_epoch, batch.base_sequence);
        // As Kafka: nothing is known of a producer without an epoch, and any sequence follows.
        if self.epoch == NO_EPOCH {
            return Ok(());
        }
        if epoch > self.epoch {
            if first == 0 {
                return Ok(());
            }
            let message = format!("epoch {epoch} of producer {id} must begin with sequence 0, not {first}");
            return rejected(ErrorCode::OutOfOrderSequenceNumber, message);
        }
        let expected = self.batches.back().map_or(0, |newest| sequence_after(newest.last_sequence, 1));
        if first == expected {
            return Ok(());
        }
        let message = format!("producer {id} sent sequence {first} where {expected} comes next");
        rejected(ErrorCode::OutOfOrderSequenceNumber, message)
    }

    /// A new epoch empties the memory: its sequences begin at 0.
    fn take_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.batches.clear();
        }
    }

    fn remember(&mut self, batch: &BatchHeader, base_offset: i64) {
        if self.batches.len() == REMEMBERED {
            self.batches.pop_front();
        } else if self.batches.is_empty() {
            self.batches.reserve_exact(REMEMBERED);
        }
        let (first_sequence, last_sequence) = (batch.base_sequence, batch.last_sequence());
        let max_timestamp = batch.max_timestamp;
        self.batches.push_back(Remembered { first_sequence, last_sequence, base_offset, max_timestamp });
        self.last_timestamp = max_timestamp;
    }

    fn describe(&self, producer_id: i64) -> ProducerDescription {
        ProducerDescription {
            producer_id,
            epoch: self.epoch,
            last_sequence: self.batches.back().map_or(-1, |newest| newest.last_sequence),
            last_timestamp: self.last_timestamp,
            coordinator_epoch: self.coordinator_epoch,
            open_since: self.open_since.unwrap_or(-1),
        }
    }
}
