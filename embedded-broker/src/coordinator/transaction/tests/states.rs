//! The table of states, and every edge of it walked by a request.

use super::TransactionState::*;
use super::*;

/// Each edge that requests can walk, and how.
fn walks() -> Vec<(TransactionState, TransactionState)> {
    let mut walked = Vec::new();
    for generation in [V1, V2] {
        for state in [Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort] {
            for step in steps() {
                let (mut case, epoch) = Case::in_state(state, generation);
                step(&mut case, epoch, generation);
                walked.push((state, case.transaction.state()));
            }
        }
    }
    walked
}

type Step = fn(&mut Case, i16, Generation);

fn steps() -> Vec<Step> {
    vec![
        |case, _, _| _ = case.init(None),
        |case, epoch, generation| _ = case.add(1, epoch, generation),
        |case, epoch, generation| _ = case.end(1, epoch, true, generation),
        |case, epoch, generation| _ = case.end(1, epoch, false, generation),
        |case, _, _| _ = case.complete(),
        |case, _, _| {
            case.now_ms += 60_001;
            case.turn(|transaction, turn| transaction.expire_transaction(turn));
        },
        |case, _, _| {
            case.now_ms += 8 * 24 * 3_600_000;
            case.turn(|transaction, turn| transaction.expire_id(turn));
        },
    ]
}

#[test]
fn requests_walk_every_edge_of_the_table_and_no_other() {
    let walked = walks();
    for state in TransactionState::ALL {
        for &before in state.predecessors() {
            // The fence is entered and left inside one turn.
            if state == PrepareEpochFence || before == PrepareEpochFence {
                continue;
            }
            // A producer that adds what it has added changes nothing.
            assert!(walked.contains(&(before, state)), "{before:?} to {state:?} is never walked");
        }
    }
    for (before, after) in walked {
        let is_edge = before == after || after.predecessors().contains(&before);
        assert!(is_edge, "{before:?} to {after:?}");
    }
}

#[test]
fn every_state_has_kafkas_name_and_is_found_by_it() {
    for state in TransactionState::ALL {
        assert_eq!(TransactionState::from_name(state.name()), Some(state));
    }
    assert_eq!(TransactionState::from_name("Asleep"), None);
}

#[test]
fn a_replayed_id_stands_where_the_live_one_does() {
    for generation in [V1, V2] {
        for state in [Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort] {
            let (case, _) = Case::in_state(state, generation);
            let mut replayed = Transaction::new(99, 0);
            case.records.iter().for_each(|record| replayed.replay(record));
            assert_eq!(&replayed.metadata, case.metadata());
            assert_eq!(replayed.pending_markers(), case.transaction.pending_markers());
        }
    }
}

#[test]
fn an_abandoned_transaction_is_aborted_after_its_timeout_under_a_new_epoch() {
    let (mut case, _) = Case::in_state(Ongoing, V1);
    case.now_ms += 60_000;
    case.turn(|transaction, turn| transaction.expire_transaction(turn));
    assert_eq!(case.transaction.state(), Ongoing, "not yet");
    case.now_ms += 1;
    case.turn(|transaction, turn| transaction.expire_transaction(turn));
    assert_eq!(case.transaction.state(), PrepareAbort);
    let markers = case.complete().unwrap();
    assert_eq!((markers.producer_id, markers.epoch, markers.committed, markers.partitions.len()), (1, 1, false, 2));
    assert_eq!(case.end(1, 0, true, V1), Err(ErrorCode::ProducerFenced));
    assert_eq!(case.add(1, 0, V1), Err(ErrorCode::ProducerFenced));
}

#[test]
fn an_id_that_is_not_used_for_a_week_is_forgotten_unless_something_is_open() {
    for (state, expires) in [
        (Empty, true),
        (Ongoing, false),
        (PrepareCommit, false),
        (PrepareAbort, false),
        (CompleteCommit, true),
        (CompleteAbort, true),
    ] {
        let (mut case, _) = Case::in_state(state, V1);
        case.now_ms += 7 * 24 * 3_600_000 - 1;
        assert!(!case.turn(|transaction, turn| transaction.expire_id(turn)), "{state:?}, too early");
        case.now_ms += 1;
        assert_eq!(case.turn(|transaction, turn| transaction.expire_id(turn)), expires, "{state:?}");
        assert_eq!(case.transaction.state() == Dead, expires);
    }
}
