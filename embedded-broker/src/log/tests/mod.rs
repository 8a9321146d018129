//! The log as a whole. What a test needs is here; histories against a model, and what becomes of segments, beside it.

use bytes::Bytes;

pub(crate) use super::batch::tests::TestBatch;
use super::large::LARGE;
use super::partition_log::OutOfRange;
use super::*;
use crate::error::ErrorCode;

mod compaction;
mod histories;
mod lives;
mod mixed_histories;
mod replicated;
mod retention;
mod truncation;

/// A batch as a producer sends it, checked by the rules of a topic without configs.
pub(crate) fn valid(bytes: &[u8]) -> ValidBatch<'_> {
    valid_at(bytes, 2_000)
}

/// As [`valid`], at some time of the broker.
pub(crate) fn valid_at(bytes: &[u8], now_ms: i64) -> ValidBatch<'_> {
    let config = LogConfig { max_message_bytes: 1 << 24, timestamp_after_max_ms: i64::MAX, ..LogConfig::default() };
    let batch = OneBatch::read(bytes, 7).unwrap();
    validate(batch, Place { topic: "t", partition: 0 }, &config, now_ms, &mut Unpacker::default()).unwrap()
}

fn append(log: &mut PartitionLog, batch: &TestBatch, segment_bytes: usize) -> Result<Appended, ErrorCode> {
    append_with(log, batch, &LogConfig { segment_bytes, ..LogConfig::default() })
}

fn append_with(log: &mut PartitionLog, batch: &TestBatch, config: &LogConfig) -> Result<Appended, ErrorCode> {
    match log.append(&valid(&batch.bytes()), Proof::None, 0, config) {
        Ok(Outcome::Appended(appended)) => Ok(appended),
        Ok(Outcome::Unverified) => Err(ErrorCode::InvalidTxnState),
        Err(rejected) => Err(rejected.code),
    }
}

/// Offset, time and value of all there is to read.
fn all_records(log: &PartitionLog) -> Vec<(i64, i64, Vec<u8>)> {
    let read = records(&read(log, log.start_offset(), usize::MAX, true).unwrap());
    read.into_iter().filter(|record| record.0 >= log.start_offset()).collect()
}

fn offsets(log: &PartitionLog) -> Vec<i64> {
    all_records(log).into_iter().map(|record| record.0).collect()
}

/// Where the segments begin.
fn segments(log: &PartitionLog) -> Vec<i64> {
    log.segments.iter().map(|segment| segment.base_offset).collect()
}

fn read(log: &PartitionLog, offset: i64, max: usize, at_least_one: bool) -> Result<Bytes, OutOfRange> {
    let mut out = Vec::new();
    let n = log.read(offset, i64::MAX, max, at_least_one, &mut out)?;
    let bytes = Bytes::from(out.concat());
    assert_eq!(n, bytes.len());
    Ok(bytes)
}

/// Where the first batch begins that has `offset` or a later one; the end, if none has.
fn batch_of(log: &PartitionLog, offset: i64) -> i64 {
    let bytes = read(log, log.start_offset(), usize::MAX, true).unwrap();
    let found = batch::headers(&bytes).find(|(_, header)| header.last_offset() >= offset);
    found.map_or(log.end_offset(), |(_, header)| header.base_offset)
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

/// The first record from the log's start on whose time is at least `time`, found as ListOffsets finds it.
fn find(log: &PartitionLog, time: i64) -> Option<i64> {
    let batch = log.batch_of_time(time, log.start_offset())?;
    records(&batch).into_iter().find(|record| record.1 >= time && record.0 >= log.start_offset()).map(|record| record.0)
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
fn large_batches_lie_between_small_ones_as_if_they_were_small() {
    let mut log = PartitionLog::new(3);
    let large = "x".repeat(LARGE);
    for (value, sequence) in ["a", "b", &large, "c", &large, &large, "d"].into_iter().zip(0..) {
        append(&mut log, &TestBatch::of(&[value]).from(7, 0, sequence), 1 << 30).unwrap();
    }
    let lens = |log: &PartitionLog| all_records(log).iter().map(|record| record.2.len()).collect::<Vec<_>>();
    assert_eq!(lens(&log), [1, 1, LARGE, 1, LARGE, LARGE, 1]);
    assert_eq!(offsets(&log), [0, 1, 2, 3, 4, 5, 6]);
    let read_one = |offset| read(&log, offset, 1, true).unwrap();
    for offset in 0..7 {
        let one = BatchHeader::read(&read_one(offset)).unwrap();
        assert_eq!((one.base_offset, one.leader_epoch, one.crc), (offset, 0, batch::checksum(&read_one(offset))));
    }
    log.truncate_to(5, 0).unwrap();
    assert_eq!(lens(&log), [1, 1, LARGE, 1, LARGE]);
    log.delete_before(2).unwrap();
    assert_eq!((lens(&log), log.len()), (vec![LARGE, 1, LARGE], read(&log, 2, usize::MAX, true).unwrap().len()));
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
        log.append(&valid(&batch.packed(codec)), Proof::None, 0, &LogConfig::default()).unwrap();
        log.delete_before(start).unwrap();
        assert_eq!((find(&log, 15), find(&log, 30), find(&log, 31)), (Some(start + 1), Some(start + 1), None));
        let values: Vec<_> = records(&read(&log, start, 1 << 20, true).unwrap()).into_iter().map(|one| one.2).collect();
        assert_eq!(values, [b"a", b"b", b"c"]);
    }
}

#[test]
fn the_producers_of_a_roll_know_nothing_of_the_batch_that_it_is_for() {
    let mut log = PartitionLog::new(0);
    log.changes_mut().want();
    for (value, sequence) in [("a", 0), ("b", 1)] {
        append(&mut log, &TestBatch::of(&[value]).from(7, 0, sequence), 1).unwrap();
    }
    let changes = log.changes_mut().take();
    let [LogChange::Rolled { base_offset: 1, producers }] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(producers[0].last_sequence, 0);
}
