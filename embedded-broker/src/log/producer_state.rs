//! What a partition remembers of idempotent producers: enough to tell the next batch, a repetition and a gap apart.

use std::collections::{HashMap, VecDeque};

use super::batch::{BatchHeader, sequence_after};
use super::validate::{Rejected, rejected};
use crate::error::ErrorCode;

/// Batches remembered for each producer: as many as a client may have in flight.
const REMEMBERED: usize = 5;

/// The producers of one partition.
#[derive(Debug, Default)]
pub(crate) struct ProducerStates {
    by_id: HashMap<i64, Producer>,
}

#[derive(Debug)]
struct Producer {
    epoch: i16,
    /// The oldest first.
    batches: VecDeque<Remembered>,
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
}

impl ProducerStates {
    /// Judges a batch; nothing changes until [`appended`](Self::appended).
    pub(crate) fn check(&self, batch: &BatchHeader) -> Result<Verdict, Rejected> {
        if !batch.has_producer_id() {
            return Ok(Verdict::Append);
        }
        // Of a producer nobody knows any first sequence is good: its state may have been deleted with its records.
        let Some(producer) = self.by_id.get(&batch.producer_id) else { return Ok(Verdict::Append) };
        let (id, epoch) = (batch.producer_id, batch.producer_epoch);
        if epoch < producer.epoch {
            let message = format!("epoch {epoch} of producer {id} is older than {}, its current one", producer.epoch);
            return rejected(ErrorCode::InvalidProducerEpoch, message);
        }
        let (first, last) = (batch.base_sequence, batch.last_sequence());
        if epoch > producer.epoch {
            if first == 0 {
                return Ok(Verdict::Append);
            }
            let message = format!("epoch {epoch} of producer {id} must begin with sequence 0, not {first}");
            return rejected(ErrorCode::OutOfOrderSequenceNumber, message);
        }
        let same = |seen: &&Remembered| seen.first_sequence == first && seen.last_sequence == last;
        if let Some(seen) = producer.batches.iter().find(same) {
            return Ok(Verdict::Duplicate { base_offset: seen.base_offset, max_timestamp: seen.max_timestamp });
        }
        match producer.batches.back() {
            Some(newest) if first != sequence_after(newest.last_sequence, 1) => {
                let expected = sequence_after(newest.last_sequence, 1);
                let message = format!("producer {id} sent sequence {first} where {expected} comes next");
                rejected(ErrorCode::OutOfOrderSequenceNumber, message)
            }
            _ => Ok(Verdict::Append),
        }
    }

    /// Remembers a batch that was appended at `base_offset`.
    pub(crate) fn appended(&mut self, batch: &BatchHeader, base_offset: i64) {
        if !batch.has_producer_id() {
            return;
        }
        let fresh = || Producer { epoch: batch.producer_epoch, batches: VecDeque::with_capacity(REMEMBERED) };
        let producer = self.by_id.entry(batch.producer_id).or_insert_with(fresh);
        if producer.epoch != batch.producer_epoch {
            *producer = fresh();
        }
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        let (first_sequence, last_sequence) = (batch.base_sequence, batch.last_sequence());
        let max_timestamp = batch.max_timestamp;
        producer.batches.push_back(Remembered { first_sequence, last_sequence, base_offset, max_timestamp });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::tests::TestBatch;

    fn batch(epoch: i16, sequence: i32, records: usize) -> BatchHeader {
        let bytes = TestBatch::of(&vec!["x"; records]).from(7, epoch, sequence).bytes();
        BatchHeader::read(&bytes).unwrap()
    }

    fn after(batches: &[BatchHeader]) -> ProducerStates {
        let mut states = ProducerStates::default();
        for (offset, batch) in (100..).zip(batches) {
            states.appended(batch, offset);
        }
        states
    }

    fn code(states: &ProducerStates, batch: &BatchHeader) -> Result<Verdict, ErrorCode> {
        states.check(batch).map_err(|rejected| rejected.code)
    }

    #[test]
    fn the_next_sequence_is_appended_and_a_gap_is_refused() {
        let states = after(&[batch(0, 0, 3)]);
        assert_eq!(code(&states, &batch(0, 3, 1)), Ok(Verdict::Append));
        assert_eq!(code(&states, &batch(0, 4, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
    }

    #[test]
    fn each_of_the_last_five_batches_is_answered_with_its_own_offset() {
        let sent: Vec<_> = (0..6).map(|n| batch(0, n * 2, 2)).collect();
        let states = after(&sent);
        assert_eq!(code(&states, &sent[0]), Err(ErrorCode::OutOfOrderSequenceNumber), "forgotten");
        for (offset, repeated) in (101..).zip(&sent[1..]) {
            let duplicate = Verdict::Duplicate { base_offset: offset, max_timestamp: 1_000 };
            assert_eq!(code(&states, repeated), Ok(duplicate));
        }
    }

    #[test]
    fn an_unknown_producer_may_begin_anywhere() {
        assert_eq!(code(&ProducerStates::default(), &batch(3, 500, 1)), Ok(Verdict::Append));
    }

    #[test]
    fn an_older_epoch_is_fenced_and_a_newer_one_begins_at_zero() {
        let states = after(&[batch(4, 0, 1)]);
        assert_eq!(code(&states, &batch(3, 1, 1)), Err(ErrorCode::InvalidProducerEpoch));
        assert_eq!(code(&states, &batch(5, 1, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
        assert_eq!(code(&states, &batch(5, 0, 1)), Ok(Verdict::Append));
        let mut states = states;
        states.appended(&batch(5, 0, 1), 200);
        assert_eq!(code(&states, &batch(4, 1, 1)), Err(ErrorCode::InvalidProducerEpoch));
    }

    #[test]
    fn sequences_go_on_at_zero_after_the_largest() {
        let states = after(&[batch(0, i32::MAX - 1, 2)]);
        assert_eq!(code(&states, &batch(0, 0, 1)), Ok(Verdict::Append));
        let states = after(&[batch(0, i32::MAX - 1, 4)]);
        assert_eq!(code(&states, &batch(0, 2, 1)), Ok(Verdict::Append));
    }
}
