//! EndTxn in every state, by both generations: the table of KIP-890, cell by cell.

use super::TransactionState::*;
use super::*;

const ITS: Result<Ended, ErrorCode> = Err(ErrorCode::InvalidTxnState);
const CT: Result<Ended, ErrorCode> = Err(ErrorCode::ConcurrentTransactions);
const PF: Result<Ended, ErrorCode> = Err(ErrorCode::ProducerFenced);

#[test]
fn a_client_that_keeps_its_epoch_may_repeat_what_was_decided_and_nothing_else() {
    for (state, commit, abort) in [
        (Empty, ITS, ITS),
        (Ongoing, UNTOLD, UNTOLD),
        (PrepareCommit, CT, ITS),
        (PrepareAbort, ITS, CT),
        (CompleteCommit, UNTOLD, ITS),
        (CompleteAbort, ITS, UNTOLD),
    ] {
        for (is_commit, expected) in [(true, commit), (false, abort)] {
            let (mut case, epoch) = Case::in_state(state, V1);
            assert_eq!(case.end(1, epoch, is_commit, V1), expected, "{state:?}, commit {is_commit}");
            let (mut case, epoch) = Case::in_state(state, V1);
            assert_eq!(case.end(1, epoch + 1, is_commit, V1), PF, "{state:?}, a future epoch");
        }
    }
}

/// What KIP-890 says for the epoch before (a repetition) and the present one.
#[test]
fn a_client_whose_epoch_is_bumped_is_told_repetitions_by_it() {
    for (state, repeated, current) in [
        (Empty, [PF, PF], [ITS, ended(1, 1)]),
        (Ongoing, [PF, PF], [ended(1, 1), ended(1, 1)]),
        (PrepareCommit, [CT, ITS], [PF, PF]),
        (PrepareAbort, [ITS, CT], [PF, PF]),
        (CompleteCommit, [ended(1, 1), ITS], [ITS, ended(1, 2)]),
        (CompleteAbort, [ITS, ended(1, 1)], [ITS, ended(1, 2)]),
    ] {
        for (commit, at) in [(true, 0), (false, 1)] {
            let (mut case, epoch) = Case::in_state(state, V2);
            assert_eq!(case.end(1, epoch - 1, commit, V2), repeated[at], "{state:?}, commit {commit}, repeated");
            let (mut case, epoch) = Case::in_state(state, V2);
            assert_eq!(case.end(1, epoch, commit, V2), current[at], "{state:?}, commit {commit}");
        }
    }
}

#[test]
fn a_marker_carries_the_epoch_of_its_generation() {
    for (generation, epoch) in [(V1, 0), (V2, 1)] {
        let (mut case, _) = Case::in_state(Ongoing, generation);
        case.end(1, 0, true, generation).unwrap();
        let markers = case.complete().unwrap();
        assert_eq!((markers.producer_id, markers.epoch, markers.committed), (1, epoch, true));
        assert_eq!(markers.partitions.into_iter().collect::<Vec<_>>(), [partition("t", 0), partition("t", 1)]);
        assert_eq!(case.metadata().partitions.len(), 0);
    }
}

#[test]
fn an_abort_of_nothing_bumps_the_epoch_and_writes_no_marker() {
    let mut case = Case::initialized();
    assert_eq!(case.end(1, 0, false, V2), ended(1, 1));
    assert_eq!(case.transaction.state(), PrepareAbort);
    assert_eq!(case.complete().unwrap().partitions.len(), 0);
    assert_eq!((case.transaction.state(), case.metadata().started_ms), (CompleteAbort, 1_000));
    assert_eq!(case.add(1, 1, V2), Ok(()));
}

#[test]
fn when_epochs_run_out_the_end_brings_a_new_producer_id_and_a_repetition_is_known_by_the_old_one() {
    let last = i16::MAX - 1;
    for commit in [true, false] {
        let mut case = Case::initialized().with_epoch(last);
        case.add(1, last, V2).unwrap();
        assert_eq!(case.end(1, last, commit, V2), ended(2, 0));
        assert_eq!(case.end(1, last, commit, V2), CT, "the markers are not written yet");
        let markers = case.complete().unwrap();
        assert_eq!((markers.producer_id, markers.epoch), (1, i16::MAX), "under the old id");
        assert_eq!(case.end(1, last, commit, V2), ended(2, 0), "the answer was lost");
        assert_eq!(case.end(1, last, !commit, V2), ITS);
        assert_eq!(case.add(2, 0, V2), Ok(()));
    }
}

#[test]
fn a_client_that_was_upgraded_between_two_transactions_is_understood() {
    let (mut case, _) = Case::in_state(CompleteCommit, V1);
    case.add(1, 0, V2).unwrap();
    assert_eq!(case.end(1, 0, true, V2), ended(1, 1));
    case.complete();
    case.add(1, 1, V1).unwrap();
    assert_eq!(case.end(1, 1, false, V1), UNTOLD);
    case.complete();
    assert_eq!(case.metadata().epoch, 1, "the older generation keeps its epoch");
}

#[test]
fn a_client_whose_transaction_timed_out_is_told_that_it_is_aborted() {
    let (mut case, _) = Case::in_state(Ongoing, V2);
    case.turn(|transaction, turn| transaction.fence(turn));
    assert_eq!(case.end(1, 0, false, V2), CT);
    case.complete();
    assert_eq!(case.end(1, 0, true, V2), ITS);
    assert_eq!(case.end(1, 0, false, V2), ended(1, 1));
}

#[test]
fn the_epoch_that_fences_the_last_one_is_given_to_nobody() {
    let last = i16::MAX - 1;
    let mut case = Case::initialized().with_epoch(last);
    case.add(1, last, V2).unwrap();
    case.turn(|transaction, turn| transaction.fence(turn));
    case.complete();
    assert_eq!(case.metadata().epoch, i16::MAX);
    assert_eq!(case.end(1, last, false, V2), PF);
    assert_eq!(case.init(None), Ok((2, 0)));
}
