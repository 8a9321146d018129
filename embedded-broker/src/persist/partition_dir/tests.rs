use super::*;
use crate::log::batch::{place, tests::TestBatch};

fn batch(offset: i64, values: &[&str]) -> (BatchHeader, Vec<u8>) {
    let mut bytes = TestBatch::of(values).bytes();
    place(&mut bytes, offset, 2);
    (BatchHeader::read(&bytes).unwrap(), bytes)
}

fn append(dir: &mut PartitionDir, offset: i64, values: &[&str]) {
    let (header, bytes) = batch(offset, values);
    dir.append(&front(&bytes), &bytes, &header).unwrap();
}

fn producer(producer_id: i64) -> ProducerEntry {
    ProducerEntry {
        producer_id,
        producer_epoch: 0,
        last_sequence: 0,
        last_offset: 0,
        offset_delta: 0,
        timestamp: 0,
        coordinator_epoch: -1,
        current_txn_first_offset: None,
    }
}

/// Segments at 0, 3 and 5, the last one active.
fn three_segments(root: &Path) -> PathBuf {
    let path = root.join("t-0");
    let mut dir = PartitionDir::create(&path, "id", Disk::default()).unwrap();
    append(&mut dir, 0, &["a", "b"]);
    append(&mut dir, 2, &["c"]);
    dir.roll(3, &[producer(1)]).unwrap();
    append(&mut dir, 3, &["d", "e"]);
    dir.roll(5, &[producer(2)]).unwrap();
    append(&mut dir, 5, &["f"]);
    dir.write_epochs(&[(2, 0)]).unwrap();
    path
}

fn open(path: &Path, check: bool) -> (PartitionDir, Vec<(i64, i64)>, Remembered) {
    let mut batches = Vec::new();
    let (dir, remembered) = PartitionDir::open(path, Disk::default(), check, |base, header, bytes| {
        assert_eq!(bytes.len(), header.total_len());
        batches.push((base, header.base_offset));
    })
    .unwrap();
    (dir, batches, remembered)
}

#[test]
fn everything_is_there_when_the_directory_is_opened_again_and_it_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (mut dir, batches, remembered) = open(&path, true);
    assert_eq!(batches, [(0, 0), (0, 2), (3, 3), (5, 5)]);
    assert_eq!((remembered.epochs, remembered.producers), (vec![(2, 0)], vec![producer(2)]));
    append(&mut dir, 6, &["g"]);
    dir.close(7, &[producer(3)]).unwrap();
    let (_, batches, remembered) = open(&path, false);
    assert_eq!(batches.last(), Some(&(5, 6)));
    assert_eq!(remembered.producers, [producer(3)]);
    assert_eq!(snapshots(&path).unwrap().len(), 2);
}

#[test]
fn a_directory_knows_its_topic_and_one_of_another_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    assert!(PartitionDir::is_of(&path, "id").unwrap());
    assert!(!PartitionDir::is_of(&path, "other").unwrap());
    assert!(!PartitionDir::is_of(&root.path().join("t-1"), "id").unwrap());
    PartitionDir::create(&path, "other", Disk::default()).unwrap();
    assert!(open(&path, true).1.is_empty());
}

#[test]
fn a_segment_that_is_not_whole_ends_the_log() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let file = file_name(&path, 3, "log");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    let (mut dir, batches, _) = open(&path, true);
    assert_eq!(batches, [(0, 0), (0, 2)]);
    append(&mut dir, 3, &["D"]);
    assert_eq!(open(&path, true).1, [(0, 0), (0, 2), (3, 3)]);
}

#[test]
fn a_compacted_segment_takes_the_place_of_those_it_was_made_of() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (mut dir, ..) = open(&path, true);
    let (header, bytes) = batch(3, &["d", "e"]);
    dir.rewrite(0, 5, std::iter::once((header, bytes.as_slice()))).unwrap();
    append(&mut dir, 6, &["g"]);
    assert_eq!(open(&path, true).1, [(0, 3), (5, 5), (5, 6)]);
}

#[test]
fn a_rewritten_end_is_where_the_log_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (mut dir, ..) = open(&path, true);
    let (header, bytes) = batch(0, &["a", "b"]);
    dir.rewrite(0, i64::MAX, std::iter::once((header, bytes.as_slice()))).unwrap();
    append(&mut dir, 2, &["C"]);
    assert_eq!(open(&path, true).1, [(0, 0), (0, 2)]);
}

#[test]
fn a_segment_that_was_half_rewritten_when_the_broker_died_is_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    fs::create_dir(path.join(CLEANED)).unwrap();
    fs::write(file_name(&path.join(CLEANED), 0, "log"), b"half").unwrap();
    assert_eq!(open(&path, true).1.len(), 4);
    assert!(!path.join(CLEANED).exists());
}

#[test]
fn removed_segments_and_deleted_topics_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (dir, ..) = open(&path, true);
    dir.remove(0).unwrap();
    assert_eq!(open(&path, true).1, [(3, 3), (5, 5)]);
    dir.delete().unwrap();
    assert!(!path.exists());
}
