//! Histories of everything that changes a log, together: transactions, compaction, truncation and DeleteRecords, read as
//! consumers read them and held against a list of what happened.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Producers 0 and 1 write in transactions, 2 writes plainly.
const PRODUCERS: i64 = 3;
const PLAIN: i64 = 2;

#[derive(Debug, Clone)]
enum Step {
    Write {
        producer: i64,
        /// Key, and value or none of a tombstone.
        records: Vec<(u8, Option<u8>)>,
    },
    End {
        producer: i64,
        commit: bool,
    },
    /// Compaction, this much later than the last.
    Compact {
        after_ms: i64,
    },
    /// To this share of what there is.
    Delete(u8),
    /// To this share of what came after the last compaction.
    Truncate(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let record = (0..4_u8, prop::option::weighted(0.8, 0..10_u8));
    prop_oneof![
        8 => (0..PRODUCERS, prop::collection::vec(record, 1..4))
            .prop_map(|(producer, records)| Step::Write { producer, records }),
        5 => (0..PLAIN, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        2 => (0..3_000_i64).prop_map(|after_ms| Step::Compact { after_ms }),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => any::<u8>().prop_map(Step::Truncate),
    ]
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 400, compacted: true, delete_retention_ms: 1_000, ..LogConfig::default() }
}

/// A record as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    offset: i64,
    key: u8,
    value: Option<u8>,
}

/// What was written, in order.
#[derive(Debug, Clone, Copy)]
enum Entry {
    Record { producer: i64, record: Seen },
    Marker { producer: i64, offset: i64, commit: bool },
}

#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    now_ms: i64,
    epoch: i32,
    /// Where the log ended when it was compacted.
    settled: i64,
}

impl Model {
    fn apply(&mut self, log: &mut PartitionLog, step: &Step) {
        match step {
            Step::Write { producer, records } => self.write(log, *producer, records),
            Step::End { producer, commit } => self.end(log, *producer, *commit),
            Step::Compact { after_ms } => self.compact(log, *after_ms),
            Step::Delete(share) => {
                log.delete_before(part(0, log.end_offset(), *share)).unwrap();
            }
            Step::Truncate(share) => self.truncate(log, *share),
        }
    }

    fn write(&mut self, log: &mut PartitionLog, producer: i64, records: &[(u8, Option<u8>)]) {
        let known = log.producers().describe().into_iter().find(|known| known.producer_id == producer);
        let sequence = known.map_or(0, |known| known.last_sequence + 1);
        let record = |(key, value): &(u8, Option<u8>)| (1_000, Some(vec![*key]), value.map(|value| vec![value]));
        let batch = TestBatch {
            records: records.iter().map(record).collect(),
            producer: (producer, 0, sequence),
            attributes: if producer == PLAIN { 0 } else { 1 << 4 },
        };
        let bytes = batch.bytes();
        let batch = valid(&bytes);
        let proof = match producer {
            PLAIN => Proof::None,
            _ => Proof::Verified(log.producers_mut().verify(&batch.header, false, 0)),
        };
        let Outcome::Appended(appended) = log.append(&batch, proof, self.epoch, &config()).unwrap() else {
            panic!("the batch was verified");
        };
        for (offset, (key, value)) in (appended.base_offset..).zip(records) {
            let record = Seen { offset, key: *key, value: *value };
            self.entries.push(Entry::Record { producer, record });
        }
    }

    fn end(&mut self, log: &mut PartitionLog, producer: i64, commit: bool) {
        let marker = EndMarker { producer_id: producer, producer_epoch: 0, coordinator_epoch: 0, committed: commit };
        let batch = marker.batch(&config(), 1_000);
        let offset = log.append_marker(&marker, &batch, self.epoch, &config()).unwrap();
        self.entries.push(Entry::Marker { producer, offset, commit });
    }

    fn compact(&mut self, log: &mut PartitionLog, after_ms: i64) {
        self.now_ms += after_ms;
        log.roll();
        if let Some(cleanable) = log.cleanable(&config(), self.now_ms, true) {
            let cleaned = clean(&cleanable, &config(), self.now_ms).unwrap();
            assert!(log.replace(cleaned), "nothing has happened meanwhile");
            self.settled = log.end_offset();
        }
    }

    /// Nothing that a compaction went by is cut off: every replica had it, so none that lacks it becomes the leader.
    fn truncate(&mut self, log: &mut PartitionLog, share: u8) {
        let offset = part(self.settled.max(log.start_offset()), log.end_offset(), share);
        self.epoch += 1;
        log.truncate_to(offset, self.epoch).unwrap();
        // A batch that is cut in two goes whole.
        let bytes = read(log, log.start_offset(), usize::MAX, true).unwrap();
        let end = batch::headers(&bytes).last().map_or(log.start_offset(), |(_, header)| header.last_offset() + 1);
        self.entries.retain(|entry| entry.offset() < end.min(offset));
    }

    /// What becomes of a producer's records behind this entry.
    fn fate(&self, place: usize, producer: i64) -> Option<bool> {
        if producer == PLAIN {
            return Some(true);
        }
        self.entries[place..].iter().find_map(|entry| match entry {
            Entry::Marker { producer: by, commit, .. } if *by == producer => Some(*commit),
            _ => None,
        })
    }

    fn records(&self, from: i64, until: i64) -> impl Iterator<Item = (Seen, Option<bool>)> {
        self.entries.iter().enumerate().filter_map(move |(place, entry)| match *entry {
            Entry::Record { producer, record } if (from..until).contains(&record.offset) => {
                Some((record, self.fate(place, producer)))
            }
            _ => None,
        })
    }

    /// Where the oldest undecided record lies from an offset on; or the end.
    fn first_undecided(&self, from: i64, end: i64) -> i64 {
        self.records(from, end).find(|(_, fate)| fate.is_none()).map_or(end, |(record, _)| record.offset)
    }
}

impl Entry {
    fn offset(&self) -> i64 {
        match self {
            Self::Record { record, .. } => record.offset,
            Self::Marker { offset, .. } => *offset,
        }
    }
}

fn part(from: i64, until: i64, share: u8) -> i64 {
    from + (until - from) * i64::from(share) / 256
}

/// Reads what is committed as clients do: in pieces, skipping the producers whose aborted transactions they are told of
/// from their first offset to their marker.
fn read_committed(log: &PartitionLog, max: usize) -> Vec<Seen> {
    let (mut seen, mut offset, until) = (Vec::new(), log.start_offset(), log.last_stable_offset());
    while offset < until {
        let mut pieces = Vec::new();
        log.read(offset, until, max, true, &mut pieces).unwrap();
        let aborted = log.aborted_in(offset, &pieces);
        let bytes = pieces.concat();
        let mut skipped = BTreeSet::new();
        let mut told = aborted.iter().peekable();
        for (at, header) in batch::headers(&bytes) {
            while let Some(aborted) = told.next_if(|aborted| aborted.first_offset <= header.last_offset()) {
                skipped.insert(aborted.producer_id);
            }
            offset = header.last_offset() + 1;
            let whole = &bytes[at..at + header.total_len()];
            assert_eq!(header.crc, batch::checksum(whole));
            if header.is_control() {
                if EndMarker::read(&header, whole).is_some_and(|marker| !marker.committed) {
                    skipped.remove(&header.producer_id);
                }
            } else if !(header.is_transactional() && skipped.contains(&header.producer_id)) {
                seen.extend(records_of(whole));
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    seen.retain(|record| record.offset >= log.start_offset());
    seen
}

fn records_of(batch: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    for_each_record(batch, |at| {
        let value = at.record.value.map(|value| value[0]);
        all.push(Seen { offset: at.offset, key: at.record.key.unwrap()[0], value });
        true
    })
    .unwrap();
    all
}

/// The latest value of each key that has one.
fn latest(records: &[Seen]) -> BTreeMap<u8, (i64, u8)> {
    let mut latest = BTreeMap::new();
    for record in records {
        match record.value {
            Some(value) => latest.insert(record.key, (record.offset, value)),
            None => latest.remove(&record.key),
        };
    }
    latest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happens_to_a_log_readers_see_what_was_committed(
        steps in prop::collection::vec(step(), 1..60),
        max in 1..2_000_usize,
    ) {
        let (mut log, mut model) = (PartitionLog::new(0), Model::default());
        for step in &steps {
            model.apply(&mut log, step);
            let (start, end, stable) = (log.start_offset(), log.end_offset(), log.last_stable_offset());
            // Of a transaction that began in front of the start, it may be forgotten where.
            let undecided = [model.first_undecided(0, end).max(start), model.first_undecided(start, end)];
            let undecided = undecided.map(|offset| batch_of(&log, offset));
            prop_assert!(undecided.contains(&stable), "{stable} is stable, and not one of {undecided:?}");
            let seen = read_committed(&log, max);
            let committed: Vec<_> =
                model.records(start, stable).filter(|(_, fate)| *fate == Some(true)).map(|(record, _)| record).collect();
            prop_assert!(seen.iter().all(|record| committed.contains(record)), "{seen:?} of {committed:?}");
            prop_assert!(seen.is_sorted_by(|one, next| one.offset < next.offset), "each once, in order");
            let young = committed.iter().filter(|record| record.offset >= model.settled);
            prop_assert!(young.clone().all(|record| seen.contains(record)), "what is not compacted is there");
            prop_assert_eq!(latest(&seen), latest(&committed), "of each key the latest value");
        }
    }
}

#[test]
fn a_marker_in_front_of_the_start_stays_as_long_as_a_batch_of_its_transaction() {
    let (mut log, mut model) = (PartitionLog::new(0), Model::default());
    let write = |producer| Step::Write { producer, records: vec![(0, None)] };
    let abort = Step::End { producer: 0, commit: false };
    for step in [write(0), abort, write(PLAIN), Step::Delete(171)] {
        model.apply(&mut log, &step);
    }
    assert_eq!(log.start_offset(), 2);
    for after_ms in [0, 1_000] {
        model.apply(&mut log, &Step::Compact { after_ms });
    }
    model.apply(&mut log, &Step::Truncate(0));
    assert_eq!(log.last_stable_offset(), 3, "nothing is open, also for who reads the batches anew");
}
