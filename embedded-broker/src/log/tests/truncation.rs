//! Logs that are cut off at their end.

use super::*;

fn log_of(batches: &[&[&str]]) -> PartitionLog {
    let mut log = PartitionLog::new(0);
    for values in batches {
        append(&mut log, &TestBatch::of(values), 150).unwrap();
    }
    log
}

#[test]
fn what_is_cut_off_is_gone_and_others_take_its_offsets() {
    for end in 0..=6 {
        let mut log = log_of(&[&["a"], &["b", "c"], &["d"], &["e", "f"]]);
        log.truncate_to(end, 1).unwrap();
        let whole: &[i64] = match end {
            0 => &[],
            1 | 2 => &[0],
            3 => &[0, 1, 2],
            4 | 5 => &[0, 1, 2, 3],
            _ => &[0, 1, 2, 3, 4, 5],
        };
        assert_eq!((log.end_offset(), offsets(&log)), (end, whole.to_vec()), "a batch goes whole");
        let appended = append(&mut log, &TestBatch::of(&["new"]), 150).unwrap();
        assert_eq!((appended.base_offset, all_records(&log).last().unwrap().2.as_slice()), (end, b"new".as_slice()));
        assert_eq!(log.len(), read(&log, 0, usize::MAX, true).unwrap().len());
    }
}

#[test]
fn only_offsets_of_the_log_can_be_its_end() {
    let mut log = log_of(&[&["a"], &["b"], &["c"]]);
    log.delete_before(1).unwrap();
    assert_eq!((log.truncate_to(0, 1), log.truncate_to(4, 1)), (Err(OutOfRange), Err(OutOfRange)));
    assert_eq!(log.truncate_to(1, 1), Ok(()));
    assert_eq!((log.start_offset(), log.end_offset()), (1, 1));
}

#[test]
fn who_has_read_what_was_cut_off_is_told_where_the_logs_part() {
    let mut log = log_of(&[&["a"], &["b"], &["c"]]);
    log.truncate_to(2, 5).unwrap();
    assert_eq!(log.diverges(0, 2), Ok(None), "it has read nothing that is gone");
    assert_eq!(log.diverges(0, 3), Ok(Some((0, 2))));
    assert_eq!(log.diverges(4, 2), Ok(Some((0, 2))), "an epoch nobody knows here");
    assert_eq!(log.diverges(6, 2), Err(OutOfRange), "an epoch yet to come");
}

#[test]
fn a_batch_that_holds_the_start_goes_whole_when_the_log_is_cut_there_and_its_sequence_with_it() {
    let mut log = PartitionLog::new(0);
    append(&mut log, &TestBatch::of(&["a"]).from(7, 0, 0), 150).unwrap();
    append(&mut log, &TestBatch::of(&["b", "c"]).from(7, 0, 1), 150).unwrap();
    log.delete_before(2).unwrap();
    log.truncate_to(2, 1).unwrap();
    assert_eq!((log.start_offset(), log.end_offset(), offsets(&log)), (2, 2, vec![]));
    // The batch was cut off with the record that nobody has deleted: it is sent again, as it was.
    let again = append(&mut log, &TestBatch::of(&["b", "c"]).from(7, 0, 1), 150).unwrap();
    assert_eq!((again.base_offset, again.duplicate), (2, false));
}

#[test]
fn a_producer_goes_on_behind_what_is_left_of_its_batches() {
    let mut log = PartitionLog::new(0);
    let batch = |sequence| TestBatch::of(&["v"]).from(7, 0, sequence);
    for sequence in 0..3 {
        append(&mut log, &batch(sequence), 150).unwrap();
    }
    log.truncate_to(2, 1).unwrap();
    assert!(append(&mut log, &batch(1), 150).unwrap().duplicate);
    assert_eq!(
        append(&mut log, &batch(2), 150).unwrap(),
        Appended { base_offset: 2, log_append_time: -1, duplicate: false }
    );
}
