//! Each rule of sequences, epochs and open transactions, on its own; histories against plain arithmetic beside it.

use super::*;
use crate::log::batch::tests::TestBatch;
use crate::log::marker::EndMarker;

mod histories;

fn batch(epoch: i16, sequence: i32, records: usize) -> BatchHeader {
    let bytes = TestBatch::of(&vec!["x"; records]).from(7, epoch, sequence).bytes();
    BatchHeader::read(&bytes).unwrap()
}

fn transactional(epoch: i16, sequence: i32) -> BatchHeader {
    let mut header = batch(epoch, sequence, 1);
    header.attributes |= 1 << 4;
    header
}

fn marker(epoch: i16, coordinator_epoch: i32) -> EndMarker {
    EndMarker { producer_id: 7, producer_epoch: epoch, coordinator_epoch, committed: true }
}

fn after(batches: &[BatchHeader]) -> ProducerStates {
    let mut states = ProducerStates::default();
    for (offset, batch) in (100..).zip(batches) {
        states.appended(batch, offset);
    }
    states
}

fn code(states: &ProducerStates, batch: &BatchHeader) -> Result<Verdict, ErrorCode> {
    with(states, batch, Proof::None)
}

fn with(states: &ProducerStates, batch: &BatchHeader, proof: Proof) -> Result<Verdict, ErrorCode> {
    states.check(batch, proof).map_err(|rejected| rejected.code)
}

#[test]
fn the_next_sequence_is_appended_and_a_gap_is_refused() {
    let states = after(&[batch(0, 0, 3)]);
    assert_eq!(code(&states, &batch(0, 3, 1)), Ok(Verdict::Append));
    assert_eq!(code(&states, &batch(0, 4, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
}

#[test]
fn each_of_the_last_five_batches_is_answered_with_its_own_offset() {
    let sent: Vec<_> = (0..6).map(|n| batch(0, n * 2, 2)).collect();
    let states = after(&sent);
    assert_eq!(code(&states, &sent[0]), Err(ErrorCode::OutOfOrderSequenceNumber), "forgotten");
    for (offset, repeated) in (101..).zip(&sent[1..]) {
        let duplicate = Verdict::Duplicate { base_offset: offset, max_timestamp: 1_000 };
        assert_eq!(code(&states, repeated), Ok(duplicate));
    }
}

#[test]
fn an_unknown_producer_may_begin_anywhere() {
    assert_eq!(code(&ProducerStates::default(), &batch(3, 500, 1)), Ok(Verdict::Append));
}

#[test]
fn an_older_epoch_is_fenced_and_a_newer_one_begins_at_zero() {
    let states = after(&[batch(4, 0, 1)]);
    assert_eq!(code(&states, &batch(3, 1, 1)), Err(ErrorCode::InvalidProducerEpoch));
    assert_eq!(code(&states, &batch(5, 1, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
    assert_eq!(code(&states, &batch(5, 0, 1)), Ok(Verdict::Append));
    let states = after(&[batch(4, 0, 1), batch(5, 0, 1)]);
    assert_eq!(code(&states, &batch(4, 0, 1)), Err(ErrorCode::InvalidProducerEpoch));
}

#[test]
fn what_was_sent_with_the_epoch_of_none_says_nothing_of_the_next_sequence() {
    let mut states = after(&[batch(-1, 0, 1)]);
    assert_eq!(code(&states, &batch(-1, 0, 1)), Ok(Verdict::Duplicate { base_offset: 100, max_timestamp: 1_000 }));
    assert_eq!(code(&states, &batch(-1, 7, 1)), Ok(Verdict::Append));
    assert_eq!(code(&states, &batch(0, 5, 1)), Ok(Verdict::Append));
    states.appended(&batch(0, 5, 1), 1);
    assert_eq!(code(&states, &batch(0, 7, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
}

#[test]
fn sequences_go_on_at_zero_after_the_largest() {
    let states = after(&[batch(0, i32::MAX - 1, 2)]);
    assert_eq!(code(&states, &batch(0, 0, 1)), Ok(Verdict::Append));
    let states = after(&[batch(0, i32::MAX, 3)]);
    assert_eq!(code(&states, &batch(0, 2, 1)), Ok(Verdict::Append));
}

#[test]
fn a_transaction_begins_only_with_proof_and_then_needs_no_more() {
    let mut states = ProducerStates::default();
    let first = transactional(0, 0);
    assert_eq!(code(&states, &first), Ok(Verdict::Unverified));
    let guard = states.verify(&first, false, 0);
    assert_eq!(code(&states, &first), Ok(Verdict::Unverified));
    assert_eq!(with(&states, &first, Proof::Verified(guard)), Ok(Verdict::Append));
    states.appended(&first, 10);
    assert_eq!(states.first_undecided(), Some(10));
    assert_eq!(code(&states, &transactional(0, 1)), Ok(Verdict::Append));
    assert_eq!(code(&states, &batch(0, 1, 1)), Err(ErrorCode::InvalidTxnState), "not of the transaction");
    assert_eq!(states.ended(&marker(0, 0), 1), Some(10));
    assert_eq!(states.first_undecided(), None);
    assert_eq!(code(&states, &transactional(0, 1)), Ok(Verdict::Unverified));
    assert_eq!(code(&states, &first), Ok(Verdict::Unverified), "a repetition of what is over needs proof, too");
    let duplicate = Verdict::Duplicate { base_offset: 10, max_timestamp: 1_000 };
    let proof = Proof::Verified(states.verify(&first, false, 0));
    assert_eq!(with(&states, &first, proof), Ok(duplicate));
}

#[test]
fn what_was_verified_before_a_marker_proves_nothing_after_it() {
    let mut states = ProducerStates::default();
    let first = transactional(0, 0);
    let stale = Proof::Verified(states.verify(&first, false, 0));
    assert_eq!(states.ended(&marker(0, 0), 1), None);
    assert_eq!(with(&states, &first, stale), Ok(Verdict::Unverified));
    let again = states.verify(&first, false, 0);
    assert_eq!(with(&states, &first, stale), Ok(Verdict::Unverified));
    assert_eq!(with(&states, &first, Proof::Verified(again)), Ok(Verdict::Append));
}

#[test]
fn where_epochs_are_bumped_the_next_transaction_is_verified_while_the_last_marker_is_written() {
    let mut states = ProducerStates::default();
    let next = transactional(1, 0);
    let proof = Proof::Verified(states.verify(&next, true, 0));
    states.ended(&marker(1, 0), 1);
    assert_eq!(with(&states, &next, proof), Ok(Verdict::Append));
    states.ended(&marker(2, 0), 2);
    assert_eq!(with(&states, &next, proof), Err(ErrorCode::InvalidProducerEpoch));
}

#[test]
fn where_epochs_are_bumped_a_producer_without_batches_begins_at_zero() {
    let mut states = ProducerStates::default();
    let gap = transactional(0, 3);
    let proof = Proof::Verified(states.verify(&gap, true, 0));
    assert_eq!(with(&states, &gap, proof), Err(ErrorCode::OutOfOrderSequenceNumber));
    let proof = Proof::Verified(states.verify(&transactional(0, 0), true, 0));
    assert_eq!(with(&states, &transactional(0, 0), proof), Ok(Verdict::Append));
}

#[test]
fn a_later_batch_does_not_overtake_the_first_while_that_is_verified() {
    let mut states = ProducerStates::default();
    states.verify(&transactional(0, 0), false, 0);
    let later = transactional(0, 1);
    let proof = Proof::Verified(states.verify(&later, false, 0));
    assert_eq!(with(&states, &later, proof), Err(ErrorCode::OutOfOrderSequenceNumber));
}

#[test]
fn markers_of_older_epochs_and_coordinators_are_refused() {
    let mut states = after(&[batch(4, 0, 1)]);
    let code = |states: &ProducerStates, marker| states.check_marker(&marker).map_err(|rejected| rejected.code);
    assert_eq!(code(&states, marker(3, 0)), Err(ErrorCode::InvalidProducerEpoch));
    assert_eq!(code(&states, marker(4, 2)), Ok(()));
    states.ended(&marker(4, 2), 1);
    assert_eq!(code(&states, marker(4, 1)), Err(ErrorCode::TransactionCoordinatorFenced));
    assert_eq!(code(&states, marker(4, 2)), Ok(()), "written again");
    assert_eq!(states.check(&batch(4, 1, 1), Proof::None).unwrap(), Verdict::Append, "sequences go on");
    states.ended(&marker(5, 2), 1);
    assert_eq!(states.check(&batch(5, 0, 1), Proof::None).unwrap(), Verdict::Append);
    assert!(states.check(&batch(5, 1, 1), Proof::None).is_err(), "a new epoch begins at 0");
}

#[test]
fn a_marker_that_is_left_alone_does_not_hide_the_sequence_that_a_snapshot_tells() {
    let mut states = after(&[batch(0, 0, 3)]);
    states.ended(&marker(0, 0), 1);
    let snapshot = states.entries();
    let mut left = ProducerStates::default();
    left.ended(&marker(0, 0), 1);
    left.take_up(&snapshot);
    assert_eq!(code(&left, &batch(0, 3, 1)), Ok(Verdict::Append));
    assert_eq!(code(&left, &batch(0, 0, 1)), Err(ErrorCode::OutOfOrderSequenceNumber));
}

#[test]
fn idle_producers_are_forgotten_unless_their_transaction_is_open() {
    let mut states = after(&[batch(0, 0, 1)]);
    states.expire(1_999, 1_000);
    assert_eq!(states.describe().len(), 1);
    states.expire(2_000, 1_000);
    assert_eq!(states.describe(), []);
    states.appended(&transactional(0, 0), 5);
    states.expire(9_000, 1_000);
    let open = ProducerDescription {
        producer_id: 7,
        epoch: 0,
        last_sequence: 0,
        last_timestamp: 1_000,
        coordinator_epoch: -1,
        open_since: 5,
    };
    assert_eq!(states.describe(), [open]);
}

#[test]
fn a_producer_of_an_old_epoch_is_refused_before_its_transaction_is_looked_for() {
    let states = after(&[transactional(3, 0)]);
    assert_eq!(code(&states, &transactional(2, 1)), Err(ErrorCode::InvalidProducerEpoch));
    assert!(states.has_open(&transactional(3, 1)) && !states.has_open(&transactional(4, 0)));
}
