//! The pump, turned by hand.

use std::time::Duration;

use tokio::sync::oneshot;

use super::fake::{Acks, Rig, orders};
use crate::{
    client::{ConsumerEvent, Fault, FaultKind},
    config::{AckMode, BatchLimits, Delivery, OnRevoke, Ordering, ResolvedListener},
    listener::{mailbox::Command, pauses::Pauses},
};

const SECOND: Duration = Duration::from_secs(1);

fn listener() -> ResolvedListener {
    ResolvedListener::new("bill", "orders", "billing")
}

fn manual(ack_mode: AckMode) -> ResolvedListener {
    ResolvedListener { ack_mode, ..listener() }
}

#[tokio::test]
async fn queues_are_split_off_before_the_client_fetches_and_the_group_has_answered() {
    let mut rig = Rig::new(&listener(), false);
    rig.event(ConsumerEvent::Assign(vec![orders(0), orders(1)])).await;
    assert_eq!(rig.calls(), ["assign 0 1"]);
    assert!(rig.status.borrow().has_joined);
    assert_eq!(rig.status.borrow().partitions, [orders(0), orders(1)]);
}

#[tokio::test]
async fn what_is_finished_is_stored_and_nothing_more() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, [5, 6, 9]).await;
    rig.release(2).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@7"]);
    rig.release(1).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@10"]);
    rig.pass(SECOND).await;
    assert!(rig.calls().is_empty(), "nothing new to store");
}

#[tokio::test]
async fn a_revoke_lets_the_running_handler_end_stores_and_then_gives_back() {
    let mut rig = Rig::assigned(listener(), 2).await;
    rig.arrive(0, 0..3).await;
    rig.revoke(0, false).await;
    assert!(rig.calls().is_empty(), "a handler runs");
    assert_eq!(rig.handled(), ["*0@0"]);
    rig.release(10).await;
    assert_eq!(rig.handled(), [".0@0"], "no other record may start");
    assert_eq!(rig.calls(), ["store 0@1", "unassign 0"]);
    assert_eq!(rig.status.borrow().partitions, [orders(1)]);
}

#[tokio::test]
async fn other_partitions_go_on_while_one_is_drained() {
    let mut rig = Rig::assigned(listener(), 2).await;
    rig.arrive(0, [0]).await;
    rig.revoke(0, false).await;
    rig.handled();
    rig.arrive(1, [0]).await;
    assert_eq!(rig.handled(), ["*1@0"]);
}

#[tokio::test]
async fn a_second_rebalance_waits_for_the_first() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, [0]).await;
    rig.revoke(0, false).await;
    rig.event(ConsumerEvent::Assign(vec![orders(1)])).await;
    assert!(rig.calls().is_empty());
    rig.release(1).await;
    assert_eq!(rig.calls(), ["store 0@1", "unassign 0", "assign 1"]);
}

#[tokio::test]
async fn of_a_lost_partition_nothing_is_stored_and_nobody_is_waited_for() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.release(1).await;
    rig.calls();
    rig.revoke(0, true).await;
    rig.release(10).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["unassign 0"]);
}

#[tokio::test]
async fn a_handler_past_the_drain_deadline_is_cut_off_and_what_it_says_later_counts_for_nothing() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.revoke(0, false).await;
    rig.pass(Duration::from_secs(29)).await;
    assert!(rig.calls().is_empty());
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["unassign 0"]);
    rig.handled();
    rig.release(10).await;
    rig.pass(SECOND).await;
    assert!(rig.calls().is_empty() && rig.handled().is_empty(), "it was dropped at its await");
}

#[tokio::test]
async fn with_cancel_a_revoke_drops_the_running_handler_at_once() {
    let mut rig = Rig::assigned(ResolvedListener { on_revoke: OnRevoke::Cancel, ..listener() }, 1).await;
    rig.arrive(0, 0..3).await;
    rig.revoke(0, false).await;
    assert_eq!(rig.calls(), ["unassign 0"]);
    rig.release(10).await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn a_partition_that_comes_back_is_read_anew() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, [0, 1]).await;
    rig.release(1).await;
    rig.revoke(0, true).await;
    rig.event(ConsumerEvent::Assign(vec![orders(0)])).await;
    rig.handled();
    rig.calls();
    rig.arrive(0, [0, 1]).await;
    rig.release(2).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"]);
    assert_eq!(rig.calls(), ["store 0@2"]);
}

#[tokio::test]
async fn no_more_than_the_bound_is_taken_while_handlers_are_busy_and_other_partitions_do_not_suffer() {
    let mut rig = Rig::assigned(listener(), 2).await;
    rig.arrive(0, 0..5000).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.n_waiting(0), 4000, "two chunks of 500 are in flight");
    rig.arrive(1, 0..10).await;
    assert_eq!(rig.n_waiting(1), 0);
    rig.release(5010).await;
    for _ in 0..400 {
        rig.settle().await;
    }
    rig.pass(SECOND).await;
    assert_eq!(rig.n_waiting(0), 0);
    assert!(rig.calls().contains(&"store 0@5000".to_owned()));
}

#[tokio::test]
async fn a_batch_is_handed_over_when_it_is_full_or_has_waited() {
    let batch = BatchLimits { max_records: 3, max_wait: Duration::from_secs(5), max_bytes: u64::MAX };
    let mut rig = Rig::new(&ResolvedListener { batch, ..listener() }, true).with_assigned(1).await;
    rig.arrive(0, 0..2).await;
    assert!(rig.handled().is_empty());
    rig.arrive(0, 2..4).await;
    assert_eq!(rig.handled(), ["*0@0"], "three make a batch");
    rig.release(3).await;
    rig.handled();
    rig.pass(Duration::from_secs(4)).await;
    assert!(rig.handled().is_empty());
    rig.pass(Duration::from_secs(2)).await;
    assert_eq!(rig.handled(), ["*0@3"], "the fourth has waited");
}

#[tokio::test]
async fn at_most_once_hands_over_only_what_is_committed() {
    let mut rig = Rig::assigned(ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }, 1).await;
    rig.arrive(0, 0..3).await;
    assert_eq!(rig.calls(), ["store 0@3", "commit"]);
    assert!(rig.handled().is_empty());
    rig.commit_ends(true).await;
    assert_eq!(rig.handled(), ["*0@0"]);
    rig.release(3).await;
    rig.pass(SECOND).await;
    assert!(rig.calls().is_empty(), "it is committed already");
}

#[tokio::test]
async fn at_most_once_tries_a_commit_that_failed_again_and_hands_nothing_over_before() {
    let mut rig = Rig::assigned(ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }, 1).await;
    rig.arrive(0, 0..3).await;
    rig.calls();
    rig.commit_ends(false).await;
    assert!(rig.handled().is_empty() && rig.calls().is_empty());
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["commit"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn at_most_once_handles_what_it_committed_before_it_gives_back() {
    let mut rig = Rig::assigned(ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }, 1).await;
    rig.arrive(0, 0..3).await;
    rig.commit_ends(true).await;
    rig.calls();
    rig.revoke(0, false).await;
    assert!(rig.calls().is_empty());
    rig.release(3).await;
    assert_eq!(rig.handled().len(), 6, "all three start and end");
    assert_eq!(rig.calls(), ["unassign 0"]);
}

#[tokio::test]
async fn at_most_once_an_orderly_stop_loses_nothing_of_what_is_being_committed() {
    let mut rig = Rig::assigned(ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }, 2).await;
    rig.arrive(0, 0..3).await;
    rig.arrive(1, 0..2).await;
    assert_eq!(rig.calls(), ["store 0@3", "commit"], "one commit is under way, without partition 1");
    rig.stop(Duration::from_secs(10)).await;
    rig.release(5).await;
    assert!(rig.calls().is_empty() && rig.handled().is_empty(), "nobody knows yet what is committed");
    rig.commit_ends(true).await;
    assert_eq!(rig.handled().len(), 6, "all three start and end; those of partition 1 are for the next owner");
    let calls = rig.calls();
    assert!(!calls.iter().any(|call| call.starts_with("store")), "nothing of partition 1 is committed: {calls:?}");
    assert_eq!(calls.last().map(String::as_str), Some("close"));
}

#[tokio::test]
async fn at_most_once_a_revoke_waits_for_the_commit_under_way_and_leaves_what_it_could_not_commit_to_others() {
    let mut rig = Rig::assigned(ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }, 1).await;
    rig.arrive(0, 0..3).await;
    rig.calls();
    rig.revoke(0, false).await;
    assert!(rig.calls().is_empty(), "the commit is under way");
    rig.commit_ends(false).await;
    rig.release(3).await;
    assert_eq!(rig.calls(), ["unassign 0"]);
    assert!(rig.handled().is_empty());
}

#[tokio::test]
async fn ack_mode_count_commits_every_so_many_records() {
    let listener = ResolvedListener { ack_mode: AckMode::Count, ack_count: 2, ..listener() };
    let mut rig = Rig::assigned(listener, 1).await;
    rig.arrive(0, 0..3).await;
    rig.release(1).await;
    assert!(rig.calls().is_empty());
    rig.release(1).await;
    assert_eq!(rig.calls(), ["store 0@2", "commit"]);
}

#[tokio::test]
async fn an_acknowledged_record_goes_with_the_next_commit() {
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.arrive(0, 0..2).await;
    rig.release(2).await;
    assert_eq!(rig.confirmed(), [true, true], "the future is ready at once");
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@2"]);
}

#[tokio::test]
async fn an_immediate_acknowledgment_ends_with_its_commit() {
    let mut rig = Rig::assigned(manual(AckMode::ManualImmediate), 1).await;
    rig.arrive(0, 0..2).await;
    rig.release(1).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
    assert!(rig.confirmed().is_empty(), "the broker has not answered");
    rig.commit_ends(true).await;
    assert_eq!(rig.confirmed(), [true]);
    rig.release(1).await;
    rig.commit_ends(false).await;
    assert_eq!(rig.confirmed(), [true, false]);
}

#[tokio::test]
async fn a_nack_delivers_again_from_its_record_on_after_the_delay() {
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.acks([Acks::Acknowledge, Acks::Nack(Duration::from_secs(10))]);
    rig.arrive(0, 0..4).await;
    rig.release(10).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"], "2 and 3 wait");
    rig.pass(Duration::from_secs(9)).await;
    assert_eq!(rig.calls(), ["store 0@1"]);
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["seek 0@1"]);
    rig.arrive(0, 1..4).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@1", ".0@1", "*0@2", ".0@2", "*0@3", ".0@3"]);
    assert_eq!(rig.calls(), ["store 0@4"]);
}

#[tokio::test]
async fn an_ack_dropped_by_a_handler_that_succeeded_is_a_nack() {
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.acks([Acks::Drop]);
    rig.arrive(0, 0..2).await;
    rig.release(1).await;
    assert_eq!(rig.calls(), ["seek 0@0"]);
}

#[tokio::test]
async fn a_seek_starts_the_partition_anew() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..4).await;
    let (reply, mut done) = oneshot::channel();
    rig.tell(Command::Seek { partition: orders(0), offset: 40, reply }).await;
    assert!(rig.calls().is_empty(), "a handler runs");
    rig.release(1).await;
    assert_eq!(rig.calls(), ["seek 0@40", "store 0@1"]);
    assert!(done.try_recv().is_ok_and(|result| result.is_ok()));
    rig.arrive(0, [40]).await;
    rig.release(1).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@40", ".0@40"]);
    assert_eq!(
        rig.calls(),
        ["store 0@41", "commit 0@41"],
        "the client would not commit what lies before the last commit"
    );
}

#[tokio::test]
async fn a_position_that_goes_back_is_committed_by_name_and_then_the_others_go_on() {
    let mut rig = Rig::assigned(manual(AckMode::Count), 2).await;
    rig.arrive(0, [49]).await;
    rig.release(1).await;
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["store 0@50", "commit"]);
    // The topic was made anew.
    rig.arrive(0, [0]).await;
    rig.release(1).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit 0@1"]);
    rig.arrive(1, [7]).await;
    rig.release(1).await;
    assert!(rig.calls().is_empty(), "one commit is under way at a time");
    rig.commit_ends(false).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 1@8", "commit 0@1"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["commit"]);
    rig.commit_ends(true).await;
    rig.pass(SECOND).await;
    assert!(rig.calls().is_empty(), "from here on the client commits what goes forward");
}

#[tokio::test]
async fn a_first_position_that_lies_before_what_others_committed_is_committed_by_name() {
    // The topic was made anew since.
    let rig = Rig::new(&listener(), false).committed_before(0, 50).committed_before(1, 50);
    let mut rig = rig.with_assigned(2).await;
    rig.arrive(0, [0]).await;
    rig.arrive(1, [60]).await;
    rig.release(2).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@1", "store 1@61"]);
    rig.pass(SECOND).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["commit"], "the client should have committed both by now, and said so");
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["commit 0@1"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["commit"]);
    rig.commit_ends(true).await;
    rig.arrive(0, [1]).await;
    rig.release(1).await;
    rig.pass(5 * SECOND).await;
    assert_eq!(rig.calls(), ["store 0@2"], "from here on the client commits what goes forward");
}

#[tokio::test]
async fn at_most_once_a_first_record_that_lies_before_what_others_committed_waits_for_its_own_commit() {
    let at_most_once = ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() };
    let mut rig = Rig::new(&at_most_once, false).committed_before(0, 50).with_assigned(1).await;
    rig.arrive(0, [0]).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["commit 0@1"]);
    assert!(rig.handled().is_empty(), "a process killed now would handle it again");
    rig.commit_ends(true).await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn who_waits_for_a_commit_that_left_the_record_out_waits_for_the_next() {
    let rig = Rig::new(&manual(AckMode::ManualImmediate), false).committed_before(0, 50);
    let mut rig = rig.with_assigned(1).await;
    rig.arrive(0, [0]).await;
    rig.release(1).await;
    rig.commit_ends(true).await;
    assert!(rig.confirmed().is_empty());
    assert_eq!(rig.calls(), ["store 0@1", "commit", "commit 0@1"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.confirmed(), [true]);
}

#[tokio::test]
async fn at_most_once_a_record_of_a_topic_made_anew_is_not_handled_before_its_commit() {
    let mut rig = Rig::assigned(ResolvedListener { delivery: Delivery::AtMostOnce, ..listener() }, 1).await;
    rig.arrive(0, [49]).await;
    rig.commit_ends(true).await;
    rig.release(1).await;
    rig.calls();
    rig.handled();
    rig.arrive(0, [0]).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit 0@1"]);
    assert!(rig.handled().is_empty());
    rig.commit_ends(true).await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn a_position_that_went_back_goes_with_the_revoke_if_its_commit_has_not_started() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, [49]).await;
    rig.release(1).await;
    rig.pass(SECOND).await;
    rig.arrive(0, [0]).await;
    rig.calls();
    rig.revoke(0, false).await;
    rig.release(1).await;
    // The client commits what is stored when a partition is given back, wherever it lies.
    assert_eq!(rig.calls(), ["store 0@1", "unassign 0", "commit"]);
}

#[tokio::test]
async fn a_seek_of_a_partition_of_others_is_refused() {
    let mut rig = Rig::assigned(listener(), 1).await;
    let (reply, mut done) = oneshot::channel();
    rig.tell(Command::Seek { partition: orders(7), offset: 0, reply }).await;
    assert!(done.try_recv().is_ok_and(|result| result.is_err()));
}

#[tokio::test]
async fn a_paused_partition_stays_so_when_it_leaves_and_comes_back_and_others_go_on() {
    let mut rig = Rig::assigned(listener(), 2).await;
    let pauses = Pauses { partitions: [orders(0)].into(), ..Pauses::default() };
    rig.tell(Command::Pauses(pauses)).await;
    rig.arrive(0, [0]).await;
    rig.arrive(1, [0]).await;
    assert_eq!(rig.handled(), ["*1@0"]);
    rig.revoke(0, false).await;
    rig.event(ConsumerEvent::Assign(vec![orders(0)])).await;
    rig.arrive(0, [1]).await;
    assert!(rig.handled().is_empty());
    rig.tell(Command::Pauses(Pauses::default())).await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn a_pause_outlives_a_rebalance() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.tell(Command::Pauses(Pauses { all: true, ..Pauses::default() })).await;
    rig.event(ConsumerEvent::Assign(vec![orders(1)])).await;
    rig.arrive(0, [0]).await;
    rig.arrive(1, [0]).await;
    assert!(rig.handled().is_empty());
    rig.tell(Command::Pauses(Pauses::default())).await;
    assert_eq!(rig.handled(), ["*0@0", "*1@0"]);
}

#[tokio::test]
async fn a_stop_drains_stores_and_leaves_the_group() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.stop(Duration::from_secs(10)).await;
    assert!(rig.calls().is_empty(), "a handler runs");
    rig.release(10).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["close"]);
    rig.revoke(0, false).await;
    assert_eq!(rig.calls(), ["unassign 0"]);
    assert!(rig.stopped().is_none());
    rig.leave_closed();
    rig.settle().await;
    assert!(rig.stopped().is_some_and(crate::listener::pump::StopReport::is_clean));
    assert_eq!(rig.handled(), ["*0@0", ".0@0"]);
}

#[tokio::test]
async fn a_stop_tries_its_last_commit_again_before_it_leaves_the_group() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..1).await;
    rig.stop(Duration::from_secs(10)).await;
    rig.release(1).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
    rig.commit_ends(false).await;
    assert!(rig.calls().is_empty(), "the group may be in the middle of a rebalance");
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["commit"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["close"]);
}

#[tokio::test]
async fn a_stop_whose_last_offsets_are_not_confirmed_in_time_says_so() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..1).await;
    rig.stop(Duration::from_secs(10)).await;
    rig.release(1).await;
    rig.leave_closed();
    rig.pass(Duration::from_secs(9)).await;
    let report = rig.stopped().expect("it ended");
    assert!(report.uncommitted && !report.abandoned && report.cut_off.is_empty());
}

#[tokio::test]
async fn a_stop_past_its_deadline_says_what_it_cut_off_and_abandons_a_broker_that_hangs() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 4..6).await;
    rig.stop(Duration::from_secs(10)).await;
    rig.pass(Duration::from_secs(9)).await;
    assert_eq!(rig.calls(), ["close"], "some of the time is left for leaving the group");
    rig.pass(SECOND).await;
    let report = rig.stopped().expect("it ended");
    assert_eq!(report.cut_off, [(orders(0), Some(4))]);
    assert!(report.abandoned);
}

#[tokio::test]
async fn a_spent_record_stops_the_listener_and_stays_uncommitted() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.fail_at(1);
    rig.leave_closed();
    rig.arrive(0, 0..3).await;
    rig.release(10).await;
    rig.commit_ends(true).await;
    assert_eq!(rig.failure().as_deref(), Some("spent"));
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"]);
    assert_eq!(rig.calls(), ["store 0@1", "commit", "close"]);
}

#[tokio::test]
async fn after_a_fatal_error_nothing_of_the_consumer_counts() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..3).await;
    rig.event(ConsumerEvent::Fatal(Fault { kind: FaultKind::Other, text: "fenced".to_owned() })).await;
    assert!(rig.is_fatal());
    rig.handled();
    rig.release(10).await;
    assert!(rig.handled().is_empty() && rig.calls().is_empty());
}

#[tokio::test]
async fn a_fatal_error_while_the_listener_stops_ends_the_stop() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 4..6).await;
    rig.stop(Duration::from_secs(10)).await;
    rig.event(ConsumerEvent::Fatal(Fault { kind: FaultKind::Other, text: "fenced".to_owned() })).await;
    let report = rig.stopped().expect("it is not made anew: nobody would stop that one");
    assert_eq!(report.cut_off, [(orders(0), Some(4))]);
}

#[tokio::test]
async fn a_fatal_error_while_the_group_is_left_ends_the_stop() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.stop(Duration::from_secs(10)).await;
    rig.event(ConsumerEvent::Fatal(Fault { kind: FaultKind::Other, text: "fenced".to_owned() })).await;
    assert!(rig.stopped().is_some());
}

#[tokio::test]
async fn a_consumer_that_does_not_take_its_partitions_is_made_anew() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.refuse_assignments();
    rig.event(ConsumerEvent::Assign(vec![orders(1)])).await;
    assert!(rig.is_fatal());
}

#[tokio::test]
async fn partitions_that_arrive_while_the_group_is_left_do_not_fail_the_listener() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.refuse_assignments();
    rig.stop(Duration::from_secs(10)).await;
    rig.event(ConsumerEvent::Assign(vec![orders(1)])).await;
    assert_eq!(rig.failure(), None);
    rig.leave_closed();
    rig.settle().await;
    assert!(rig.stopped().is_some_and(crate::listener::pump::StopReport::is_clean));
}

#[tokio::test]
async fn with_ordering_by_key_one_key_does_not_wait_for_another() {
    let listener = ResolvedListener { ordering: Ordering::Key, workers: 8, ..listener() };
    let mut rig = Rig::assigned(listener, 1).await;
    rig.arrive(0, 0..4).await;
    let mut started = rig.handled();
    started.sort();
    assert_eq!(started, ["*0@0", "*0@1"], "the first of each key, and no other");
    rig.release(4).await;
    rig.pass(SECOND).await;
    let handled = rig.handled();
    let place = |what: &str| handled.iter().position(|entry| entry == what);
    assert!(place(".0@0") < place("*0@2") && place(".0@1") < place("*0@3"), "{handled:?}");
    assert_eq!(rig.calls(), ["store 0@4"]);
}

#[tokio::test]
async fn without_an_ordering_any_lane_takes_any_record() {
    let listener = ResolvedListener { ordering: Ordering::None, workers: 4, ..listener() };
    let mut rig = Rig::assigned(listener, 1).await;
    rig.arrive(0, 0..6).await;
    assert_eq!(rig.handled().len(), 4, "one for each lane");
    rig.release(6).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@6"]);
}
