//! Who has the id: epochs, fencing, producer ids that run out.

use super::TransactionState::*;
use super::*;

#[test]
fn each_producer_that_comes_raises_the_epoch_and_fences_the_one_before() {
    let mut case = Case::initialized();
    assert_eq!(case.init(None), Ok((1, 1)));
    for generation in [V1, V2] {
        assert_eq!(case.add(1, 0, generation), Err(ErrorCode::ProducerFenced));
        assert_eq!(case.end(1, 0, true, generation), Err(ErrorCode::ProducerFenced));
        assert_eq!(case.add(7, 1, generation), Err(ErrorCode::InvalidProducerIdMapping));
        assert_eq!(case.end(7, 1, true, generation), Err(ErrorCode::InvalidProducerIdMapping));
    }
    assert_eq!(case.add(1, 1, V1), Ok(()));
}

#[test]
fn no_producer_id_is_given_out_before_an_open_transaction_is_aborted() {
    let (mut case, _) = Case::in_state(Ongoing, V1);
    assert_eq!(case.init(None), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!(case.transaction.state(), PrepareAbort);
    assert_eq!(case.init(None), Err(ErrorCode::ConcurrentTransactions));
    let markers = case.complete().unwrap();
    assert_eq!((markers.epoch, markers.committed), (1, false), "the marker itself fences the old producer");
    assert_eq!(case.init(None), Ok((1, 2)), "two higher than what the old producer has");
}

#[test]
fn a_producer_that_goes_on_after_an_error_keeps_its_id_and_may_repeat_itself() {
    let mut case = Case::initialized();
    assert_eq!(case.init(Some((1, 0))), Ok((1, 1)));
    assert_eq!(case.init(Some((1, 0))), Ok((1, 1)), "the answer was lost");
    assert_eq!(case.init(Some((1, 1))), Ok((1, 2)));
    assert_eq!(case.init(Some((1, 0))), Err(ErrorCode::ProducerFenced));
    assert_eq!(case.init(Some((9, 2))), Err(ErrorCode::ProducerFenced));
    assert_eq!(case.init(None), Ok((1, 3)), "another producer");
    assert_eq!(case.init(Some((1, 2))), Err(ErrorCode::ProducerFenced));
}

#[test]
fn a_producer_of_an_id_nobody_knows_any_more_begins_anew() {
    assert_eq!(Case::new().init(Some((50, 3))), Ok((1, 0)));
}

#[test]
fn when_epochs_run_out_a_new_producer_id_is_given() {
    let mut case = Case::initialized().with_epoch(i16::MAX - 2);
    assert_eq!(case.init(None), Ok((1, i16::MAX - 1)), "the last one");
    assert_eq!(case.init(Some((1, i16::MAX - 1))), Ok((2, 0)));
    assert_eq!(case.init(Some((1, i16::MAX - 1))), Ok((2, 0)), "the answer was lost");
    assert_eq!(case.init(Some((1, 5))), Err(ErrorCode::ProducerFenced));
}

#[test]
fn the_producer_with_the_last_epoch_can_still_be_fenced() {
    let mut case = Case::initialized().with_epoch(i16::MAX - 1);
    assert_eq!(case.add(1, i16::MAX - 1, V1), Ok(()));
    assert_eq!(case.init(None), Err(ErrorCode::ConcurrentTransactions));
    assert_eq!(case.complete().unwrap().epoch, i16::MAX);
    assert_eq!(case.init(Some((1, i16::MAX - 1))), Ok((2, 0)), "the one that was fenced comes back first");
    assert_eq!(case.init(Some((1, i16::MAX - 1))), Ok((2, 0)), "the answer was lost");
}

#[test]
fn while_markers_are_written_everybody_waits() {
    for (state, generation) in [(PrepareCommit, V1), (PrepareAbort, V1), (PrepareCommit, V2), (PrepareAbort, V2)] {
        let (mut case, epoch) = Case::in_state(state, generation);
        assert_eq!(case.init(None), Err(ErrorCode::ConcurrentTransactions));
        assert_eq!(case.add(1, epoch, generation), Err(ErrorCode::ConcurrentTransactions));
        let verified = case.transaction.verify_partition(1, epoch, &partition("t", 0));
        assert_eq!(verified, Err(ErrorCode::ConcurrentTransactions));
    }
}

#[test]
fn a_partition_is_verified_only_while_it_belongs_to_the_open_transaction() {
    let (case, _) = Case::in_state(Ongoing, V1);
    let verify = |id, epoch, index| case.transaction.verify_partition(id, epoch, &partition("t", index));
    assert_eq!(verify(1, 0, 1), Ok(()));
    assert_eq!(verify(1, 0, 2), Err(ErrorCode::TransactionAbortable));
    assert_eq!(verify(2, 0, 1), Err(ErrorCode::InvalidProducerIdMapping));
    assert_eq!(verify(1, 1, 1), Err(ErrorCode::ProducerFenced));
    let (case, _) = Case::in_state(CompleteCommit, V1);
    let verified = case.transaction.verify_partition(1, 0, &partition("t", 0));
    assert_eq!(verified, Err(ErrorCode::TransactionAbortable));
}

#[test]
fn a_timeout_is_positive_and_within_what_the_broker_allows() {
    let check = |timeout_ms| InitRequest { timeout_ms, expected: None }.check(900_000);
    assert_eq!((check(1), check(900_000)), (Ok(()), Ok(())));
    for wrong in [0, -1, 900_001] {
        assert_eq!(check(wrong), Err(ErrorCode::InvalidTransactionTimeout));
    }
}

#[test]
fn a_transaction_begins_with_its_first_partition_and_keeps_its_begin() {
    let mut case = Case::initialized();
    case.add(1, 0, V1).unwrap();
    case.now_ms += 10;
    let more = [partition("u", 0)];
    case.turn(|transaction, turn| transaction.add_partitions(1, 0, &more, V1, turn)).unwrap();
    assert_eq!((case.metadata().started_ms, case.metadata().partitions.len()), (1_000, 3));
    let before = case.records.len();
    case.add(1, 0, V1).unwrap();
    assert_eq!(case.records.len(), before, "what is there is not added again");
}
