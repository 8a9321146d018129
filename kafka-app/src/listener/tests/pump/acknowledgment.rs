//! Acknowledgments, and the commits they wait for.

use std::time::Duration;

use super::{
    super::fake::{Acks, Rig, orders},
    SECOND, listener, manual,
};
use crate::{
    client::ConsumerEvent,
    config::{AckMode, ResolvedListener},
    test_support::Events,
};

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
async fn who_waits_for_a_commit_of_a_position_that_the_client_did_not_take_is_told() {
    let mut rig = Rig::assigned(manual(AckMode::ManualImmediate), 1).await;
    rig.arrive(0, 0..2).await;
    rig.release(1).await;
    rig.commit_ends(true).await;
    rig.refuse_stores(true);
    rig.release(1).await;
    rig.commit_ends(true).await;
    assert_eq!(rig.confirmed(), [true, false]);
    rig.refuse_stores(false);
    rig.calls();
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@2", "commit"], "it is tried again");
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
    let events = Events::collect();
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.acks([Acks::Acknowledge, Acks::Drop]);
    rig.arrive(0, [70, 71]).await;
    rig.release(2).await;
    assert_eq!(rig.calls(), ["seek 0@71", "store 0@71"]);
    let lines = events.lines();
    let place = r#"listener="bill" topic="orders" partition=0 offset=71"#;
    assert!(lines.iter().any(|line| line.contains("an Ack was dropped") && line.contains(place)), "{lines:#?}");
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
async fn acknowledged_in_any_order_only_the_finished_prefix_is_committed() {
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.acks([Acks::Keep, Acks::Keep, Acks::Keep]);
    rig.arrive(0, [0, 1, 4]).await;
    rig.release(3).await;
    let (first, second, third) = (rig.kept(), rig.kept(), rig.kept());
    third.ack().await.expect("it is marked");
    rig.settle().await;
    rig.pass(SECOND).await;
    assert!(rig.calls().is_empty(), "those before it are not");
    first.ack().await.expect("it is marked");
    rig.settle().await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@1"]);
    second.ack().await.expect("it is marked");
    rig.settle().await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["store 0@5"], "a gap in the offsets is stepped over");
}

#[tokio::test]
async fn an_ack_that_outlives_its_assignment_says_so_and_moves_nothing() {
    for mode in [AckMode::Manual, AckMode::ManualImmediate] {
        for lost in [false, true] {
            let mut rig = Rig::assigned(manual(mode), 1).await;
            rig.acks([Acks::Keep, Acks::Keep, Acks::Keep]);
            rig.arrive(0, 0..3).await;
            rig.release(3).await;
            let (acknowledged, again, dropped) = (rig.kept(), rig.kept(), rig.kept());
            rig.revoke(0, lost).await;
            // The partition may even have come back: under another assignment, which knows nothing of these.
            rig.event(ConsumerEvent::Assign(vec![orders(0)])).await;
            rig.arrive(0, 0..1).await;
            rig.calls();
            let error = acknowledged.ack().await.expect_err("its record is handled again").to_string();
            assert!(error.contains("revoked"), "{error}");
            again.nack(Duration::ZERO);
            drop(dropped);
            rig.pass(SECOND).await;
            assert!(rig.calls().is_empty(), "nothing is stored, committed or read again");
        }
    }
}

#[tokio::test]
async fn who_waits_for_a_commit_behind_a_record_that_comes_again_does_not_keep_it_from_coming() {
    let mut rig = Rig::assigned(manual(AckMode::ManualImmediate), 1).await;
    rig.acks([Acks::Keep, Acks::Acknowledge]);
    rig.arrive(0, 0..2).await;
    rig.release(2).await;
    assert!(rig.confirmed().is_empty(), "the record before it is not acknowledged");
    rig.kept().nack(Duration::ZERO);
    rig.settle().await;
    assert_eq!(rig.confirmed(), [false], "it comes again with the one before it");
    assert_eq!(rig.calls(), ["seek 0@0"]);
}

#[tokio::test]
async fn a_revoke_does_not_wait_for_who_waits_for_a_commit_behind_an_unfinished_record() {
    let mut rig = Rig::assigned(manual(AckMode::ManualImmediate), 1).await;
    rig.acks([Acks::Keep, Acks::Acknowledge]);
    rig.arrive(0, 0..2).await;
    rig.release(2).await;
    rig.revoke(0, false).await;
    assert_eq!((rig.confirmed(), rig.calls()), (vec![false], vec!["unassign 0".to_owned()]));
}

#[tokio::test]
async fn a_revoke_lets_who_waits_for_a_commit_have_it_if_the_record_before_it_is_still_at_work() {
    let listener = ResolvedListener { ordering: crate::config::Ordering::Key, ..manual(AckMode::ManualImmediate) };
    let mut rig = Rig::assigned(listener, 1).await;
    rig.slow_at(0);
    rig.arrive(0, 0..2).await;
    rig.release(2).await;
    rig.revoke(0, false).await;
    assert!(rig.confirmed().is_empty() && rig.calls().is_empty());
    rig.release_slow().await;
    rig.commit_ends(true).await;
    assert_eq!(rig.confirmed(), [true, true]);
}
