//! What tests can make of a transactional id.

use super::*;

const OPEN: TransactionState = TransactionState::Ongoing;

#[test]
fn an_abort_is_as_the_producers_own() {
    for generation in [V1, V2] {
        let (mut forced, _) = Case::in_state(OPEN, generation);
        let (mut own, epoch) = Case::in_state(OPEN, generation);
        assert!(forced.turn(Transaction::abort));
        own.end(1, epoch, false, generation).unwrap();
        assert_eq!(forced.metadata(), own.metadata());
        assert!(!forced.turn(Transaction::abort), "it is decided");
    }
}

#[test]
fn a_timeout_fences_the_producer() {
    let (mut case, epoch) = Case::in_state(OPEN, V1);
    assert!(case.turn(Transaction::time_out));
    case.complete().unwrap();
    assert_eq!(case.end(1, epoch, true, V1), Err(ErrorCode::ProducerFenced));
    assert!(!case.turn(Transaction::time_out), "nothing is open");
}

#[test]
fn who_is_taken_over_from_is_fenced_with_and_without_a_transaction() {
    for state in [OPEN, TransactionState::Empty, TransactionState::CompleteCommit] {
        let (mut case, epoch) = Case::in_state(state, V1);
        assert!(case.turn(Transaction::take_over), "{state:?}");
        case.complete();
        assert_eq!(case.add(1, epoch, V1), Err(ErrorCode::ProducerFenced), "{state:?}");
    }
    let (mut moving, _) = Case::in_state(TransactionState::PrepareCommit, V1);
    assert!(!moving.turn(Transaction::take_over));
}

#[test]
fn epochs_that_are_used_up_bring_a_new_producer_id() {
    let (mut case, _) = Case::in_state(TransactionState::CompleteCommit, V2);
    assert!(case.turn(Transaction::exhaust_epochs));
    let (id, epoch) = case.init(None).unwrap();
    assert_eq!((id, epoch), (1, i16::MAX - 2));
    case.add(id, epoch, V2).unwrap();
    assert_eq!(case.end(id, epoch, true, V2), ended(1, i16::MAX - 1));
    case.complete().unwrap();
    case.add(id, i16::MAX - 1, V2).unwrap();
    assert_eq!(case.end(id, i16::MAX - 1, true, V2), ended(2, 0));
    let (mut open, _) = Case::in_state(OPEN, V2);
    assert!(!open.turn(Transaction::exhaust_epochs));
}
