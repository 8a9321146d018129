//! Segments that end, and segments that go.

use super::*;

/// A log of batches of one record with these timestamps, each in a segment of its own.
fn log_of(timestamps: &[i64]) -> PartitionLog {
    let mut log = PartitionLog::new(0);
    for timestamp in timestamps {
        append(&mut log, &TestBatch::of(&["v"]).at(&[*timestamp]), 1).unwrap();
    }
    log
}

fn keeping(retention_ms: i64, retention_bytes: i64) -> LogConfig {
    LogConfig { retention_ms, retention_bytes, ..LogConfig::default() }
}

#[test]
fn a_segment_ends_by_the_time_between_its_first_record_and_the_new_one() {
    let config = LogConfig { segment_ms: 100, ..LogConfig::default() };
    let mut log = PartitionLog::new(0);
    for timestamp in [1_000, 1_100, 1_050, 1_101, 1_000, 1_202] {
        append_with(&mut log, &TestBatch::of(&["v"]).at(&[timestamp]), &config).unwrap();
    }
    assert_eq!(segments(&log), [0, 3, 5]);
    assert_eq!(offsets(&log), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn jitter_ends_segments_earlier_and_logs_at_different_times() {
    let config = LogConfig { segment_ms: 1_000, segment_jitter_ms: 900, ..LogConfig::default() };
    let ends: std::collections::BTreeSet<i64> = (0..20)
        .map(|_| {
            let mut log = PartitionLog::new(0);
            for timestamp in 0..1_002 {
                append_with(&mut log, &TestBatch::of(&["v"]).at(&[timestamp]), &config).unwrap();
                if segments(&log).len() > 1 {
                    break;
                }
            }
            segments(&log)[1]
        })
        .collect();
    assert!(ends.len() > 1 && ends.iter().all(|end| (101..=1_001).contains(end)), "{ends:?}");
}

#[test]
fn old_segments_go_from_the_oldest_on() {
    let mut log = log_of(&[10, 20, 500, 30, 600]);
    assert!(!log.expire(510, &keeping(500, -1)), "nothing is older than 500 ms");
    assert!(log.expire(521, &keeping(500, -1)));
    assert_eq!((log.start_offset(), offsets(&log)), (2, vec![2, 3, 4]), "the third keeps the fourth");
    assert!(!log.expire(i64::MAX, &keeping(-1, -1)), "negative is for ever");
    assert!(log.expire(1_001, &keeping(500, -1)));
    assert_eq!(offsets(&log), [4]);
}

#[test]
fn the_active_segment_goes_too_and_offsets_go_on() {
    let mut log = log_of(&[10, 20, 30]);
    assert!(log.expire(1_000, &keeping(500, -1)));
    assert_eq!((log.start_offset(), log.end_offset(), log.len()), (3, 3, 0));
    assert!(!log.expire(i64::MAX, &keeping(500, -1)), "an empty one stays");
    append(&mut log, &TestBatch::of(&["v"]), 1).unwrap();
    assert_eq!(offsets(&log), [3]);
}

#[test]
fn segments_go_while_enough_bytes_are_left() {
    let batch = i64::try_from(TestBatch::of(&["v"]).bytes().len()).unwrap();
    for (kept, start) in [(5 * batch, 0), (5 * batch - 1, 0), (4 * batch, 1), (4 * batch - 1, 1), (1, 4), (0, 5)] {
        let mut log = log_of(&[1, 2, 3, 4, 5]);
        log.expire(0, &keeping(-1, kept));
        assert_eq!(log.start_offset(), start, "{kept} of {} bytes are enough", 5 * batch);
    }
}

#[test]
fn a_topic_that_is_only_compacted_keeps_what_is_old() {
    let mut log = log_of(&[10, 20]);
    assert!(!log.expire(i64::MAX, &LogConfig { deletes: false, ..keeping(1, 1) }));
}

#[test]
fn records_without_time_are_as_old_as_their_append() {
    let mut log = log_of(&[-1, -1]);
    assert!(!log.expire(2_500, &keeping(500, -1)));
    assert!(log.expire(2_501, &keeping(500, -1)));
}

#[test]
fn what_is_deleted_is_forgotten_by_the_epochs() {
    let mut log = PartitionLog::new(3);
    for _ in 0..3 {
        append(&mut log, &TestBatch::of(&["v"]).at(&[1]), 1).unwrap();
    }
    log.delete_before(2).unwrap();
    assert_eq!(log.epochs().end_of(1, log.end_offset()), (1, 2), "as Kafka: it ended where the log begins");
    assert_eq!(log.diverges(3, 1), Err(OutOfRange));
    assert_eq!(log.diverges(3, 3), Ok(None));
}
