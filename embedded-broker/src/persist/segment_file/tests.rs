use super::*;
use crate::log::batch::{place, placed, tests::TestBatch};

/// A batch of `n` records of 100 bytes at `offset`, with times from `time` on.
fn batch(offset: i64, n: usize, time: i64) -> (BatchHeader, Vec<u8>) {
    let value = "v".repeat(100);
    let times: Vec<i64> = (0..n).map(|i| time + i64::try_from(i).unwrap()).collect();
    let mut bytes = TestBatch::of(&vec![value.as_str(); n]).at(&times).bytes();
    place(&mut bytes, offset, 4);
    (BatchHeader::read(&bytes).unwrap(), bytes)
}

/// Kafka's default.
const INTERVAL: usize = 4096;

fn append(segment: &mut SegmentFile, offset: i64, n: usize, time: i64) -> io::Result<()> {
    let (header, mut as_sent) = batch(offset, n, time);
    place(&mut as_sent, 0, -1);
    segment.append(&placed(&as_sent, offset, 4), &as_sent, &header, INTERVAL)
}

/// A closed segment of three batches of 30, 60 and 10 records.
fn written(dir: &Path) -> Vec<u8> {
    let mut segment = SegmentFile::create(dir, 100, Disk::default()).unwrap();
    for (offset, n, time) in [(100, 30, 5_000), (130, 60, 4_000), (190, 10, 6_000)] {
        append(&mut segment, offset, n, time).unwrap();
    }
    segment.close().unwrap();
    std::fs::read(file_name(dir, 100, "log")).unwrap()
}

fn reopened(dir: &Path, check: bool) -> (SegmentFile, Vec<i64>, Tail) {
    let mut offsets = Vec::new();
    let each = |batch: BatchAt, _: &[u8]| offsets.push(batch.header.base_offset);
    let (segment, tail) = SegmentFile::open(dir, 100, Disk::default(), (check, INTERVAL), each).unwrap();
    (segment, offsets, tail)
}

#[test]
fn batches_lie_in_the_file_as_they_are_fetched() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path());
    let all: Vec<u8> = [(100, 30, 5_000), (130, 60, 4_000), (190, 10, 6_000)]
        .iter()
        .flat_map(|&(offset, n, time)| batch(offset, n, time).1)
        .collect();
    assert!(file == all);
}

/// The entries of one index: offset and position, or timestamp and offset.
type Entries = Vec<(i64, i64)>;

/// What the index files say.
fn indexes(dir: &Path) -> (Entries, Entries) {
    let read = |kind| std::fs::read(file_name(dir, 100, kind)).unwrap();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | i64::from(*byte));
    let offsets = read("index").chunks(8).map(|e| (100 + number(&e[..4]), number(&e[4..]))).collect();
    let times = read("timeindex").chunks(12).map(|e| (number(&e[..8]), 100 + number(&e[8..]))).collect();
    (offsets, times)
}

#[test]
fn the_indexes_name_a_batch_after_every_four_kilobytes() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let (offsets, times) = indexes(dir.path());
    let first = batch(100, 30, 5_000).1.len();
    let second = batch(130, 60, 4_000).1.len();
    assert_eq!(offsets, [(199, i64::try_from(first + second).unwrap())]);
    assert_eq!(times, [(6_009, 199)]);
}

#[test]
fn the_indexes_have_as_many_entries_as_index_interval_bytes_says() {
    let dir = tempfile::tempdir().unwrap();
    let lens = [(100, 30, 5_000), (130, 60, 4_000), (190, 10, 6_000)].map(|(at, n, time)| batch(at, n, time).1.len());
    for (interval, entries) in [(0, 2), (lens[0] - 1, 2), (lens[0], 1), (lens[0] + lens[1], 0)] {
        written(dir.path());
        let each = |_: BatchAt, _: &[u8]| ();
        let (mut segment, _) = SegmentFile::open(dir.path(), 100, Disk::default(), (true, interval), each).unwrap();
        segment.close().unwrap();
        assert_eq!(indexes(dir.path()).0.len(), entries, "an entry every {interval} bytes");
    }
}

#[test]
fn a_segment_that_is_opened_again_makes_the_same_indexes_and_goes_on_at_its_end() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let before = indexes(dir.path());
    std::fs::write(file_name(dir.path(), 100, "index"), b"rubbish").unwrap();
    let (mut segment, offsets, tail) = reopened(dir.path(), true);
    assert_eq!((offsets, tail), (vec![100, 130, 190], Tail::Clean));
    segment.close().unwrap();
    assert_eq!(indexes(dir.path()), before);
    append(&mut segment, 200, 1, 7_000).unwrap();
    assert_eq!(reopened(dir.path(), true).1, [100, 130, 190, 200]);
}

#[test]
fn a_torn_tail_is_cut_off_wherever_the_file_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let file = written(dir.path());
    let second_ends = file.len() - batch(190, 10, 6_000).1.len();
    for cut in [second_ends + 1, second_ends + 60, file.len() - 1] {
        std::fs::write(file_name(dir.path(), 100, "log"), &file[..cut]).unwrap();
        let (_, offsets, tail) = reopened(dir.path(), true);
        assert_eq!((offsets, tail), (vec![100, 130], Tail::Torn));
        assert_eq!(std::fs::read(file_name(dir.path(), 100, "log")).unwrap().len(), second_ends);
    }
}

#[test]
fn of_a_write_that_fails_nothing_is_left_and_the_next_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let mut segment = SegmentFile::create(dir.path(), 100, disk.clone()).unwrap();
    append(&mut segment, 100, 3, 5_000).unwrap();
    disk.set_fault(Some(crate::persist::disk::DiskFault::Full));
    assert_eq!(append(&mut segment, 103, 3, 5_000).unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.set_fault(None);
    append(&mut segment, 103, 3, 5_000).unwrap();
    assert_eq!(reopened(dir.path(), true).1, [100, 103]);
}

#[test]
fn a_segment_that_is_taken_away_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    assert_eq!(base_offsets(dir.path()).unwrap(), [100]);
    remove(&Disk::default(), dir.path(), 100).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
