//! Logs whose followers lag: what they lack may be lost again, and nothing goes by it.

use super::*;
use crate::log::EndMarker;

/// Appends a batch of a transaction.
fn append_in_transaction(log: &mut PartitionLog, producer: i64) {
    let mut batch = TestBatch::of(&["v"]).from(producer, 0, 0);
    batch.attributes = 1 << 4;
    let bytes = batch.bytes();
    let valid = valid(&bytes);
    let proof = Proof::Verified(log.producers_mut().verify(&valid.header, false, 0));
    assert!(matches!(log.append(&valid, proof, 0, &LogConfig::default()), Ok(Outcome::Appended(_))));
}

fn commit(log: &mut PartitionLog, producer_id: i64) {
    let marker = EndMarker { producer_id, producer_epoch: 0, coordinator_epoch: 0, committed: true };
    log.append_marker(&marker, &marker.batch(&LogConfig::default(), 1_000), 0, &LogConfig::default()).unwrap();
}

#[test]
fn what_followers_lack_is_not_stable() {
    let mut log = PartitionLog::new(0);
    append(&mut log, &TestBatch::of(&["a", "b"]), 1_000).unwrap();
    assert_eq!(log.last_stable_offset(), 2, "without followers all of it is");
    log.set_replicated_until(1);
    assert_eq!(log.last_stable_offset(), 1);
    log.set_replicated_until(2);
    assert_eq!(log.last_stable_offset(), 2);
}

#[test]
fn a_transaction_is_not_stable_before_followers_have_its_marker() {
    let mut log = PartitionLog::new(0);
    log.set_replicated_until(0);
    append_in_transaction(&mut log, 7);
    commit(&mut log, 7);
    append(&mut log, &TestBatch::of(&["after"]), 1_000).unwrap();
    log.set_replicated_until(1);
    assert_eq!(log.last_stable_offset(), 0, "they have its record, and not its end");
    log.set_replicated_until(2);
    assert_eq!(log.last_stable_offset(), 2);
}

#[test]
fn a_transaction_whose_marker_is_cut_off_is_open_again() {
    let mut log = PartitionLog::new(0);
    log.set_replicated_until(0);
    append_in_transaction(&mut log, 7);
    commit(&mut log, 7);
    log.truncate_to(1, 1).unwrap();
    log.set_replicated_until(1);
    assert_eq!(log.last_stable_offset(), 0);
    commit(&mut log, 7);
    log.set_replicated_until(2);
    assert_eq!(log.last_stable_offset(), 2);
}

#[test]
fn retention_leaves_segments_that_followers_lack_something_of() {
    let config = LogConfig { retention_ms: 100, ..LogConfig::default() };
    let mut log = PartitionLog::new(0);
    for timestamp in [10, 20, 30] {
        append(&mut log, &TestBatch::of(&["v"]).at(&[timestamp]), 1).unwrap();
    }
    log.set_replicated_until(2);
    assert!(log.expire(10_000, &config));
    assert_eq!((log.start_offset(), offsets(&log)), (2, vec![2]));
    log.set_replicated_until(3);
    assert!(log.expire(10_000, &config));
    assert_eq!(log.start_offset(), 3);
}
