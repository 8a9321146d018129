//! Histories of appends, reads, lookups and deletions, against a list of records.

use bytes::Bytes;
use proptest::prelude::*;

pub(crate) use super::batch::tests::TestBatch;
use super::partition_log::OutOfRange;
use super::*;
use crate::error::ErrorCode;

/// A batch as a producer sends it, checked by the rules of a topic without configs.
pub(crate) fn valid(bytes: &[u8]) -> ValidBatch<'_> {
    let config = LogConfig { max_message_bytes: 1 << 24, ..LogConfig::default() };
    let batch = OneBatch::read(bytes, 7).unwrap();
    validate(batch, Place { topic: "t", partition: 0 }, &config, 2_000, &mut Unpacker::default()).unwrap()
}

fn append(log: &mut PartitionLog, batch: &TestBatch, segment_bytes: usize) -> Result<Appended, ErrorCode> {
    let bytes = batch.bytes();
    let valid = valid(&bytes);
    match log.append(&valid, Proof::None, 0, segment_bytes) {
        Ok(Outcome::Appended(appended)) => Ok(appended),
        Ok(Outcome::Unverified) => Err(ErrorCode::InvalidTxnState),
        Err(rejected) => Err(rejected.code),
    }
}

fn read(log: &PartitionLog, offset: i64, max: usize, at_least_one: bool) -> Result<Bytes, OutOfRange> {
    let mut out = Vec::new();
    let n = log.read(offset, i64::MAX, max, at_least_one, &mut out)?;
    let bytes = Bytes::from(out.concat());
    assert_eq!(n, bytes.len());
    Ok(bytes)
}

fn records(bytes: &[u8]) -> Vec<(i64, i64, Vec<u8>)> {
    let mut all = Vec::new();
    for_each_record(bytes, |at| {
        all.push((at.offset, at.timestamp, at.record.value.unwrap_or_default().to_vec()));
        true
    })
    .unwrap();
    all
}

#[test]
fn an_offset_inside_a_batch_returns_the_whole_batch() {
    let mut log = PartitionLog::new(0);
    append(&mut log, &TestBatch::of(&["a", "b", "c"]), 1 << 20).unwrap();
    let read = records(&read(&log, 2, 1 << 20, false).unwrap());
    assert_eq!(read.iter().map(|record| record.0).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn the_first_batch_comes_however_small_the_limit_is_only_if_asked_for() {
    let mut log = PartitionLog::new(0);
    append(&mut log, &TestBatch::of(&["a"]), 1 << 20).unwrap();
    assert!(!read(&log, 0, 1, true).unwrap().is_empty());
    assert!(read(&log, 0, 1, false).unwrap().is_empty());
}

#[test]
fn offsets_outside_the_log_are_out_of_range_and_its_end_is_empty() {
    let mut log = PartitionLog::new(0);
    append(&mut log, &TestBatch::of(&["a"]), 1 << 20).unwrap();
    assert_eq!(read(&log, 1, 100, true), Ok(Bytes::new()));
    assert_eq!(read(&log, 2, 100, true), Err(OutOfRange));
    assert_eq!(read(&log, -1, 100, true), Err(OutOfRange));
}

#[test]
fn a_repeated_batch_is_not_appended_again() {
    let mut log = PartitionLog::new(0);
    let batch = TestBatch::of(&["a", "b"]).from(1, 0, 0);
    let first = append(&mut log, &batch, 1 << 20).unwrap();
    let second = append(&mut log, &batch, 1 << 20).unwrap();
    assert_eq!((second.base_offset, second.duplicate), (first.base_offset, true));
    assert_eq!(log.end_offset(), 2);
}

#[test]
fn deleting_frees_what_lies_before() {
    let mut log = PartitionLog::new(0);
    let large = "x".repeat(100_000);
    for _ in 0..10 {
        append(&mut log, &TestBatch::of(&[&large]), 250_000).unwrap();
    }
    let before = log.len();
    assert_eq!(log.delete_before(6), Ok(6));
    assert!(log.len() < before / 2, "{} of {before} bytes are left", log.len());
    assert_eq!(records(&read(&log, 6, 1, true).unwrap())[0].0, 6);
    assert_eq!(read(&log, 5, 1, true), Err(OutOfRange));
    assert_eq!(log.delete_before(3), Ok(6), "below the start nothing happens");
    assert_eq!(log.delete_before(11), Err(OutOfRange));
    assert_eq!(log.delete_before(10), Ok(10));
    assert_eq!(log.len(), 0);
    append(&mut log, &TestBatch::of(&["y"]), 250_000).unwrap();
    assert_eq!(records(&read(&log, 10, 1, true).unwrap())[0].2, b"y");
}

#[test]
fn records_of_compressed_batches_are_found_by_their_time() {
    let batch = TestBatch::of(&["a", "b", "c"]).at(&[10, 30, 20]);
    let mut log = PartitionLog::new(0);
    for codec in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
        let start = log.end_offset();
        log.append(&valid(&batch.packed(codec)), Proof::None, 0, 1 << 20).unwrap();
        log.delete_before(start).unwrap();
        assert_eq!((find(&log, 15), find(&log, 30), find(&log, 31)), (Some(start + 1), Some(start + 1), None));
        let values: Vec<_> = records(&read(&log, start, 1 << 20, true).unwrap()).into_iter().map(|one| one.2).collect();
        assert_eq!(values, [b"a", b"b", b"c"]);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append { sizes: Vec<usize>, times: Vec<i64> },
    Delete(f64),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![8 => 0..300_usize, 1 => 20_000..90_000_usize];
    let record = (size, 0..50_i64);
    prop_oneof![
        9 => proptest::collection::vec(record, 1..6).prop_map(|records| {
            let (sizes, times) = records.into_iter().unzip();
            Step::Append { sizes, times }
        }),
        1 => (0.0..1.0).prop_map(Step::Delete),
    ]
}

fn check_reads(log: &PartitionLog, model: &[(i64, i64, Vec<u8>)], max: usize) {
    let mut offset = log.start_offset();
    let mut seen = Vec::new();
    while offset < log.end_offset() {
        let bytes = read(log, offset, max, true).unwrap();
        let batch = records(&bytes);
        assert!(!batch.is_empty(), "nothing at {offset}");
        if bytes.len() > max {
            assert_eq!(batch::headers(&bytes).count(), 1, "only one batch may be over the limit");
        }
        seen.extend(batch.into_iter().filter(|record| record.0 >= offset));
        offset = seen.last().map_or(offset, |record| record.0 + 1);
    }
    let kept: Vec<_> = model.iter().filter(|record| record.0 >= log.start_offset()).cloned().collect();
    assert_eq!(seen, kept);
}

/// The first record from the log's start on whose time is at least `time`, found as ListOffsets finds it.
fn find(log: &PartitionLog, time: i64) -> Option<i64> {
    let batch = log.batch_of_time(time, log.start_offset())?;
    records(&batch).into_iter().find(|record| record.1 >= time && record.0 >= log.start_offset()).map(|record| record.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_appended_is_read_back(
        steps in proptest::collection::vec(step(), 1..60),
        segment_bytes in 1_000..200_000_usize,
        max in 1..300_000_usize,
    ) {
        let mut log = PartitionLog::new(0);
        let mut model = Vec::new();
        for step in steps {
            match step {
                Step::Append { sizes, times } => {
                    let values: Vec<String> = sizes.iter().map(|size| "v".repeat(*size)).collect();
                    let values: Vec<&str> = values.iter().map(String::as_str).collect();
                    let appended = append(&mut log, &TestBatch::of(&values).at(&times), segment_bytes).unwrap();
                    for ((offset, time), value) in (appended.base_offset..).zip(times).zip(values) {
                        model.push((offset, time, value.as_bytes().to_vec()));
                    }
                }
                Step::Delete(share) => {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "small numbers")]
                    let offset = (log.end_offset() as f64 * share) as i64;
                    log.delete_before(offset).unwrap();
                }
            }
        }
        check_reads(&log, &model, max);
        let kept: Vec<_> = model.iter().filter(|record| record.0 >= log.start_offset()).collect();
        for time in [0, 10, 25, 49, 50] {
            let batch_starts_after = |offset: i64| offset >= log.start_offset();
            let expected = kept.iter().find(|record| record.1 >= time).map(|record| record.0);
            // A batch that the log's start cuts in two may promise a time that only its deleted part had.
            let found = find(&log, time);
            if found.is_some() || log.start_offset() == 0 {
                prop_assert_eq!(found, expected, "time {}", time);
            }
            prop_assert!(found.is_none_or(batch_starts_after));
        }
    }
}
