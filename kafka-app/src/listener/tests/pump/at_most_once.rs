//! At most once: nothing is handled before it is committed.

use std::time::Duration;

use super::{super::fake::Rig, SECOND, at_most_once};

#[tokio::test]
async fn at_most_once_hands_over_only_what_is_committed() {
    let mut rig = Rig::assigned(at_most_once(), 1).await;
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
    let mut rig = Rig::assigned(at_most_once(), 1).await;
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
    let mut rig = Rig::assigned(at_most_once(), 1).await;
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
    let mut rig = Rig::assigned(at_most_once(), 2).await;
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
    let mut rig = Rig::assigned(at_most_once(), 1).await;
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
async fn at_most_once_a_first_record_that_lies_before_what_others_committed_waits_for_its_own_commit() {
    let mut rig = Rig::new(&at_most_once(), false).committed_before(0, 50).with_assigned(1).await;
    rig.arrive(0, [0]).await;
    assert_eq!(rig.calls(), ["store 0@1", "commit"]);
    rig.commit_ends(true).await;
    assert_eq!(rig.calls(), ["commit 0@1"]);
    assert!(rig.handled().is_empty(), "a process killed now would handle it again");
    rig.commit_ends(true).await;
    assert_eq!(rig.handled(), ["*0@0"]);
}

#[tokio::test]
async fn at_most_once_a_record_of_a_topic_made_anew_is_not_handled_before_its_commit() {
    let mut rig = Rig::assigned(at_most_once(), 1).await;
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
async fn at_most_once_what_is_kept_for_keys_leaves_behind_the_records_whose_commit_was_under_way() {
    for is_stop in [false, true] {
        let mut rig = Rig::assigned(at_most_once(), 1).await;
        rig.keep_counts();
        rig.arrive(0, [0, 2]).await;
        rig.commit_ends(true).await;
        rig.release(2).await;
        rig.arrive(0, [4]).await;
        rig.handled();
        match is_stop {
            true => rig.stop(Duration::from_secs(10)).await,
            false => rig.revoke(0, false).await,
        }
        assert!(rig.handled().is_empty(), "what is being committed is still to be handled");
        rig.commit_ends(true).await;
        rig.release(1).await;
        assert_eq!(rig.handled(), ["*0@4", ".0@4", "+0/0@3"]);
        let last = if is_stop { "close" } else { "unassign 0" };
        assert_eq!(rig.calls().last().map(String::as_str), Some(last));
    }
}

#[tokio::test]
async fn at_most_once_a_position_that_the_client_did_not_take_is_not_committed() {
    let mut rig = Rig::assigned(at_most_once(), 1).await;
    rig.arrive(0, [0]).await;
    rig.commit_ends(true).await;
    rig.release(1).await;
    rig.handled();
    rig.refuse_stores(true);
    rig.arrive(0, [1]).await;
    rig.commit_ends(true).await;
    assert!(rig.handled().is_empty(), "others will handle it");
    rig.refuse_stores(false);
    rig.pass(SECOND).await;
    rig.commit_ends(true).await;
    assert_eq!(rig.handled(), ["*0@1"]);
}
