//! Positions that a seek or a topic made anew sets back.

use super::{
    super::fake::{Acks, Rig},
    SECOND, listener, manual,
};
use crate::config::AckMode;

#[tokio::test]
async fn a_seek_starts_the_partition_anew() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..4).await;
    let mut done = rig.seek(0, 40).await;
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
    let mut done = rig.seek(7, 0).await;
    assert!(done.try_recv().is_ok_and(|result| result.is_err()));
}

#[tokio::test]
async fn a_seek_does_not_wait_for_the_delay_of_a_nack_that_was_under_way_when_it_came() {
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.acks([Acks::Nack(600 * SECOND)]);
    rig.arrive(0, 0..2).await;
    let mut done = rig.seek(0, 40).await;
    assert!(done.try_recv().is_err(), "a handler runs");
    rig.release(1).await;
    assert_eq!(rig.calls(), ["seek 0@40"]);
    assert!(done.try_recv().is_ok_and(|sought| sought.is_ok()));
    rig.arrive(0, [40]).await;
    rig.release(1).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@40", ".0@40"]);
}

#[tokio::test]
async fn a_seek_does_not_wait_for_the_delay_of_a_nack_that_came_before_it() {
    let mut rig = Rig::assigned(manual(AckMode::Manual), 1).await;
    rig.acks([Acks::Nack(600 * SECOND)]);
    rig.arrive(0, 0..2).await;
    rig.release(1).await;
    let mut done = rig.seek(0, 40).await;
    assert_eq!(rig.calls(), ["seek 0@40"]);
    assert!(done.try_recv().is_ok_and(|sought| sought.is_ok()));
}

#[tokio::test]
async fn of_two_seeks_the_later_counts_and_who_asked_for_the_first_is_told() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..2).await;
    let (mut first, mut second) = (rig.seek(0, 40).await, rig.seek(0, 50).await);
    let error = first.try_recv().expect("it is told").expect_err("it has not moved there").to_string();
    assert!(error.contains("another seek came before it was done"), "{error}");
    rig.release(1).await;
    assert_eq!(rig.calls(), ["seek 0@50", "store 0@1"]);
    assert!(second.try_recv().is_ok_and(|sought| sought.is_ok()));
}

#[tokio::test]
async fn a_seek_while_the_listener_stops_is_refused_at_once() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..2).await;
    rig.stop(60 * SECOND).await;
    let mut done = rig.seek(0, 40).await;
    assert!(done.try_recv().is_ok_and(|sought| sought.is_err()), "though a handler runs yet");
    rig.release(1).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
}

#[tokio::test]
async fn a_seek_that_waits_for_a_handler_ends_with_the_stop_of_its_listener() {
    let mut rig = Rig::assigned(listener(), 1).await;
    rig.arrive(0, 0..2).await;
    let mut done = rig.seek(0, 40).await;
    rig.stop(60 * SECOND).await;
    let is_told = |done: &mut tokio::sync::oneshot::Receiver<_>| match done.try_recv() {
        Ok(sought) => crate::Result::is_err(&sought),
        Err(error) => error == tokio::sync::oneshot::error::TryRecvError::Closed,
    };
    assert!(is_told(&mut done));
}
