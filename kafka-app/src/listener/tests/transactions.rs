//! Exactly once: the pump, turned by hand, with workers that answer by hand.

use std::time::Duration;

use super::fake::{Rig, orders};
use crate::{
    client::TransactionFaultKind,
    config::{BatchLimits, Delivery, OnRevoke, Ordering, ResolvedListener, TransactionLimits},
    listener::transaction::Ended,
};

const SECOND: Duration = Duration::from_secs(1);

/// Whose transactions take what is there.
fn listener() -> ResolvedListener {
    let transaction = TransactionLimits { max_wait: Duration::ZERO, ..TransactionLimits::default() };
    let listener = ResolvedListener::new("bill", "orders", "billing");
    ResolvedListener { delivery: Delivery::ExactlyOnce, transaction, ..listener }
}

/// Whose transactions take records for half a minute.
fn patient() -> ResolvedListener {
    let transaction =
        TransactionLimits { max_wait: 30 * SECOND, timeout: 900 * SECOND, ..TransactionLimits::default() };
    ResolvedListener { transaction, ..listener() }
}

async fn assigned(listener: ResolvedListener, n_partitions: i32) -> Rig {
    Rig::assigned(listener, n_partitions).await.opened().await
}

/// Lets what is being sent be sent, and committed.
async fn commit(rig: &mut Rig, turn: usize) {
    rig.ends(turn, Ended::Flush, Ok(())).await;
    rig.ends(turn, Ended::Commit, Ok(())).await;
}

#[tokio::test]
async fn nothing_is_handed_over_before_there_is_a_producer() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    assert!(rig.handled().is_empty());
    let rig = rig.opened().await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn nothing_is_handed_over_before_the_broker_says_where_its_group_goes_on() {
    let mut rig = Rig::assigned(listener(), 2).await.with_producers().await;
    rig.arrive(0, [0, 1]).await;
    rig.arrive(1, [5]).await;
    assert!(rig.handled().is_empty());
    rig.positions(&[(0, 3)]).await;
    assert_eq!(rig.calls(), ["seek 0@3"]);
    assert_eq!(rig.handled(), ["*1@5"], "of this one nothing is committed: the client knows where to begin");
    rig.arrive(0, [3]).await;
    rig.release(2).await;
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["flush 0", "commit 0: 1@6", "flush 1"]);
    assert_eq!(rig.handled()[1..], ["*0@3", ".0@3"]);
}

#[tokio::test]
async fn who_gets_no_answer_asks_again_and_others_go_on() {
    let mut rig = Rig::assigned(listener(), 1).await.opened().await;
    rig.event(crate::client::ConsumerEvent::Assign(vec![orders(1)])).await;
    assert_eq!(rig.calls(), ["assign 1", "ask 1"]);
    rig.no_positions().await;
    assert!(rig.calls().is_empty(), "not at once");
    rig.arrive(0, [0]).await;
    assert_eq!((rig.handled(), rig.calls()), (vec!["*0@0".to_owned()], vec!["ask 1".to_owned()]));
    rig.positions(&[(1, 4)]).await;
    assert_eq!(rig.calls(), ["seek 1@4"]);
}

/// The coordinator of Kafka 4.1 may say so while it loads its log.
#[tokio::test]
async fn that_positions_are_gone_is_not_believed_for_a_while() {
    let mut rig = Rig::new(&listener(), false).with_assigned(1).await.with_producers().await;
    rig.positions(&[(0, 3)]).await;
    rig.revoke(0, true).await;
    rig.event(crate::client::ConsumerEvent::Assign(vec![orders(0), orders(1)])).await;
    rig.calls();
    rig.arrive(0, 0..2).await;
    rig.arrive(1, 0..2).await;
    rig.positions(&[]).await;
    assert!(rig.handled().is_empty(), "nor is what is said of the other one");
    rig.pass(SECOND).await;
    rig.positions(&[(0, 8)]).await;
    assert_eq!(rig.calls(), ["ask 0 1", "seek 0@8"]);
    assert_eq!(rig.handled(), ["*1@0"], "it has none and never had");
}

#[tokio::test]
async fn an_answer_of_an_assignment_that_was_lost_meanwhile_is_none() {
    let mut rig = Rig::assigned(listener(), 1).await.with_producers().await;
    rig.revoke(0, true).await;
    rig.event(crate::client::ConsumerEvent::Assign(vec![orders(0)])).await;
    assert_eq!(rig.calls(), ["unassign 0", "assign 0", "ask 0"]);
    rig.positions(&[(0, 3)]).await;
    assert!(rig.calls().is_empty(), "others have gone on since");
    rig.positions(&[(0, 8)]).await;
    assert_eq!(rig.calls(), ["seek 0@8"]);
}

#[tokio::test]
async fn a_seek_before_the_answer_stands() {
    let mut rig = Rig::assigned(listener(), 1).await.with_producers().await;
    let mut done = rig.seek(0, 1).await;
    rig.positions(&[(0, 3)]).await;
    assert_eq!(rig.calls(), ["seek 0@1"]);
    assert!(done.try_recv().is_ok_and(|sought| sought.is_ok()));
    rig.arrive(0, [1]).await;
    assert_eq!(rig.handled(), ["*0@1"]);
}

#[tokio::test]
async fn a_transaction_is_sent_when_all_it_took_is_finished_with_the_positions_of_all_its_partitions() {
    let mut rig = assigned(patient(), 2).await;
    rig.arrive(0, [5, 6]).await;
    rig.arrive(1, [8]).await;
    rig.release(2).await;
    rig.pass(31 * SECOND).await;
    assert!(rig.calls().is_empty(), "one is not finished");
    rig.release(1).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@7 1@9"]);
    rig.arrive(0, [9]).await;
    rig.release(1).await;
    rig.pass(31 * SECOND).await;
    assert_eq!(rig.calls(), ["flush 1"], "the other one works while the first is committed");
    rig.ends(1, Ended::Flush, Ok(())).await;
    assert!(rig.calls().is_empty(), "and waits for it");
    rig.ends(0, Ended::Commit, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 1: 0@10"], "only what moved");
}

#[tokio::test]
async fn nothing_is_handed_over_while_outputs_are_on_their_way() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, [0]).await;
    rig.release(1).await;
    rig.handled();
    rig.arrive(0, [1]).await;
    assert!(rig.handled().is_empty(), "its outputs would overtake those of the first");
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.handled(), ["*0@1"]);
}

#[tokio::test]
async fn a_full_transaction_takes_no_more_and_every_partition_gets_its_share() {
    let transaction = TransactionLimits { max_records: 4, ..patient().transaction };
    let mut rig = assigned(ResolvedListener { transaction, ..listener() }, 2).await;
    rig.arrive(0, 0..10).await;
    assert_eq!(rig.n_waiting(0), 6);
    rig.release(4).await;
    rig.calls();
    rig.arrive(1, 0..10).await;
    commit(&mut rig, 0).await;
    assert_eq!((rig.n_waiting(0), rig.n_waiting(1)), (4, 8));
}

#[tokio::test]
async fn a_transaction_that_cannot_be_committed_is_given_up_and_its_records_come_again() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, [5, 6]).await;
    rig.release(2).await;
    rig.ends(0, Ended::Flush, Ok(())).await;
    rig.ends(0, Ended::Commit, Err(TransactionFaultKind::Abort)).await;
    assert_eq!(rig.calls(), ["flush 0", "commit 0: 0@7", "abort 0"]);
    rig.ends(0, Ended::Abort, Ok(())).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["ask again 0"], "it may have been committed all the same");
    rig.positions(&[]).await;
    assert_eq!(rig.calls(), ["begin 0", "seek 0@5"], "from where the assignment began");
    rig.ends(0, Ended::Begin, Ok(())).await;
    rig.handled();
    rig.arrive(0, [5, 6]).await;
    rig.release(2).await;
    assert_eq!(rig.handled(), ["*0@5", ".0@5", "*0@6", ".0@6"]);
    rig.pass(SECOND).await;
    assert_eq!(rig.calls().len(), 1);
}

#[tokio::test]
async fn what_was_committed_before_does_not_come_again() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, [5, 6]).await;
    rig.release(2).await;
    commit(&mut rig, 0).await;
    rig.arrive(0, [7]).await;
    rig.taint_at(7);
    rig.calls();
    rig.release(1).await;
    assert_eq!(rig.calls(), ["abort 0"]);
    rig.ends(0, Ended::Abort, Ok(())).await;
    assert_eq!(rig.calls(), ["begin 0", "seek 0@7"]);
}

#[tokio::test]
async fn a_handler_that_spoils_its_transaction_takes_the_finished_records_of_all_partitions_along() {
    let mut rig = assigned(patient(), 2).await;
    rig.arrive(0, [1]).await;
    rig.release(1).await;
    rig.arrive(1, [2, 3]).await;
    rig.taint_at(2);
    rig.release(1).await;
    assert_eq!(rig.calls(), ["abort 0"]);
    rig.ends(0, Ended::Abort, Ok(())).await;
    let mut calls = rig.calls();
    calls.sort();
    assert_eq!(calls, ["begin 0", "seek 0@1", "seek 1@2"]);
}

#[tokio::test]
async fn what_is_spoiled_just_before_the_last_handler_ends_is_not_committed() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, [0, 1]).await;
    rig.release(1).await;
    let _done = rig.seek(0, 0).await; // No other record starts.
    rig.taint_at(1);
    rig.release_late(1).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"]);
    assert_eq!(rig.calls(), ["abort 0"]);
}

/// What it was told since: that a turn is given up, and its records come again.
async fn given_up(rig: &mut Rig, turn: usize) -> Vec<String> {
    rig.ends(turn, Ended::Abort, Ok(())).await;
    rig.ends(turn, Ended::Begin, Ok(())).await;
    rig.pass(SECOND).await;
    rig.handled();
    rig.calls()
}

#[tokio::test]
async fn an_output_that_nobody_takes_now_is_not_laid_to_its_records() {
    let mut rig = assigned(listener(), 1).await;
    for _ in 0..3 {
        rig.arrive(0, 0..3).await;
        rig.release(3).await;
        rig.handled();
        rig.undelivered(0, false).await;
        assert_eq!(rig.calls(), ["flush 0", "abort 0"]);
        assert_eq!(given_up(&mut rig, 0).await, ["begin 0", "seek 0@0"]);
        rig.pass(SECOND).await;
    }
    rig.arrive(0, 0..3).await;
    rig.release(3).await;
    assert_eq!(rig.handled().len(), 6, "they do not go one by one");
    assert_eq!((0..3).map(|offset| rig.n_undelivered(0, offset)).sum::<u32>(), 0);
}

#[tokio::test]
async fn of_a_batch_only_the_record_counts_whose_output_is_not_delivered() {
    let batch = BatchLimits { max_records: 3, max_wait: 10 * SECOND, ..BatchLimits::default() };
    let mut rig = Rig::new(&ResolvedListener { batch, ..listener() }, true).with_assigned(1).await.opened().await;
    rig.arrive(0, 0..3).await;
    rig.release(3).await;
    rig.undelivered(0, true).await;
    assert_eq!(rig.calls(), ["flush 0", "abort 0"]);
    assert_eq!(given_up(&mut rig, 0).await, ["begin 0", "seek 0@0"]);
    rig.arrive(0, 0..3).await;
    assert_eq!(rig.handled(), ["*0@0"], "it waits for no others");
    rig.release(1).await;
    commit(&mut rig, 0).await;
    assert_eq!(rig.handled(), [".0@0", "*0@1"]);
    rig.release(1).await;
    rig.calls();
    rig.undelivered(1, true).await;
    assert_eq!(given_up(&mut rig, 1).await, ["abort 1", "begin 1", "seek 0@1"]);
    assert_eq!((0..3).map(|offset| rig.n_undelivered(0, offset)).collect::<Vec<_>>(), [0, 1, 0]);
}

#[tokio::test]
async fn of_a_gap_in_the_log_nothing_is_remembered() {
    let mut rig = Rig::assigned(listener(), 1).await.with_producers().await;
    rig.positions(&[(0, 0)]).await;
    let first = 50_000_000_000_000; // Behind so many that are deleted.
    for _ in 0..2 {
        rig.arrive(0, [first]).await;
        rig.release(1).await;
        rig.undelivered(0, true).await;
        given_up(&mut rig, 0).await;
    }
    assert_eq!((rig.n_undelivered(0, first), rig.n_undelivered(0, 0)), (1, 0));
}

#[tokio::test]
async fn a_lost_producer_is_made_anew_and_its_records_come_again_from_what_the_broker_has() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, [5, 6]).await;
    rig.release(2).await;
    rig.ends(0, Ended::Flush, Ok(())).await;
    rig.calls();
    rig.ends(0, Ended::Commit, Err(TransactionFaultKind::Fatal)).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["open 0 1", "ask again 0"], "under another id");
    rig.positions(&[(0, 7)]).await;
    assert_eq!(rig.calls(), ["seek 0@7"], "it was committed all the same");
}

#[tokio::test]
async fn a_revoke_commits_what_is_finished_before_it_gives_back() {
    let mut rig = assigned(listener(), 2).await;
    rig.arrive(0, 0..3).await;
    rig.revoke(0, false).await;
    assert!(rig.calls().is_empty(), "a handler runs");
    rig.release(10).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0"], "no other record may start");
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@1"]);
    rig.arrive(1, [0]).await;
    assert!(rig.handled().is_empty(), "nothing is taken meanwhile");
    rig.ends(0, Ended::Commit, Ok(())).await;
    assert_eq!(rig.calls(), ["unassign 0", "flush 0"]);
    assert_eq!(rig.handled(), ["*1@0", ".1@0"]);
}

#[tokio::test]
async fn a_revoke_in_the_middle_of_keys_gives_the_transaction_up() {
    let mut rig = assigned(ResolvedListener { ordering: Ordering::Key, ..listener() }, 1).await;
    rig.arrive(0, [1, 3, 4, 5, 6]).await;
    assert_eq!(rig.handled().len(), 2, "two keys, two lanes");
    rig.release(2).await;
    rig.revoke(0, false).await;
    rig.release(2).await;
    assert!(!rig.handled().contains(&".0@5".to_owned()), "the one of odd offsets has ended before it");
    assert_eq!(rig.calls(), ["abort 0"], "6 is finished and 5 is not");
}

#[tokio::test]
async fn of_a_lost_partition_nothing_is_committed_and_the_others_come_again() {
    let mut rig = assigned(patient(), 2).await;
    rig.arrive(0, [1]).await;
    rig.arrive(1, [2]).await;
    rig.release(2).await;
    rig.revoke(0, true).await;
    assert_eq!(rig.calls(), ["unassign 0", "abort 0"]);
    rig.ends(0, Ended::Abort, Ok(())).await;
    assert_eq!(rig.calls(), ["begin 0", "seek 1@2"]);
}

#[tokio::test]
async fn a_partition_that_went_between_two_steps_is_in_no_commit() {
    let mut rig = assigned(patient(), 2).await;
    rig.arrive(0, [1]).await;
    rig.arrive(1, [2]).await;
    rig.release(2).await;
    rig.pass(31 * SECOND).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.revoke(0, true).await;
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["unassign 0", "abort 0"]);
}

#[tokio::test]
async fn a_revoke_whose_time_is_up_gives_the_transaction_up() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.revoke(0, false).await;
    rig.pass(30 * SECOND).await;
    assert_eq!(rig.calls(), ["abort 0", "unassign 0"]);
    rig.release(10).await;
    rig.ends(0, Ended::Abort, Ok(())).await;
    assert_eq!(rig.calls(), ["begin 0"]);
}

#[tokio::test]
async fn with_cancel_a_revoke_gives_the_transaction_up_at_once() {
    let mut rig = assigned(ResolvedListener { on_revoke: OnRevoke::Cancel, ..listener() }, 2).await;
    rig.arrive(0, 0..3).await;
    rig.revoke(0, false).await;
    assert_eq!(rig.calls(), ["abort 0"]);
    rig.ends(0, Ended::Abort, Ok(())).await;
    assert_eq!(rig.calls()[..2], ["begin 0", "unassign 0"]);
}

#[tokio::test]
async fn a_stop_commits_what_is_finished_and_leaves() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.stop(20 * SECOND).await;
    rig.release(10).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@1"]);
    rig.ends(0, Ended::Commit, Ok(())).await;
    assert_eq!(rig.calls(), ["close"]);
    rig.leave_closed();
    rig.pass(SECOND).await;
    assert!(rig.stopped().is_some_and(crate::listener::pump::StopReport::is_clean), "{:?}", rig.stopped());
}

#[tokio::test]
async fn with_cancel_a_stop_lets_the_running_handler_end() {
    let mut rig = assigned(ResolvedListener { on_revoke: OnRevoke::Cancel, ..listener() }, 1).await;
    rig.arrive(0, 0..3).await;
    rig.stop(20 * SECOND).await;
    rig.release(10).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0"]);
    commit(&mut rig, 0).await;
    assert_eq!(rig.calls(), ["flush 0", "commit 0: 0@1", "close"]);
}

#[tokio::test]
async fn a_stop_that_cannot_commit_in_time_says_so() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, [0]).await;
    rig.release(1).await;
    rig.stop(8 * SECOND).await;
    rig.pass(6 * SECOND).await;
    rig.leave_closed();
    rig.pass(3 * SECOND).await;
    assert!(rig.stopped().is_some_and(|report| report.uncommitted), "{:?}", rig.stopped());
}

#[tokio::test]
async fn a_listener_that_fails_commits_what_came_before() {
    let mut rig = assigned(listener(), 1).await;
    rig.fail_at(1);
    rig.arrive(0, 0..3).await;
    rig.release(2).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@1"]);
    rig.ends(0, Ended::Commit, Ok(())).await;
    rig.leave_closed();
    rig.pass(SECOND).await;
    assert!(rig.failure().is_some());
}

#[tokio::test]
async fn handlers_that_take_too_long_leave_the_rest_to_the_next_transaction() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.release(1).await;
    rig.pass(11 * SECOND).await;
    assert!(rig.calls().is_empty(), "one runs");
    rig.release(1).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@2"]);
    rig.ends(0, Ended::Commit, Ok(())).await;
    assert_eq!(rig.calls(), ["seek 0@2"]);
}

#[tokio::test]
async fn a_seek_waits_for_the_transaction_and_is_committed_from_there() {
    let mut rig = assigned(listener(), 1).await;
    rig.arrive(0, 5..8).await;
    let mut done = rig.seek(0, 1).await;
    rig.release(1).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    assert!(done.try_recv().is_err());
    commit(&mut rig, 0).await;
    assert_eq!(rig.calls(), ["commit 0: 0@6", "seek 0@1"]);
    assert!(done.try_recv().is_ok_and(|sought| sought.is_ok()));
    rig.arrive(0, [1]).await;
    rig.release(1).await;
    assert_eq!(rig.calls(), ["flush 0"]);
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@2"]);
}

#[tokio::test]
async fn no_position_is_stored_or_committed_by_the_consumer() {
    let mut rig = assigned(listener(), 1).await;
    for offset in 0..5 {
        rig.arrive(0, [offset]).await;
        rig.release(1).await;
        commit(&mut rig, 0).await;
    }
    rig.revoke(0, false).await;
    let calls = rig.calls();
    assert!(calls.iter().all(|call| !call.starts_with("store") && call != "commit"), "{calls:?}");
    assert!(calls.contains(&"commit 0: 0@5".to_owned()), "{calls:?}");
}
