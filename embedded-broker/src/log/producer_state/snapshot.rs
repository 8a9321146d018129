//! Producers as they are written down: the last batch of each and its open transaction, as Kafka's snapshots have them.

use std::collections::VecDeque;

use super::{Producer, ProducerStates, Remembered};

/// One producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProducerEntry {
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    /// -1 if nothing of it is remembered but its epoch.
    pub(crate) last_sequence: i32,
    pub(crate) last_offset: i64,
    /// The last offset less the first of its last batch.
    pub(crate) offset_delta: i32,
    pub(crate) timestamp: i64,
    /// -1 if no transaction of it has ended.
    pub(crate) coordinator_epoch: i32,
    pub(crate) current_txn_first_offset: Option<i64>,
}

impl ProducerStates {
    /// Everybody who is remembered, by id.
    pub(crate) fn entries(&self) -> Vec<ProducerEntry> {
        let mut all: Vec<_> = self.by_id.iter().map(|(id, producer)| producer.entry(*id)).collect();
        all.sort_unstable_by_key(|entry| entry.producer_id);
        all
    }

    /// Takes up those of whom nothing is known yet, and of others what a marker has said that is gone.
    pub(crate) fn take_up(&mut self, entries: &[ProducerEntry]) {
        for entry in entries {
            match self.by_id.get_mut(&entry.producer_id) {
                Some(known) if known.epoch >= entry.producer_epoch => {
                    known.coordinator_epoch = known.coordinator_epoch.max(entry.coordinator_epoch);
                    if known.epoch == entry.producer_epoch && known.batches.is_empty() {
                        // Its marker is left, and none of its batches.
                        known.batches = Producer::of(entry).batches;
                    }
                    continue;
                }
                // The marker that has brought a newer epoch is gone.
                Some(known) => drop(known.open_since.and_then(|began| self.open.remove(&began))),
                None => {}
            }
            self.by_id.insert(entry.producer_id, Producer::of(entry));
            if let Some(first) = entry.current_txn_first_offset {
                self.open.insert(first, entry.producer_id);
            }
        }
    }
}

impl Producer {
    fn entry(&self, producer_id: i64) -> ProducerEntry {
        let (last_sequence, last_offset, offset_delta) = self.batches.back().map_or((-1, -1, 0), |newest| {
            let delta = newest.offset_delta();
            (newest.last_sequence, newest.base_offset + i64::from(delta), delta)
        });
        ProducerEntry {
            producer_id,
            producer_epoch: self.epoch,
            last_sequence,
            last_offset,
            offset_delta,
            timestamp: self.last_timestamp,
            coordinator_epoch: self.coordinator_epoch,
            current_txn_first_offset: self.open_since,
        }
    }

    fn of(entry: &ProducerEntry) -> Self {
        let batch = (entry.last_sequence >= 0).then(|| Remembered {
            first_sequence: sequence_before(entry.last_sequence, entry.offset_delta),
            last_sequence: entry.last_sequence,
            base_offset: entry.last_offset - i64::from(entry.offset_delta),
            max_timestamp: entry.timestamp,
        });
        Self {
            epoch: entry.producer_epoch,
            batches: VecDeque::from_iter(batch),
            open_since: entry.current_txn_first_offset,
            coordinator_epoch: entry.coordinator_epoch,
            last_timestamp: entry.timestamp,
        }
    }
}

impl Remembered {
    /// As many sequence numbers are between the first and the last as offsets.
    fn offset_delta(&self) -> i32 {
        match self.last_sequence.checked_sub(self.first_sequence) {
            Some(delta) if delta >= 0 => delta,
            _ => i32::MAX - self.first_sequence + self.last_sequence + 1,
        }
    }
}

/// The sequence number `n` records before `sequence`: they wrap to 0 after the largest.
fn sequence_before(sequence: i32, n: i32) -> i32 {
    match sequence - n {
        before if before >= 0 => before,
        before => i32::MAX + before + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::BatchHeader;
    use crate::log::batch::{sequence_after, tests::TestBatch};

    fn appended(sequence: i32, records: usize) -> ProducerStates {
        let bytes = TestBatch::of(&vec!["x"; records]).from(7, 2, sequence).bytes();
        let mut states = ProducerStates::default();
        states.appended(&BatchHeader::read(&bytes).unwrap(), 100);
        states
    }

    #[test]
    fn a_producer_is_the_same_after_it_was_written_down_also_where_sequences_wrap() {
        for (sequence, records) in [(0, 1), (5, 3), (i32::MAX - 1, 4), (i32::MAX, 1)] {
            let states = appended(sequence, records);
            let entries = states.entries();
            let mut restored = ProducerStates::default();
            restored.take_up(&entries);
            assert_eq!(restored.entries(), entries);
            assert_eq!(entries[0].last_sequence, sequence_after(sequence, i32::try_from(records).unwrap() - 1));
            let repeated = TestBatch::of(&vec!["x"; records]).from(7, 2, sequence).bytes();
            let header = BatchHeader::read(&repeated).unwrap();
            let verdict = restored.check(&header, super::super::Proof::None).unwrap();
            assert!(matches!(verdict, super::super::Verdict::Duplicate { base_offset: 100, .. }), "{verdict:?}");
        }
    }

    #[test]
    fn those_of_whom_more_is_known_already_are_left_as_they_are() {
        let mut newer = appended(10, 1);
        newer.take_up(&appended(0, 1).entries());
        assert_eq!(newer.entries()[0].last_sequence, 10);
    }
}
