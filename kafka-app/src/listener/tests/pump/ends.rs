//! How a consumer ends: it is stopped, a record is spent, the client fails.

use std::time::Duration;

use super::{
    super::fake::{Rig, orders},
    SECOND, listener,
};
use crate::client::{ConsumerEvent, Fault, FaultKind};

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
