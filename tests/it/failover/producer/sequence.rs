//! [`Sequence`]: what an idempotent producer sends to one partition, and when again; pure.

use std::collections::VecDeque;

use anyhow::{Result, bail, ensure};
use embedded_broker::ErrorCode;

/// Batches that may be under way at the same time: as many as a partition remembers of a producer.
const AT_ONCE: usize = 5;

/// Refusals after which the same batch is sent again: nothing was appended, or it is not known whether all have it.
const AGAIN: [ErrorCode; 8] = [
    ErrorCode::NotLeaderOrFollower,
    ErrorCode::LeaderNotAvailable,
    ErrorCode::UnknownTopicOrPartition, // A node that has just come back may not know of it yet.
    ErrorCode::RequestTimedOut,
    ErrorCode::NotEnoughReplicas,
    ErrorCode::NotEnoughReplicasAfterAppend,
    ErrorCode::BrokerNotAvailable,
    ErrorCode::NetworkException,
];

/// Numbers that are sent as one, always with the same sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// Of its first number.
    pub(super) sequence: i32,
    pub(super) numbers: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waits,
    UnderWay,
    Acknowledged,
}

/// The batches of one partition from the first on that is not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    batches: VecDeque<(Batch, State)>,
    next: i32,
    /// Something was acknowledged. Before, the partition does not know the producer and takes any batch for its first, so that
    /// none may be under way behind the first.
    is_known: bool,
    /// What is under way behind a batch that was refused comes out of order: nothing is sent before all of it is answered.
    is_refused: bool,
}

impl Sequence {
    /// How many are not acknowledged is bounded: one more may be added.
    pub(super) fn has_room(&self) -> bool {
        self.batches.len() < AT_ONCE
    }

    pub(super) fn add(&mut self, numbers: Vec<usize>) -> Result<()> {
        let batch = Batch { sequence: self.next, numbers };
        self.next += i32::try_from(batch.numbers.len())?;
        self.batches.push_back((batch, State::Waits));
        Ok(())
    }

    /// The batch that is to be sent now; it is under way then.
    pub(super) fn send(&mut self) -> Option<&Batch> {
        let window = if self.is_known { AT_ONCE } else { 1 };
        let mut may_be_sent = self.batches.iter_mut().take(if self.is_refused { 0 } else { window });
        let (batch, state) = may_be_sent.find(|(_, state)| *state == State::Waits)?;
        *state = State::UnderWay;
        Some(batch)
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.batches.iter().any(|(_, state)| *state == State::UnderWay)
    }

    /// A batch was refused, and all that was under way with it is answered.
    pub(super) fn is_stuck(&self) -> bool {
        self.is_refused && !self.is_under_way()
    }

    /// On another connection: what is not acknowledged is sent again, in order and as it was.
    pub(super) fn begin_again(&mut self) {
        self.is_refused = false;
        for (_, state) in self.batches.iter_mut().filter(|(_, state)| *state == State::UnderWay) {
            *state = State::Waits;
        }
    }

    /// The answer to the oldest batch that is under way: which numbers are there, each with its offset.
    ///
    /// # Errors
    /// No broker may answer so.
    pub(super) fn answered(&mut self, code: i16, offset: i64) -> Result<Vec<(usize, i64)>> {
        let is_first = self.batches.front().is_some_and(|(_, state)| *state == State::UnderWay);
        let Some((batch, state)) = self.batches.iter_mut().find(|(_, state)| *state == State::UnderWay) else {
            bail!("an answer to nothing: {code} at {offset}");
        };
        if code == 0 {
            ensure!(offset >= 0, "{batch:?} is there, and not told where");
            *state = State::Acknowledged;
            let there = batch.numbers.iter().copied().zip(offset..).collect();
            self.is_known = true;
            while self.batches.front().is_some_and(|(_, state)| *state == State::Acknowledged) {
                self.batches.pop_front();
            }
            return Ok(there);
        }
        // What is acknowledged the partition has, and so it cannot lack anything before the first that is not.
        let is_behind = code == ErrorCode::OutOfOrderSequenceNumber.code() && !is_first;
        ensure!(is_behind || AGAIN.iter().any(|again| again.code() == code), "{batch:?} is answered with {code}");
        *state = State::Waits;
        self.is_refused = true;
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: i16 = 19;
    const OUT_OF_ORDER: i16 = 45;

    /// All that is to be sent now, by its first number and sequence.
    fn sent(sequence: &mut Sequence) -> Vec<(usize, i32)> {
        std::iter::from_fn(|| sequence.send().map(|batch| (batch.numbers[0], batch.sequence))).collect()
    }

    /// Batches of two numbers each, of which the first is acknowledged.
    fn known(n_batches: usize) -> Sequence {
        let mut sequence = Sequence::default();
        for first in 0..=n_batches {
            sequence.add(vec![2 * first, 2 * first + 1]).unwrap();
        }
        assert_eq!(sent(&mut sequence), [(0, 0)], "nothing behind the first one");
        assert_eq!(sequence.answered(0, 7).unwrap(), [(0, 7), (1, 8)]);
        sequence
    }

    #[test]
    fn five_batches_are_under_way_once_the_first_of_all_is_acknowledged() {
        let mut sequence = known(6);
        assert_eq!(sent(&mut sequence), [(2, 2), (4, 4), (6, 6), (8, 8), (10, 10)]);
        assert_eq!(sequence.answered(0, 9).unwrap(), [(2, 9), (3, 10)]);
        assert_eq!(sent(&mut sequence), [(12, 12)]);
    }

    #[test]
    fn what_was_refused_and_what_came_behind_it_is_sent_again_as_it_was_when_all_of_it_is_answered() {
        let mut sequence = known(3);
        assert_eq!(sent(&mut sequence).len(), 3);
        sequence.answered(REFUSED, -1).unwrap();
        sequence.answered(OUT_OF_ORDER, -1).unwrap();
        assert!(sent(&mut sequence).is_empty() && !sequence.is_stuck());
        sequence.answered(OUT_OF_ORDER, -1).unwrap();
        assert!(sequence.is_stuck());
        sequence.begin_again();
        assert_eq!(sent(&mut sequence), [(2, 2), (4, 4), (6, 6)]);
    }

    #[test]
    fn what_is_acknowledged_behind_a_batch_whose_time_ran_out_is_not_sent_again_and_holds_its_place() {
        let mut sequence = known(6);
        sent(&mut sequence);
        sequence.answered(ErrorCode::RequestTimedOut.code(), 9).unwrap();
        assert_eq!(sequence.answered(0, 11).unwrap(), [(4, 11), (5, 12)]);
        sequence.begin_again(); // The others were under way when the connection broke.
        assert_eq!(sent(&mut sequence), [(2, 2), (6, 6), (8, 8), (10, 10)], "not more than five from the first");
        sequence.answered(0, 9).unwrap();
        assert_eq!(sent(&mut sequence), [(12, 12)]);
    }

    #[test]
    fn a_broker_that_lacks_what_it_has_acknowledged_is_wrong() {
        let mut sequence = known(2);
        sent(&mut sequence);
        assert!(sequence.answered(OUT_OF_ORDER, -1).is_err());
        let mut sequence = known(2);
        assert!(sequence.answered(0, 9).is_err(), "an answer to nothing");
    }
}
