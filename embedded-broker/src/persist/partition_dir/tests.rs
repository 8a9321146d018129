use super::*;
use crate::log::batch::{place, tests::TestBatch};

fn batch(offset: i64, values: &[&str]) -> (BatchHeader, Vec<u8>) {
    let mut bytes = TestBatch::of(values).bytes();
    place(&mut bytes, offset, 2);
    (BatchHeader::read(&bytes).unwrap(), bytes)
}

/// Kafka's default.
const INTERVAL: usize = 4096;

fn append(dir: &mut PartitionDir, offset: i64, values: &[&str]) {
    let (header, bytes) = batch(offset, values);
    dir.append(&front(&bytes), &bytes, &header, INTERVAL).unwrap();
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
    let (dir, remembered) = PartitionDir::open(path, Disk::default(), (check, INTERVAL), |base, header, bytes| {
        assert_eq!(bytes.len(), header.total_len());
        batches.push((base, header.base_offset));
    })
    .unwrap();
    (dir, batches, remembered)
}

#[test]
fn a_segment_that_begins_before_the_end_of_those_in_front_is_dropped() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("t-0");
    let mut dir = PartitionDir::create(&path, "id", Disk::default()).unwrap();
    append(&mut dir, 0, &["a"]);
    append(&mut dir, 90, &["b"]);
    dir.roll(5, &[]).unwrap();
    append(&mut dir, 5, &["c"]);
    for _ in 0..2 {
        let (_, batches, _) = open(&path, true);
        assert_eq!(batches, [(0, 0), (0, 90)]);
    }
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
    dir.close(9, &[producer(4)]).unwrap();
    open(&path, false);
    let snapshots: Vec<i64> = beside::snapshots(&path).unwrap().into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(snapshots, [3, 5, 9], "those of the segments and the newest");
}

#[test]
fn a_directory_knows_its_topic_and_whether_it_holds_anything() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let nowhere = root.path().join("t-1");
    assert_eq!(PartitionDir::topic_id(&path).unwrap().as_deref(), Some("id"));
    assert_eq!(PartitionDir::topic_id(&nowhere).unwrap(), None);
    assert!(PartitionDir::holds_records(&path).unwrap() && !PartitionDir::holds_records(&nowhere).unwrap());
    PartitionDir::create(&path, "other", Disk::default()).unwrap();
    assert!(open(&path, true).1.is_empty() && !PartitionDir::holds_records(&path).unwrap());
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
    dir.rewrite((0, 5), std::iter::once((header, bytes.as_slice())), &[], INTERVAL).unwrap();
    append(&mut dir, 6, &["g"]);
    assert_eq!(open(&path, true).1, [(0, 3), (5, 5), (5, 6)]);
}

#[test]
fn a_rewritten_end_is_where_the_log_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (mut dir, ..) = open(&path, true);
    let (header, bytes) = batch(0, &["a", "b"]);
    dir.rewrite((0, i64::MAX), std::iter::once((header, bytes.as_slice())), &[], INTERVAL).unwrap();
    append(&mut dir, 2, &["C"]);
    assert_eq!(open(&path, true).1, [(0, 0), (0, 2)]);
}

#[test]
fn a_segment_that_was_half_rewritten_when_the_broker_died_is_forgotten() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    fs::create_dir(path.join("cleaned")).unwrap();
    fs::write(file_name(&path.join("cleaned"), 0, "log"), b"half").unwrap();
    assert_eq!(open(&path, true).1.len(), 4);
    assert!(!path.join("cleaned").exists());
}

#[test]
fn removed_segments_and_deleted_topics_leave_nothing() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (dir, ..) = open(&path, true);
    dir.remove(0).unwrap();
    assert_eq!(open(&path, true).1, [(3, 3), (5, 5)]);
    PartitionDir::delete_at(&dir.disk, &dir.path).unwrap();
    assert!(!path.exists());
}

fn aborted(first_offset: i64, last_offset: i64) -> AbortedTransaction {
    AbortedTransaction { producer_id: 7, first_offset, last_offset, stable_after: last_offset + 1 }
}

fn txn_index(path: &Path, base: i64) -> Option<Vec<u8>> {
    checkpoint::bytes(&file_name(path, base, "txnindex")).unwrap()
}

#[test]
fn aborted_transactions_are_noted_where_their_markers_lie() {
    let root = tempfile::tempdir().unwrap();
    let path = three_segments(root.path());
    let (mut dir, ..) = open(&path, true);
    dir.note_aborted(&aborted(1, 5)).unwrap();
    let noted = txn_index::encode([&aborted(1, 5)]);
    assert_eq!(txn_index(&path, 5), Some(noted.clone()));
    let all = [aborted(0, 2), aborted(1, 5)];
    dir.write_aborted(&all).unwrap();
    assert_eq!((txn_index(&path, 0), txn_index(&path, 3)), (Some(txn_index::encode([&all[0]])), None));
    assert_eq!(txn_index(&path, 5), Some(noted));
    let (header, bytes) = batch(3, &["d", "e"]);
    dir.rewrite((0, 5), std::iter::once((header, bytes.as_slice())), &all, INTERVAL).unwrap();
    assert_eq!(txn_index(&path, 0), Some(txn_index::encode([&all[0]])));
    dir.rewrite((0, 5), std::iter::once((header, bytes.as_slice())), &all[1..], INTERVAL).unwrap();
    assert_eq!(txn_index(&path, 0), None);
}

/// What the log is before and after a segment took the place of two, and nothing else.
#[test]
fn wherever_a_crash_comes_a_rewritten_segment_has_replaced_the_others_or_has_not() {
    let before = vec![(0, 0), (0, 2), (3, 3), (5, 5)];
    let after = vec![(0, 3), (5, 5)];
    let mut seen = Vec::new();
    for changes in 0.. {
        let root = tempfile::tempdir().unwrap();
        let path = three_segments(root.path());
        let opened = PartitionDir::open(&path, Disk::default(), (true, INTERVAL), |_, _, _| ()).unwrap().0;
        let disk = Disk::that_crashes_after(changes, 128);
        let mut dir = PartitionDir { disk: disk.clone(), ..opened };
        let (header, bytes) = batch(3, &["d", "e"]);
        let done = dir.rewrite((0, 5), std::iter::once((header, bytes.as_slice())), &[aborted(3, 4)], INTERVAL).is_ok();
        assert_eq!(done, !disk.has_crashed());
        // A second crash, while the first is being mended.
        for again in 0..12 {
            let mending = Disk::that_crashes_after(again, 0);
            _ = PartitionDir::open(&path, mending, (true, INTERVAL), |_, _, _| ());
        }
        let (_, batches, _) = open(&path, true);
        assert!(batches == before || batches == after, "after {changes} changes: {batches:?}");
        assert_eq!(txn_index(&path, 0).is_some(), batches == after);
        let names = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = names.filter(|name| name.contains("swap") || name.contains("cleaned")).collect();
        assert!(left.is_empty(), "{left:?}");
        seen.push(batches == after);
        if done {
            break;
        }
    }
    assert!(seen.is_sorted() && !seen[0] && seen.ends_with(&[true, true]), "{seen:?}");
}

#[test]
fn wherever_a_crash_comes_a_deleted_directory_is_whole_or_has_lost_its_name() {
    for changes in 0..3 {
        let root = tempfile::tempdir().unwrap();
        let path = three_segments(root.path());
        let opened = PartitionDir::open(&path, Disk::default(), (true, INTERVAL), |_, _, _| ()).unwrap().0;
        let dir = PartitionDir { disk: Disk::that_crashes_after(changes, 0), ..opened };
        assert_eq!(PartitionDir::delete_at(&dir.disk, &dir.path).is_ok(), changes == 2);
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        match left.as_slice() {
            [] => assert_eq!(changes, 2),
            [one] if *one == path => assert_eq!(open(&path, true).1.len(), 4),
            [one] => assert!(one.to_str().unwrap().ends_with(DELETED)),
            more => panic!("{more:?}"),
        }
    }
}
