//! Rebalances: partitions come, go and come back.

use std::time::Duration;

use super::{
    super::fake::{Rig, orders},
    SECOND, listener,
};
use crate::{
    client::{ConsumerEvent, Fault, FaultKind},
    config::{OnRevoke, ResolvedListener},
    listener::{mailbox::Command, pauses::Pauses},
};

#[tokio::test]
async fn queues_are_split_off_before_the_client_fetches_and_the_group_has_answered() {
    let mut rig = Rig::new(&listener(), false);
    rig.event(ConsumerEvent::Assign(vec![orders(0), orders(1)])).await;
    assert_eq!(rig.calls(), ["assign 0 1"]);
    assert!(rig.status.borrow().has_joined);
    assert_eq!(rig.status.borrow().partitions, [orders(0), orders(1)]);
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
async fn a_consumer_that_does_not_take_its_partitions_is_made_anew() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.refuse_assignments();
    rig.event(ConsumerEvent::Assign(vec![orders(1)])).await;
    assert!(rig.is_fatal());
}

fn not_told_where_the_group_stands() -> ConsumerEvent {
    ConsumerEvent::Fault(Fault { kind: FaultKind::Unpositioned, text: "not the coordinator".to_owned() })
}

#[tokio::test]
async fn a_consumer_that_is_not_told_where_its_group_stands_ends_in_order_to_be_made_anew() {
    let mut rig = Rig::assigned(listener(), 2).await;
    rig.arrive(0, 0..3).await;
    rig.event(not_told_where_the_group_stands()).await;
    assert!(rig.calls().is_empty(), "a handler runs");
    rig.release(10).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0"], "no other record may start");
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["close"]);
    rig.leave_closed();
    rig.settle().await;
    assert!(rig.is_fatal(), "the supervisor makes another");
}

#[tokio::test]
async fn a_consumer_that_is_stopped_while_it_ends_to_be_made_anew_stays_stopped() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, [0]).await;
    rig.event(not_told_where_the_group_stands()).await;
    rig.stop(5 * SECOND).await;
    rig.release(1).await;
    rig.commit_ends(true).await;
    rig.leave_closed();
    rig.settle().await;
    assert!(rig.stopped().is_some());
}

#[tokio::test]
async fn a_consumer_that_fails_while_it_ends_to_be_made_anew_is_made_anew() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, [0]).await;
    rig.event(not_told_where_the_group_stands()).await;
    rig.event(ConsumerEvent::Fatal(Fault { kind: FaultKind::Other, text: "fenced".to_owned() })).await;
    assert!(rig.is_fatal());
}
