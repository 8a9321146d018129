//! Random histories of transactions, read as consumers read them, against a list of what happened.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::log::batch::{self, tests::TestBatch};
use crate::log::tests::valid;
use crate::log::{EndMarker, LogConfig, Outcome, PartitionLog, Proof, for_each_record};

#[test]
fn a_range_is_given_what_overlaps_it_by_first_offset() {
    let mut aborted = AbortedTransactions::default();
    // Producer 2 began before 1 ended and ended after 3.
    aborted.push(1, 0, 10, 5);
    aborted.push(3, 12, 20, 5);
    aborted.push(2, 5, 30, 31);
    aborted.push(4, 40, 50, 51);
    let found = |from, until| -> Vec<i64> {
        aborted.overlapping(from, until).iter().map(|aborted| aborted.producer_id).collect()
    };
    assert_eq!(found(0, 100), [1, 2, 3, 4]);
    assert_eq!(found(0, 5), [1]);
    assert_eq!(found(10, 11), [1, 2]);
    assert_eq!(found(11, 12), [2]);
    assert_eq!(found(30, 31), [2]);
    assert_eq!(found(31, 40), Vec::<i64>::new());
    aborted.delete_before(21);
    assert_eq!(aborted.overlapping(0, 100).len(), 2);
}

fn small_segments() -> LogConfig {
    LogConfig { segment_bytes: 700, ..LogConfig::default() }
}

#[derive(Debug, Clone)]
enum Step {
    /// A producer writes this many records, in a transaction or not.
    Write {
        producer: i64,
        records: usize,
        transactional: bool,
    },
    End {
        producer: i64,
        commit: bool,
    },
    Delete(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_i64, 1..5_usize, prop::bool::weighted(0.8))
            .prop_map(|(producer, records, transactional)| Step::Write { producer, records, transactional }),
        4 => (0..4_i64, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        1 => any::<u8>().prop_map(Step::Delete),
    ]
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Aborted,
    Undecided(i64),
}

#[derive(Default)]
struct History {
    /// Offset and fate of each record.
    records: Vec<(i64, Fate)>,
    /// First and last offset of each batch.
    batches: Vec<(i64, i64)>,
    sequences: [i32; 4],
}

impl History {
    fn apply(&mut self, log: &mut PartitionLog, step: &Step) {
        match *step {
            Step::Write { producer, records, transactional } => self.write(log, producer, records, transactional),
            Step::End { producer, commit } => {
                let marker =
                    EndMarker { producer_id: producer, producer_epoch: 0, coordinator_epoch: 0, committed: commit };
                let batch = marker.batch(&LogConfig::default(), 1_000);
                let offset = log.append_marker(&marker, &batch, 0, &small_segments()).unwrap();
                self.batches.push((offset, offset));
                let fate = if commit { Fate::Committed } else { Fate::Aborted };
                let own = |record: &&mut (i64, Fate)| record.1 == Fate::Undecided(producer);
                self.records.iter_mut().filter(own).for_each(|record| record.1 = fate);
            }
            Step::Delete(share) => {
                let offset = log.end_offset() * i64::from(share) / 256;
                log.delete_before(offset).unwrap();
            }
        }
    }

    fn write(&mut self, log: &mut PartitionLog, producer: i64, records: usize, transactional: bool) {
        let index = usize::try_from(producer).unwrap();
        // Everything a producer sends while its transaction is open belongs to it.
        let open = self.records.iter().any(|record| record.1 == Fate::Undecided(producer));
        let transactional = transactional || open;
        let mut batch = TestBatch::of(&vec!["value"; records]).from(producer, 0, self.sequences[index]);
        batch.attributes = if transactional { 1 << 4 } else { 0 };
        let bytes = batch.bytes();
        let valid = valid(&bytes);
        let proof = match transactional {
            true => Proof::Verified(log.producers_mut().verify(&valid.header, false, 0)),
            false => Proof::None,
        };
        let Outcome::Appended(appended) = log.append(&valid, proof, 0, &small_segments()).unwrap() else {
            panic!("the batch was verified");
        };
        self.sequences[index] += i32::try_from(records).unwrap();
        self.batches.push((appended.base_offset, log.end_offset() - 1));
        let fate = if transactional { Fate::Undecided(producer) } else { Fate::Committed };
        self.records.extend((appended.base_offset..).take(records).map(|offset| (offset, fate)));
    }

    /// What a reader of committed records sees from the log's start on.
    fn committed(&self, log: &PartitionLog) -> Vec<i64> {
        let undecided = |record: &&(i64, Fate)| matches!(record.1, Fate::Undecided(_));
        let stable = self.records.iter().find(undecided).map_or(log.end_offset(), |record| record.0);
        let reaches = |batch: &&(i64, i64)| batch.1 >= log.start_offset();
        let first_batch = self.batches.iter().find(reaches).map_or(log.end_offset(), |batch| batch.0);
        assert_eq!(log.last_stable_offset(), if stable < log.start_offset() { first_batch } else { stable });
        let seen =
            |record: &&(i64, Fate)| record.1 == Fate::Committed && (log.start_offset()..stable).contains(&record.0);
        self.records.iter().filter(seen).map(|record| record.0).collect()
    }
}

/// Reads as Kafka's consumers do: a producer whose aborted transaction has begun is skipped until its abort marker.
fn consume(log: &PartitionLog, max_bytes: usize) -> Vec<i64> {
    let mut seen = Vec::new();
    let mut offset = log.start_offset();
    while offset < log.last_stable_offset() {
        let mut pieces = Vec::new();
        log.read(offset, log.last_stable_offset(), max_bytes, true, &mut pieces).unwrap();
        let aborted = log.aborted_in(offset, &pieces);
        assert!(aborted.is_sorted_by_key(|aborted| aborted.first_offset));
        let bytes = Bytes::from(pieces.concat());
        let end = batch::headers(&bytes).last().expect("a batch below the last stable offset").1.last_offset() + 1;
        let misses = |aborted: &&AbortedTransaction| aborted.last_offset < offset || aborted.first_offset >= end;
        assert_eq!(aborted.iter().find(misses), None, "nothing but what overlaps {offset}..{end}");
        skip_aborted(&bytes, &aborted, offset, &mut seen);
        assert!(end > offset);
        offset = end;
    }
    seen
}

fn skip_aborted(bytes: &Bytes, aborted: &[AbortedTransaction], from: i64, seen: &mut Vec<i64>) {
    let mut waiting = aborted.iter().peekable();
    let mut skipped: Vec<i64> = Vec::new();
    for (at, header) in batch::headers(bytes) {
        while let Some(begun) = waiting.next_if(|aborted| aborted.first_offset <= header.last_offset()) {
            skipped.push(begun.producer_id);
        }
        let batch = &bytes[at..at + header.total_len()];
        if header.is_control() {
            // The type in the key of the only record: 0 aborts.
            if batch[batch::HEADER_LEN + 8] == 0 {
                skipped.retain(|id| *id != header.producer_id);
            }
        } else if !(header.is_transactional() && skipped.contains(&header.producer_id)) {
            for_each_record(batch, |at| {
                seen.extend((at.offset >= from).then_some(at.offset));
                true
            })
            .unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn readers_of_committed_records_see_each_once_and_no_aborted_one(
        steps in prop::collection::vec(step(), 1..80),
        max_bytes in 1..2_000_usize,
    ) {
        let mut log = PartitionLog::new(0);
        let mut history = History::default();
        let mut stable = 0;
        for step in &steps {
            history.apply(&mut log, step);
            prop_assert!(log.last_stable_offset() >= stable, "the last stable offset went back");
            stable = log.last_stable_offset();
            prop_assert_eq!(consume(&log, max_bytes), history.committed(&log));
        }
    }
}
