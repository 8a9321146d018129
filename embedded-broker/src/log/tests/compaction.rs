//! What compaction keeps: the latest record of each key, tombstones for a while, and what producers need.

use proptest::prelude::*;

use super::*;

/// A key, a value or none of a tombstone, and a time.
type Put = (u8, Option<u8>, i64);

fn compacted() -> LogConfig {
    LogConfig { segment_bytes: 300, compacted: true, delete_retention_ms: 1_000, ..LogConfig::default() }
}

/// A batch of keyed records; one of the formats by `codec`.
fn keyed(puts: &[Put], codec: Compression, producer: (i64, i16, i32)) -> Vec<u8> {
    let record = |(key, value, time): &Put| (*time, Some(vec![*key]), value.map(|value| vec![value]));
    let bytes = TestBatch { records: puts.iter().map(record).collect(), producer, attributes: 0 }.bytes();
    batch::tests::packed(&bytes, codec)
}

fn put(log: &mut PartitionLog, puts: &[Put]) {
    put_as(log, puts, Compression::None, (-1, -1, -1));
}

fn put_as(log: &mut PartitionLog, puts: &[Put], codec: Compression, producer: (i64, i16, i32)) {
    let bytes = keyed(puts, codec, producer);
    let outcome = log.append(&valid(&bytes), Proof::None, 0, &compacted()).unwrap();
    assert!(matches!(outcome, Outcome::Appended(_)));
}

/// Closes the active segment and compacts what is closed.
fn compact(log: &mut PartitionLog, now_ms: i64) {
    log.roll();
    if let Some(cleanable) = log.cleanable(&compacted(), now_ms, true) {
        let cleaned = clean(&cleanable, &compacted(), now_ms).unwrap();
        assert!(log.replace(cleaned));
    }
}

/// Offset, key and value of all records.
fn kept(log: &PartitionLog) -> Vec<(i64, u8, Option<u8>)> {
    let mut all = Vec::new();
    for_each_record(&read(log, log.start_offset(), usize::MAX, true).unwrap(), |at| {
        let value = at.record.value.map(|value| value[0]);
        all.push((at.offset, at.record.key.unwrap()[0], value));
        true
    })
    .unwrap();
    all.retain(|record| record.0 >= log.start_offset());
    all
}

fn headers(log: &PartitionLog) -> Vec<BatchHeader> {
    let bytes = read(log, log.start_offset(), usize::MAX, true).unwrap();
    batch::headers(&bytes)
        .map(|(at, header)| {
            let whole = &bytes[at..at + header.total_len()];
            assert_eq!(header.crc, batch::checksum(whole), "the checksum of the batch at {}", header.base_offset);
            header
        })
        .collect()
}

#[test]
fn of_each_key_the_latest_record_stays_at_its_offset() {
    for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let mut log = PartitionLog::new(0);
        for puts in [&[(1, Some(1), 10), (2, Some(2), 20), (1, Some(3), 30)][..], &[(3, Some(4), 40), (2, Some(5), 5)]]
        {
            put_as(&mut log, puts, codec, (-1, -1, -1));
        }
        compact(&mut log, 0);
        assert_eq!(kept(&log), [(2, 1, Some(3)), (3, 3, Some(4)), (4, 2, Some(5))], "{codec:?}");
        let headers = headers(&log);
        let first = headers[0];
        assert_eq!((first.base_offset, first.last_offset_delta, first.records_count), (0, 2, 1), "gaps stay");
        assert_eq!((first.base_timestamp, first.max_timestamp, first.compression()), (30, 30, Some(codec)));
        assert_eq!((log.start_offset(), log.end_offset()), (0, 5));
    }
}

#[test]
fn the_active_segment_and_what_is_too_young_or_too_little_stay() {
    let mut log = PartitionLog::new(0);
    put(&mut log, &[(1, Some(1), 500), (1, Some(2), 500)]);
    assert!(log.cleanable(&compacted(), 1_000, true).is_none(), "there is only the active segment");
    log.roll();
    let lagging = LogConfig { min_compaction_lag_ms: 501, ..compacted() };
    assert!(log.cleanable(&lagging, 1_000, false).is_none());
    assert!(log.cleanable(&lagging, 1_001, false).is_some());
    let cleaned = clean(&log.cleanable(&compacted(), 1_000, false).unwrap(), &compacted(), 1_000).unwrap();
    assert!(log.replace(cleaned));
    assert!(log.cleanable(&compacted(), 1_000, false).is_none(), "nothing is new");
    put(&mut log, &[(1, Some(3), 600)]);
    log.roll();
    let picky = LogConfig { min_cleanable_dirty_ratio: 0.9, ..compacted() };
    assert!(log.cleanable(&picky, 1_000, false).is_none(), "half of it is new");
    let overdue = LogConfig { max_compaction_lag_ms: 399, ..picky };
    assert!(log.cleanable(&overdue, 1_000, false).is_some());
}

#[test]
fn tombstones_stay_for_a_while_after_a_compaction_found_them() {
    let mut log = PartitionLog::new(0);
    put(&mut log, &[(1, Some(1), 10), (2, Some(2), 20), (1, None, 30)]);
    put(&mut log, &[(9, Some(9), 10)]);
    compact(&mut log, 5_000);
    assert_eq!(kept(&log), [(1, 2, Some(2)), (2, 1, None), (3, 9, Some(9))]);
    let first = headers(&log)[0];
    assert_eq!((first.delete_horizon(), first.max_timestamp), (Some(6_000), 30), "the header says when");
    let times: Vec<i64> = all_records(&log).iter().map(|record| record.1).collect();
    assert_eq!(times, [20, 30, 10], "records keep their times");
    for now_ms in [5_500, 5_999] {
        compact(&mut log, now_ms);
        assert_eq!(headers(&log)[0].delete_horizon(), Some(6_000), "it is said once");
        assert_eq!(kept(&log).len(), 3);
    }
    compact(&mut log, 6_000);
    assert_eq!(kept(&log), [(1, 2, Some(2)), (3, 9, Some(9))]);
}

#[test]
fn an_emptied_batch_stays_for_its_producers_sequence_and_for_the_last_offset() {
    let mut log = PartitionLog::new(0);
    put_as(&mut log, &[(1, Some(1), 10), (2, Some(1), 10)], Compression::Lz4, (7, 3, 0));
    put_as(&mut log, &[(1, Some(2), 10), (2, Some(2), 10)], Compression::Lz4, (7, 3, 2));
    put(&mut log, &[(1, Some(3), 10), (2, Some(3), 10)]);
    put(&mut log, &[(8, None, 10)]);
    compact(&mut log, 0);
    compact(&mut log, 10_000);
    let told: Vec<_> =
        headers(&log).iter().map(|one| (one.base_offset, one.last_offset(), one.records_count)).collect();
    assert_eq!(told, [(2, 3, 0), (4, 5, 2), (6, 6, 0)], "the first of the producer's batches is gone");
    let empty = headers(&log)[0];
    assert_eq!((empty.producer_id, empty.producer_epoch, empty.last_sequence()), (7, 3, 3));
    assert_eq!((empty.total_len(), empty.compression()), (batch::HEADER_LEN, Some(Compression::None)));
    let bytes = keyed(&[(1, Some(2), 10), (2, Some(2), 10)], Compression::Lz4, (7, 3, 2));
    let again = log.append(&valid(&bytes), Proof::None, 0, &compacted()).unwrap();
    assert!(matches!(again, Outcome::Appended(Appended { base_offset: 2, duplicate: true, .. })));
}

#[test]
fn headers_with_the_same_name_and_unchanged_batches_stay_as_they_are() {
    let mut log = PartitionLog::new(0);
    // The second record has two headers `h`; what follows its key's length is copied as it lies.
    let first = &[16, 0, 0, 0, 2, 9, 2, b'v', 0][..];
    let second = &[32, 0, 0, 2, 2, b'k', 2, b'v', 4, 2, b'h', 2, b'1', 2, b'h', 2, b'2'];
    let plain = TestBatch::of(&["v", "w"]).bytes();
    let mut bytes = [&plain[..batch::HEADER_LEN], first, second].concat();
    BatchHeader::read(&plain).unwrap().write(&mut bytes);
    log.append(&valid(&bytes), Proof::None, 0, &compacted()).unwrap();
    put(&mut log, &[(9, Some(1), 10), (9, Some(2), 10)]);
    compact(&mut log, 0);
    let mut found = Vec::new();
    for_each_record(&read(&log, 0, usize::MAX, true).unwrap(), |at| {
        found.push(at.record.headers().unwrap().len());
        true
    })
    .unwrap();
    assert_eq!(found, [2, 0]);
}

#[test]
fn a_compaction_of_what_was_there_before_is_not_put_in() {
    let mut log = PartitionLog::new(0);
    put(&mut log, &[(1, Some(1), 10), (1, Some(2), 10)]);
    put(&mut log, &[(1, Some(3), 10)]);
    log.roll();
    let cleanable = log.cleanable(&compacted(), 0, true).unwrap();
    let cleaned = clean(&cleanable, &compacted(), 0).unwrap();
    put(&mut log, &[(1, Some(4), 10)]);
    log.delete_before(1).unwrap();
    assert!(!log.replace(cleaned), "records were deleted meanwhile");
    assert_eq!(offsets(&log), [1, 2, 3]);
}

/// Producer 5 writes in a transaction.
fn send(log: &mut PartitionLog, puts: &[Put], sequence: i32) {
    let mut batch = keyed(puts, Compression::None, (5, 0, sequence));
    let mut header = BatchHeader::read(&batch).unwrap();
    header.attributes |= 1 << 4;
    header.write(&mut batch);
    let valid = valid(&batch);
    let proof = Proof::Verified(log.producers_mut().verify(&valid.header, false, 0));
    log.append(&valid, proof, 0, &compacted()).unwrap();
}

/// Producer 5 ends its transaction.
fn end(log: &mut PartitionLog, committed: bool) {
    let marker = EndMarker { producer_id: 5, producer_epoch: 0, coordinator_epoch: 0, committed };
    log.append_marker(&marker, &marker.batch(&compacted(), 1_000), 0, &compacted()).unwrap();
}

#[test]
fn a_transaction_counts_that_follows_an_aborted_one_which_was_compacted() {
    let mut log = PartitionLog::new(0);
    put(&mut log, &[(1, Some(1), 10)]);
    send(&mut log, &[(2, Some(2), 10)], 0);
    end(&mut log, false);
    compact(&mut log, 5_000);
    send(&mut log, &[(1, Some(3), 10)], 1);
    end(&mut log, true);
    compact(&mut log, 5_100);
    assert_eq!(kept(&log), [(3, 1, Some(3))]);
}

#[test]
fn records_of_aborted_transactions_go_and_their_marker_follows() {
    let mut log = PartitionLog::new(0);
    put(&mut log, &[(1, Some(1), 10)]);
    send(&mut log, &[(1, Some(2), 10)], 0);
    end(&mut log, false);
    send(&mut log, &[(2, Some(3), 10)], 1);
    end(&mut log, true);
    put(&mut log, &[(3, Some(4), 10)]);
    compact(&mut log, 5_000);
    assert_eq!(kept(&log), [(0, 1, Some(1)), (3, 2, Some(3)), (5, 3, Some(4))], "the aborted 2 hides nothing");
    assert_eq!(log.aborted().len(), 1);
    let marker = |log: &PartitionLog| headers(log).iter().any(|one| one.base_offset == 2 && one.records_count == 1);
    assert!(marker(&log), "its records were still there when it began");
    compact(&mut log, 5_100);
    assert!(marker(&log), "it is to go, but not yet");
    compact(&mut log, 6_100);
    assert!(!marker(&log));
    assert_eq!(log.aborted(), [], "there is nothing left to skip");
    assert!(headers(&log).iter().any(|one| one.base_offset == 4), "the committed one has records");
}

#[derive(Debug, Clone)]
enum Step {
    Put { puts: Vec<(u8, Option<u8>)>, codec: usize, idempotent: bool },
    Compact,
    Delete(u8),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let puts = prop::collection::vec((0..6_u8, prop::option::weighted(0.8, any::<u8>())), 1..5);
    prop_oneof![
        6 => (puts, 0..5_usize, any::<bool>())
            .prop_map(|(puts, codec, idempotent)| Step::Put { puts, codec, idempotent }),
        2 => Just(Step::Compact),
        1 => any::<u8>().prop_map(Step::Delete),
        1 => (0..2_000_i64).prop_map(Step::Wait),
    ]
}

/// Everything that was ever sent, by offset, and when a compaction first went over it.
#[derive(Default)]
struct Model {
    sent: Vec<(u8, Option<u8>)>,
    compacted_at: Vec<Option<i64>>,
}

impl Model {
    fn is_latest(&self, offset: i64) -> bool {
        let at = usize::try_from(offset).unwrap();
        !self.sent[at + 1..].iter().any(|later| later.0 == self.sent[at].0)
    }

    fn check(&self, log: &PartitionLog) {
        let kept = kept(log);
        assert!(kept.is_sorted_by_key(|record| record.0));
        for (offset, key, value) in &kept {
            assert_eq!(self.sent[usize::try_from(*offset).unwrap()], (*key, *value), "what was sent at {offset}");
        }
        let there: std::collections::BTreeSet<i64> = kept.iter().map(|record| record.0).collect();
        for offset in log.start_offset()..log.end_offset() {
            let at = usize::try_from(offset).unwrap();
            let may_go = self.compacted_at[at].is_some() && (!self.is_latest(offset) || self.sent[at].1.is_none());
            assert!(may_go || there.contains(&offset), "{offset} is needed");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_record_is_lost_that_is_the_latest_of_its_key(steps in prop::collection::vec(step(), 1..60)) {
        let mut log = PartitionLog::new(0);
        let mut model = Model::default();
        let (mut now_ms, mut sequence) = (10_000, 0);
        for step in steps {
            match step {
                Step::Put { puts, codec, idempotent } => {
                    let all = [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
                    let timed: Vec<Put> = puts.iter().map(|(key, value)| (*key, *value, now_ms)).collect();
                    let producer = if idempotent { (7, 0, sequence) } else { (-1, -1, -1) };
                    put_as(&mut log, &timed, all[codec], producer);
                    sequence += if idempotent { i32::try_from(puts.len()).unwrap() } else { 0 };
                    model.compacted_at.resize(model.sent.len() + puts.len(), None);
                    model.sent.extend(puts);
                }
                Step::Compact => {
                    compact(&mut log, now_ms);
                    let end = usize::try_from(log.end_offset()).unwrap();
                    model.compacted_at[..end].iter_mut().for_each(|at| { at.get_or_insert(now_ms); });
                    let cleaned = kept(&log);
                    for (offset, key, value) in &cleaned {
                        prop_assert!(model.is_latest(*offset), "of {key} there is a later record than {offset}");
                        let first = model.compacted_at[usize::try_from(*offset).unwrap()].unwrap_or(now_ms);
                        prop_assert!(value.is_some() || now_ms < first + 1_000, "the time of {offset} is over");
                    }
                }
                Step::Delete(share) => {
                    log.delete_before(log.end_offset() * i64::from(share) / 256).unwrap();
                }
                Step::Wait(ms) => now_ms += ms,
            }
            model.check(&log);
            prop_assert_eq!(log.end_offset(), i64::try_from(model.sent.len()).unwrap());
        }
        // Whatever was compacted, its producer goes on.
        put_as(&mut log, &[(1, Some(1), now_ms)], Compression::None, (7, 0, sequence));
    }
}
