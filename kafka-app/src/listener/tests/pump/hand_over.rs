//! What is handed over to handlers, and what is stored of it.

use std::time::Duration;

use super::{super::fake::Rig, SECOND, listener};
use crate::config::{BatchLimits, Ordering, RateLimit, ResolvedListener};

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
async fn a_batch_that_takes_up_all_that_may_be_in_flight_waits_for_nothing_more() {
    let batch = BatchLimits { max_records: 500, max_wait: Duration::from_secs(3_600), max_bytes: u64::MAX };
    let mut rig = Rig::new(&ResolvedListener { batch, ..listener() }, true).with_assigned(1).await;
    rig.arrive_of_size(1 << 20, 0, 0..40).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@0"], "16 MiB of a partition are in flight");
    rig.release(1_000).await;
    rig.pass(SECOND).await;
    assert!(rig.handled().contains(&"*0@17".to_owned()), "and the next as soon as it is done");
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
async fn with_ordering_by_key_a_slow_key_holds_up_no_other_key_of_any_partition() {
    let listener = ResolvedListener { ordering: Ordering::Key, workers: 2, ..listener() };
    let mut rig = Rig::assigned(listener, 40).await;
    rig.slow_at(0);
    for partition in 0..40 {
        rig.arrive(partition, if partition == 0 { 0..1 } else { 1..3 }).await;
    }
    rig.release(1_000).await;
    rig.pass(SECOND).await;
    let handled = rig.handled();
    let n_done = handled.iter().filter(|what| what.starts_with('.')).count();
    assert_eq!(n_done, 2 * 39, "two lanes, one of them held up: {handled:?}");
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

#[tokio::test]
async fn a_limited_rate_hands_over_so_many_in_so_much_time_and_polling_goes_on() {
    let limited = ResolvedListener { rate_limit: Some(RateLimit::new(10, SECOND)), ..listener() };
    let mut rig = Rig::assigned(limited, 2).await;
    rig.release(1000).await;
    rig.arrive(0, 0..100).await;
    let n_before = rig.handled().len() / 2;
    assert!((1..=2).contains(&n_before), "at once comes one, and one for each second that passed: {n_before}");
    let mut n_handled = 0;
    for _ in 0..20 {
        rig.pass(Duration::from_millis(100)).await;
        let n_now = rig.handled().len() / 2;
        assert!(n_now <= 1, "evenly: {n_now} at once");
        n_handled += n_now;
    }
    assert!((19..=20).contains(&n_handled), "in two seconds: {n_handled}");
    rig.arrive(1, 0..3).await;
    let mut of_the_other = 0;
    for _ in 0..8 {
        rig.pass(Duration::from_millis(100)).await;
        of_the_other += rig.handled().iter().filter(|what| what.starts_with(".1@")).count();
    }
    assert!(of_the_other >= 2, "a partition that has more does not keep the others from their turn: {of_the_other}");
    rig.revoke(0, false).await;
    assert_eq!(rig.calls().last().map(String::as_str), Some("unassign 0"), "a revoke waits for no rate");
}

#[tokio::test]
async fn what_a_rate_leaves_with_the_client_is_no_reason_to_spin() {
    let limited = ResolvedListener { rate_limit: Some(RateLimit::new(1, SECOND)), ..listener() };
    let mut rig = Rig::assigned(limited, 1).await;
    rig.release(10).await;
    rig.arrive(0, 0..5).await;
    rig.settle().await;
    let next = rig.next_turn().expect("it goes on");
    assert!(next > rig.now && next <= rig.now + SECOND, "in {:?}", next.saturating_duration_since(rig.now));
}

/// The orderings that let records of a partition pass each other.
fn lanes() -> [ResolvedListener; 2] {
    [Ordering::Key, Ordering::None].map(|ordering| ResolvedListener { ordering, workers: 8, ..listener() })
}

#[tokio::test]
async fn whatever_the_ordering_nothing_behind_an_unfinished_record_is_committed() {
    for listener in lanes() {
        let mut rig = Rig::assigned(listener, 1).await;
        rig.slow_at(2);
        rig.arrive(0, 0..6).await;
        rig.release(6).await;
        rig.pass(SECOND).await;
        let handled = rig.handled();
        assert!(handled.iter().any(|what| what == ".0@5") && handled.iter().any(|what| what == "*0@2"), "{handled:?}");
        assert_eq!(rig.calls(), ["store 0@2"], "up to the slow one, although others behind it are done");
        rig.release_slow().await;
        rig.pass(SECOND).await;
        assert_eq!(rig.calls(), ["store 0@6"]);
    }
}

#[tokio::test]
async fn whatever_the_ordering_a_partition_has_its_bound_and_a_slow_record_holds_up_no_other_partition() {
    for listener in lanes() {
        let mut rig = Rig::assigned(listener, 2).await;
        rig.slow_at(0);
        rig.arrive(0, 0..5_000).await;
        rig.pass(SECOND).await;
        assert_eq!(rig.n_waiting(0), 4_000, "two chunks of 500 are in flight");
        rig.release(20_000).await;
        for _ in 0..400 {
            rig.settle().await;
        }
        rig.pass(SECOND).await;
        assert!(rig.n_waiting(0) >= 3_000, "the window does not move past the slow one: {}", rig.n_waiting(0));
        let calls = rig.calls();
        assert!(calls.is_empty(), "nothing is finished from the first one on: {calls:?}");
        rig.arrive(1, 1..11).await;
        rig.pass(SECOND).await;
        assert_eq!(rig.calls(), ["store 1@11"], "other partitions go on");
        rig.release_slow().await;
        for _ in 0..400 {
            rig.settle().await;
        }
        rig.pass(SECOND).await;
        assert_eq!(rig.n_waiting(0), 0);
        assert_eq!(rig.calls().last().map(String::as_str), Some("store 0@5000"));
    }
}
