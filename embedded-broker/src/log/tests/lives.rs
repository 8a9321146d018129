//! Everything that can become of a log, mixed: transactions, compaction, retention, deletion, cuts and restarts, against a
//! list of records.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::log::aborted::AbortedTransaction;
use crate::log::batch;

const PRODUCERS: usize = 3;
const DELETE_RETENTION_MS: i64 = 1_000;

fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 400,
        compacted: true,
        deletes: true,
        delete_retention_ms: DELETE_RETENTION_MS,
        ..LogConfig::default()
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A producer writes keys with values, or tombstones, in a transaction or not.
    Write {
        producer: usize,
        records: Vec<(u8, Option<u8>)>,
        transactional: bool,
    },
    End {
        producer: usize,
        commit: bool,
    },
    Compact,
    Delete(u8),
    ExpireBySize(u16),
    Truncate(u8),
    Restart,
    Sleep(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let producer = 0..PRODUCERS;
    let records = prop::collection::vec((0..5_u8, prop::option::weighted(0.8, any::<u8>())), 1..4);
    prop_oneof![
        12 => (producer.clone(), records, prop::bool::weighted(0.6))
            .prop_map(|(producer, records, transactional)| Step::Write { producer, records, transactional }),
        6 => (producer, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        4 => Just(Step::Compact),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => (500..4_000_u16).prop_map(Step::ExpireBySize),
        1 => (128..=255_u8).prop_map(Step::Truncate),
        1 => Just(Step::Restart),
        2 => (0..2_000_i64).prop_map(Step::Sleep),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Aborted,
    Open,
}

/// A record that was sent.
#[derive(Debug, Clone)]
struct Sent {
    producer: usize,
    key: u8,
    value: Option<u8>,
    fate: Fate,
    /// The marker that has decided it.
    decided_at: i64,
    /// A compaction may have taken it away.
    may_be_gone: bool,
}

struct History {
    log: PartitionLog,
    sent: BTreeMap<i64, Sent>,
    /// Epoch and next sequence.
    producers: [(i16, i32); PRODUCERS],
    /// Where the open transaction of each began.
    open: [Option<i64>; PRODUCERS],
    leader_epoch: i32,
    now_ms: i64,
}

impl History {
    fn new() -> Self {
        Self {
            log: PartitionLog::new(0),
            sent: BTreeMap::new(),
            producers: [(0, 0); PRODUCERS],
            open: [None; PRODUCERS],
            leader_epoch: 0,
            now_ms: 10_000,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Write { producer, records, transactional } => self.write(*producer, records, *transactional),
            Step::End { producer, commit } => self.end(*producer, *commit),
            Step::Compact => self.compact(),
            Step::Delete(share) => {
                let span = self.log.end_offset() - self.log.start_offset();
                self.log.delete_before(self.log.start_offset() + span * i64::from(*share) / 512).unwrap();
            }
            Step::ExpireBySize(bytes) => {
                let config = LogConfig { retention_ms: -1, retention_bytes: i64::from(*bytes), ..config() };
                self.log.expire(self.now_ms, &config);
            }
            Step::Truncate(share) => self.truncate(*share),
            Step::Restart => self.restart(),
            Step::Sleep(ms) => self.now_ms += ms,
        }
    }

    fn write(&mut self, producer: usize, records: &[(u8, Option<u8>)], transactional: bool) {
        let transactional = transactional || self.open[producer].is_some();
        let (epoch, sequence) = self.producers[producer];
        let record = |(key, value): &(u8, Option<u8>)| (self.now_ms, Some(vec![*key]), value.map(|value| vec![value]));
        let id = i64::try_from(producer).unwrap();
        let batch = TestBatch {
            records: records.iter().map(record).collect(),
            producer: (id, epoch, sequence),
            attributes: if transactional { 1 << 4 } else { 0 },
        };
        let bytes = batch.bytes();
        let valid = valid_at(&bytes, self.now_ms);
        let proof = match transactional {
            true => Proof::Verified(self.log.producers_mut().verify(&valid.header, false, 0)),
            false => Proof::None,
        };
        let appended = self.log.append(&valid, proof, self.leader_epoch, &config()).unwrap();
        let Outcome::Appended(Appended { base_offset, duplicate: false, .. }) = appended else {
            panic!("{appended:?}");
        };
        if transactional {
            self.open[producer].get_or_insert(base_offset);
        }
        let fate = if transactional { Fate::Open } else { Fate::Committed };
        for (offset, (key, value)) in (base_offset..).zip(records) {
            let sent = Sent { producer, key: *key, value: *value, fate, decided_at: -1, may_be_gone: false };
            self.sent.insert(offset, sent);
        }
        self.producers[producer].1 += i32::try_from(records.len()).unwrap();
    }

    fn end(&mut self, producer: usize, committed: bool) {
        let producer_id = i64::try_from(producer).unwrap();
        let producer_epoch = self.producers[producer].0;
        let marker = EndMarker { producer_id, producer_epoch, coordinator_epoch: 0, committed };
        let batch = marker.batch(&config(), self.now_ms);
        let offset = self.log.append_marker(&marker, &batch, self.leader_epoch, &config()).unwrap();
        self.open[producer] = None;
        let fate = if committed { Fate::Committed } else { Fate::Aborted };
        let own = self.sent.values_mut().filter(|sent| sent.producer == producer && sent.fate == Fate::Open);
        own.for_each(|sent| (sent.fate, sent.decided_at) = (fate, offset));
    }

    fn compact(&mut self) {
        self.log.roll();
        let Some(cleanable) = self.log.cleanable(&config(), self.now_ms, true) else { return };
        let cleaned = clean(&cleanable, &config(), self.now_ms).unwrap();
        assert!(self.log.replace(cleaned));
        let until = self.log.compacted_until;
        assert!(until <= self.log.last_stable_offset(), "nothing undecided is compacted");
        let mut latest: BTreeMap<u8, i64> = BTreeMap::new();
        for (&offset, sent) in self.sent.range_mut(..until).rev() {
            let counts = sent.fate == Fate::Committed && !sent.may_be_gone;
            let is_latest = !counts || latest.insert(sent.key, offset).is_none();
            sent.may_be_gone |= !is_latest || sent.fate == Fate::Aborted || sent.value.is_none();
        }
        let there = self.there();
        let compacted = there.range(self.log.start_offset()..until).map(|(offset, _)| &self.sent[offset]);
        let keys: Vec<u8> = compacted.clone().map(|sent| sent.key).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "each key is there once: {keys:?}");
        assert!(compacted.clone().all(|sent| sent.fate == Fate::Committed), "records of aborted transactions go");
    }

    /// A replica that has followed another leader; whose transactions are open is aborted, and begins anew.
    fn truncate(&mut self, share: u8) {
        let span = self.log.end_offset() - self.log.start_offset();
        let offset = self.log.start_offset() + span * i64::from(share) / 256;
        self.leader_epoch += 1;
        self.log.truncate_to(offset, self.leader_epoch).unwrap();
        let there = self.there();
        self.sent.retain(|at, _| *at < offset);
        // A batch that was cut in two is gone whole.
        let whole = there.last_key_value().map_or(0, |(last, _)| last + 1);
        for (_, sent) in self.sent.range_mut(whole..) {
            sent.may_be_gone = true;
        }
        self.open = opened(&self.log);
        for sent in self.sent.values_mut().filter(|sent| sent.decided_at >= offset || sent.fate == Fate::Open) {
            (sent.fate, sent.decided_at) = match self.open[sent.producer] {
                Some(_) => (Fate::Open, -1),
                // Nothing of the transaction is left.
                None => (Fate::Aborted, -1),
            };
        }
        assert_eq!(self.log.last_stable_offset(), self.stable());
        for producer in 0..PRODUCERS {
            if self.open[producer].is_some() {
                self.end(producer, false);
            }
            self.producers[producer] = (self.producers[producer].0 + 1, 0);
        }
    }

    /// The log is made again of its batches, as after a restart.
    fn restart(&mut self) {
        let mut restoring = Restoring::new(self.now_ms);
        self.log.freeze_tail();
        for segment in &self.log.segments {
            for (header, bytes) in self.log.segment_batches(segment.base_offset) {
                restoring.batch(segment.base_offset, &header, bytes, &config());
            }
        }
        let (epochs, producers) = (self.log.epochs().entries().to_vec(), self.log.producers().entries());
        let active = self.log.segments.back().map_or(0, |last| last.base_offset);
        let log = restoring.finish(&epochs, &producers, (self.log.start_offset(), active));
        assert_eq!(log.start_offset(), self.log.start_offset());
        // Where a transaction began is not known any more once that was deleted: it is open from what is left of it on. When
        // a marker came that is gone is not known either.
        let but_where_it_began = |entry: ProducerEntry| {
            let is_open = entry.current_txn_first_offset.is_some();
            (is_open, ProducerEntry { current_txn_first_offset: None, timestamp: 0, ..entry })
        };
        let restored = log.producers().entries();
        let before: Vec<_> = producers.into_iter().map(but_where_it_began).collect();
        assert_eq!(restored.iter().copied().map(but_where_it_began).collect::<Vec<_>>(), before);
        assert_eq!(everything(&log), everything(&self.log));
        for entry in restored {
            let began = &mut self.open[usize::try_from(entry.producer_id).unwrap()];
            assert!(*began <= entry.current_txn_first_offset);
            *began = entry.current_txn_first_offset;
        }
        // Offsets of records that were cut off are given away again.
        assert!(log.end_offset() <= self.log.end_offset());
        self.sent.retain(|offset, _| *offset < log.end_offset());
        self.log = log;
    }

    /// What can be read, by offset.
    fn there(&self) -> BTreeMap<i64, (u8, Option<u8>)> {
        everything(&self.log)
    }

    fn stable(&self) -> i64 {
        let first = self.open.iter().flatten().min();
        first.map_or(self.log.end_offset(), |first| batch_of(&self.log, *first.max(&self.log.start_offset())))
    }

    fn check(&self, max_bytes: usize) {
        let there = self.there();
        for (offset, (key, value)) in &there {
            let sent = self.sent.get(offset).unwrap_or_else(|| panic!("nobody has sent what lies at {offset}"));
            assert_eq!((sent.key, sent.value), (*key, *value), "at {offset}");
        }
        for (offset, sent) in self.sent.range(self.log.start_offset()..) {
            assert!(sent.may_be_gone || there.contains_key(offset), "{offset} is lost: {sent:?}");
        }
        let stable = self.stable();
        assert_eq!(self.log.last_stable_offset(), stable);
        let is_committed = |offset: &i64| *offset < stable && self.sent[offset].fate == Fate::Committed;
        let committed: Vec<i64> = there.into_keys().filter(is_committed).collect();
        assert_eq!(committed_reads(&self.log, max_bytes), committed);
    }
}

fn everything(log: &PartitionLog) -> BTreeMap<i64, (u8, Option<u8>)> {
    let mut there = BTreeMap::new();
    for_each_record(&read(log, log.start_offset(), usize::MAX, true).unwrap(), |at| {
        if at.offset >= log.start_offset() {
            let (key, value) = (at.record.key.unwrap()[0], at.record.value.map(|value| value[0]));
            assert!(there.insert(at.offset, (key, value)).is_none());
        }
        true
    })
    .unwrap();
    there
}

/// Where the transactions began that the batches of a log leave open.
fn opened(log: &PartitionLog) -> [Option<i64>; PRODUCERS] {
    let mut open = [None; PRODUCERS];
    for segment in &log.segments {
        for (header, bytes) in log.segment_batches(segment.base_offset) {
            let producer = usize::try_from(header.producer_id).unwrap();
            match header.is_control() {
                true if EndMarker::read(&header, bytes).is_some() => open[producer] = None,
                true => {}
                false if header.is_transactional() => _ = open[producer].get_or_insert(header.base_offset),
                false => {}
            }
        }
    }
    open
}

/// The offsets that a consumer of committed records is shown, fetch after fetch.
fn committed_reads(log: &PartitionLog, max_bytes: usize) -> Vec<i64> {
    let (mut seen, mut offset, stable) = (Vec::new(), log.start_offset(), log.last_stable_offset());
    while offset < stable {
        let mut pieces = Vec::new();
        log.read(offset, stable, max_bytes, true, &mut pieces).unwrap();
        let bytes = pieces.concat();
        let aborted = log.aborted_in(offset, &pieces);
        let Some((_, last)) = batch::headers(&bytes).last() else { break };
        show(&bytes, &aborted, offset, &mut seen);
        assert!(last.last_offset() >= offset, "a fetch brings nothing new");
        offset = last.last_offset() + 1;
    }
    seen
}

/// As Kafka's consumers: a producer whose aborted transaction has begun is skipped until its abort marker.
fn show(bytes: &[u8], aborted: &[AbortedTransaction], from: i64, seen: &mut Vec<i64>) {
    let mut ahead = aborted.iter().peekable();
    let mut skipped = BTreeSet::new();
    for (at, header) in batch::headers(bytes) {
        while let Some(begun) = ahead.next_if(|aborted| aborted.first_offset <= header.last_offset()) {
            skipped.insert(begun.producer_id);
        }
        let batch = &bytes[at..at + header.total_len()];
        if header.is_control() {
            if EndMarker::read(&header, batch).is_some_and(|marker| !marker.committed) {
                skipped.remove(&header.producer_id);
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
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn readers_see_what_is_there_and_committed_whatever_becomes_of_the_log(
        steps in prop::collection::vec(step(), 1..80),
        max_bytes in 1..1_500_usize,
    ) {
        let mut history = History::new();
        for step in &steps {
            history.step(step);
            history.check(max_bytes);
        }
    }
}
