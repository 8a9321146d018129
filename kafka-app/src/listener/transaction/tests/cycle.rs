use std::time::{Duration, Instant};

use crate::{
    client::TransactionFaultKind::{Abort, Fatal},
    config::TransactionLimits,
    listener::transaction::{
        cycle::Cycle,
        step::{Drained, Ended, Step},
    },
};

const LIMITS: TransactionLimits =
    TransactionLimits { max_records: 1_000, max_wait: Duration::from_millis(100), timeout: Duration::from_secs(30) };

/// Both producers are there.
fn open(limits: TransactionLimits, now: Instant) -> Cycle {
    let mut cycle = Cycle::new(limits);
    assert_eq!(steps(&mut cycle, now), [Step::Open(0), Step::Open(1)]);
    cycle.ended(0, Ended::Open, Ok(()), now);
    cycle.ended(1, Ended::Open, Ok(()), now);
    cycle
}

fn steps(cycle: &mut Cycle, now: Instant) -> Vec<Step> {
    let mut steps = Vec::new();
    while let Some(step) = cycle.next_step(now) {
        steps.push(step);
        if step == Step::Rewind {
            break;
        }
    }
    steps
}

/// A turn that has taken a record, with its outputs at the broker.
fn flushed(cycle: &mut Cycle, turn: usize, now: Instant) {
    assert_eq!(cycle.takes(now).map(|(turn, _)| turn), Some(turn));
    cycle.handed_over(turn, 1, now);
    cycle.close();
    cycle.drained(Drained::Finished, 1, now);
    assert_eq!(steps(cycle, now), [Step::Flush(turn)]);
    cycle.ended(turn, Ended::Flush, Ok(()), now);
}

#[test]
fn nothing_is_taken_before_a_producer_is_there() {
    let now = Instant::now();
    let mut cycle = Cycle::new(LIMITS);
    assert_eq!(cycle.takes(now), None);
    steps(&mut cycle, now);
    cycle.ended(1, Ended::Open, Ok(()), now);
    assert_eq!(cycle.takes(now), Some((1, 64)), "one is enough, and the first transactions are small");
}

#[test]
fn a_turn_is_flushed_then_committed_and_the_other_takes_records_in_between() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    cycle.handed_over(0, 64, now);
    assert_eq!((cycle.takes(now), cycle.draining()), (None, Some(0)), "full");
    cycle.drained(Drained::Finished, 64, now);
    assert_eq!(steps(&mut cycle, now), [Step::Flush(0)]);
    assert_eq!(cycle.takes(now), None, "outputs of the next would overtake these");
    cycle.ended(0, Ended::Flush, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), [Step::Commit(0)]);
    assert_eq!(cycle.takes(now), Some((1, 128)), "it went fast: twice as many");
    cycle.ended(0, Ended::Commit, Ok(()), now);
    assert!(cycle.is_quiet());
}

#[test]
fn turns_are_as_wide_as_their_handlers_need() {
    let now = Instant::now();
    let mut cycle = open(TransactionLimits { max_records: 8, ..LIMITS }, now);
    let mut full_turn = |turn: usize, is_before_the_commit: bool| {
        cycle.handed_over(turn, 8, now);
        if !is_before_the_commit {
            cycle.ended(1 - turn, Ended::Commit, Ok(()), now);
        }
        cycle.drained(Drained::Finished, 8, now);
        assert_eq!(steps(&mut cycle, now), [Step::Flush(turn)]);
        if is_before_the_commit {
            cycle.ended(1 - turn, Ended::Commit, Ok(()), now);
        }
        cycle.ended(turn, Ended::Flush, Ok(()), now);
        assert_eq!(steps(&mut cycle, now), [Step::Commit(turn)]);
        cycle.spread.share(8, 4)
    };
    assert_eq!(full_turn(0, false), 2, "among all four");
    assert_eq!([1, 0, 1].map(|turn| full_turn(turn, true)), [4, 8, 8], "the broker is slower than the handlers");
    assert_eq!([0, 1, 0].map(|turn| full_turn(turn, false)), [4, 2, 2], "the handlers are slower than the broker");
    cycle.handed_over(1, 3, now);
    cycle.close();
    cycle.drained(Drained::Finished, 3, now);
    assert_eq!(cycle.spread.share(8, 4), 2, "one that is not full says nothing of it");
}

#[test]
fn the_second_is_not_committed_before_the_first() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    flushed(&mut cycle, 0, now);
    assert_eq!(steps(&mut cycle, now), [Step::Commit(0)]);
    flushed(&mut cycle, 1, now);
    assert_eq!(steps(&mut cycle, now), []);
    cycle.ended(0, Ended::Commit, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), [Step::Commit(1)]);
}

#[test]
fn time_closes_a_turn() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    cycle.handed_over(0, 1, now);
    cycle.tick(now + Duration::from_millis(99));
    assert_eq!((cycle.draining(), cycle.next_look()), (None, Some(now + Duration::from_millis(100))));
    cycle.tick(now + Duration::from_millis(100));
    assert_eq!(cycle.draining(), Some(0));
}

#[test]
fn without_a_wait_a_turn_takes_what_is_there() {
    let now = Instant::now();
    let mut cycle = open(TransactionLimits { max_wait: Duration::ZERO, ..LIMITS }, now);
    cycle.handed_over(0, 1, now);
    assert_eq!(cycle.draining(), Some(0));
}

#[test]
fn a_turn_that_fails_takes_the_one_behind_it_along_and_both_are_read_again() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    flushed(&mut cycle, 0, now);
    assert_eq!(steps(&mut cycle, now), [Step::Commit(0)]);
    cycle.handed_over(1, 1, now);
    cycle.ended(0, Ended::Commit, Err(Abort), now);
    assert_eq!(steps(&mut cycle, now), [Step::Abort(0), Step::Abort(1)]);
    cycle.ended(1, Ended::Abort, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), []);
    cycle.ended(0, Ended::Abort, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), [], "after a while");
    let now = now + Duration::from_millis(100);
    assert_eq!(steps(&mut cycle, now), [Step::AskPositions], "it may have gone through");
    cycle.positioned();
    assert_eq!(steps(&mut cycle, now), [Step::Rewind]);
    assert!(!cycle.is_quiet());
    cycle.rewound();
    assert_eq!(steps(&mut cycle, now), [Step::Begin(0), Step::Begin(1)]);
    cycle.ended(0, Ended::Begin, Ok(()), now);
    assert_eq!(cycle.takes(now).map(|(turn, _)| turn), Some(0));
}

#[test]
fn a_tainted_turn_lets_the_commit_before_it_end() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    flushed(&mut cycle, 0, now);
    assert_eq!(steps(&mut cycle, now), [Step::Commit(0)]);
    cycle.handed_over(1, 1, now);
    cycle.taint();
    assert_eq!(steps(&mut cycle, now), [Step::Abort(1)]);
    cycle.ended(1, Ended::Abort, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), [], "where to go back to is not known before");
    cycle.ended(0, Ended::Commit, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), [Step::Rewind]);
    cycle.rewound();
    assert_eq!(cycle.takes(now).map(|(turn, _)| turn), Some(0), "a handler's failure is not the broker's");
}

#[test]
fn a_producer_that_is_lost_in_a_commit_is_made_anew_and_the_broker_is_asked_what_is_committed() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    flushed(&mut cycle, 0, now);
    assert_eq!(steps(&mut cycle, now), [Step::Commit(0)]);
    cycle.ended(0, Ended::Commit, Err(Fatal), now);
    assert_eq!(steps(&mut cycle, now), [], "after a while");
    let now = now + Duration::from_millis(100);
    assert_eq!(steps(&mut cycle, now), [Step::Open(0), Step::AskPositions]);
    cycle.not_positioned(now);
    let now = now + Duration::from_millis(200);
    assert_eq!(steps(&mut cycle, now), [Step::AskPositions]);
    cycle.positioned();
    assert_eq!(steps(&mut cycle, now), [Step::Rewind]);
}

#[test]
fn an_abort_that_fails_is_tried_again_after_a_while_and_one_that_cannot_be_costs_the_producer() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    cycle.handed_over(0, 1, now);
    cycle.abort_all();
    assert_eq!(steps(&mut cycle, now), [Step::Abort(0)]);
    cycle.ended(0, Ended::Abort, Err(Abort), now);
    assert_eq!((steps(&mut cycle, now), cycle.is_quiet()), (vec![], false), "after a while");
    let now = cycle.next_look().expect("it comes");
    assert_eq!(steps(&mut cycle, now), [Step::Abort(0)]);
    cycle.ended(0, Ended::Abort, Err(Fatal), now);
    assert_eq!(steps(&mut cycle, now + Duration::from_secs(1)), [Step::Open(0), Step::AskPositions]);
}

#[test]
fn slow_handlers_make_small_transactions_and_too_slow_ones_are_cut() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    cycle.handed_over(0, 64, now);
    assert!(!cycle.is_overdue(now + Duration::from_millis(9_999)));
    let now = now + Duration::from_secs(10);
    assert!(cycle.is_overdue(now), "a third of what the broker waits");
    cycle.drained(Drained::Finished, 10, now);
    assert_eq!(steps(&mut cycle, now), [Step::Flush(0)]);
    cycle.ended(0, Ended::Flush, Ok(()), now);
    assert_eq!(cycle.takes(now).map(|(_, room)| room), Some(5));
}

#[test]
fn a_turn_of_which_nothing_is_finished_takes_records_again() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    cycle.handed_over(0, 1, now);
    cycle.close();
    cycle.drained(Drained::Nothing, 0, now);
    assert!(cycle.is_quiet());
    assert_eq!(cycle.takes(now).map(|(turn, _)| turn), Some(0));
}

#[test]
fn after_an_output_that_was_not_delivered_as_many_records_go_one_by_one() {
    let now = Instant::now();
    let mut cycle = open(LIMITS, now);
    cycle.handed_over(0, 3, now);
    cycle.close();
    cycle.drained(Drained::Finished, 3, now);
    assert_eq!(steps(&mut cycle, now), [Step::Flush(0)]);
    cycle.single_out(0);
    cycle.ended(0, Ended::Flush, Err(Abort), now);
    assert_eq!(steps(&mut cycle, now), [Step::Abort(0)]);
    cycle.ended(0, Ended::Abort, Ok(()), now);
    assert_eq!(steps(&mut cycle, now), [Step::Rewind]);
    cycle.rewound();
    assert_eq!(steps(&mut cycle, now), [Step::Begin(0)]);
    cycle.ended(0, Ended::Begin, Ok(()), now);
    let now = now + Duration::from_secs(1);
    for _ in 0..3 {
        assert_eq!(cycle.takes(now), Some((0, 1)));
        cycle.handed_over(0, 1, now);
        assert!(cycle.is_alone(0) && cycle.draining() == Some(0));
        cycle.drained(Drained::Finished, 1, now);
        assert_eq!(steps(&mut cycle, now), [Step::Flush(0)]);
        cycle.ended(0, Ended::Flush, Ok(()), now);
        assert_eq!(steps(&mut cycle, now), [Step::Commit(0)]);
        cycle.ended(0, Ended::Commit, Ok(()), now);
    }
    assert!(cycle.takes(now).is_some_and(|(_, room)| room >= 64));
}
