//! Records of a retry topic wait in the pump, not in a handler's lane.

use std::time::Duration;

use super::fake::{Acks, Rig, orders};
use crate::{
    client::ConsumerEvent,
    config::{AckMode, BatchLimits, Delivery, ResolvedListener, TransactionLimits},
    listener::transaction::Ended,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The listener of a retry topic.
fn stage() -> ResolvedListener {
    ResolvedListener::new("bill", "orders", "billing").retried_after(&[HOUR]).stages().remove(0)
}

fn due(records: &[(i64, Duration)]) -> Vec<(i64, Option<Duration>)> {
    records.iter().map(|(offset, due)| (*offset, Some(*due))).collect()
}

#[tokio::test]
async fn a_record_is_handled_when_it_is_due_and_not_before() {
    let mut rig = Rig::assigned(stage(), 1).await;
    rig.arrive_due(0, due(&[(0, HOUR), (1, HOUR + SECOND)])).await;
    rig.release(10).await;
    rig.pass(HOUR - 2 * SECOND).await;
    assert!(rig.handled().is_empty());
    rig.pass(2 * SECOND).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0"]);
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@1", ".0@1"]);
}

#[tokio::test]
async fn one_that_is_overdue_or_has_no_time_is_handled_at_once() {
    let mut rig = Rig::assigned(stage(), 1).await;
    rig.arrive_due(0, [(0, None), (1, Some(Duration::ZERO))]).await;
    rig.release(10).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"]);
}

#[tokio::test]
async fn others_partitions_do_not_wait() {
    let mut rig = Rig::assigned(stage(), 2).await;
    rig.arrive_due(0, due(&[(0, HOUR)])).await;
    rig.arrive(1, [0]).await;
    assert_eq!(rig.handled(), ["*1@0"]);
}

#[tokio::test]
async fn a_revoke_does_not_wait_for_what_waits_and_the_next_owner_meets_it_again() {
    let mut rig = Rig::assigned(stage(), 1).await;
    rig.release(10).await;
    rig.arrive_due(0, [(0, None), (1, Some(HOUR))]).await;
    rig.revoke(0, false).await;
    assert_eq!(rig.calls(), ["store 0@1", "unassign 0"], "at once, and the one that waits stays uncommitted");
    rig.event(ConsumerEvent::Assign(vec![orders(0)])).await;
    rig.arrive_due(0, due(&[(1, SECOND)])).await;
    rig.handled();
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@1", ".0@1"], "after the rest of its time");
}

#[tokio::test]
async fn a_stop_cuts_nothing_off_that_waits() {
    let mut rig = Rig::assigned(stage(), 1).await;
    rig.leave_closed();
    rig.arrive_due(0, due(&[(0, HOUR)])).await;
    rig.stop(HOUR).await;
    rig.pass(SECOND).await;
    assert!(rig.stopped().expect("it has stopped").is_clean());
}

#[tokio::test]
async fn what_waits_behind_a_record_that_comes_again_comes_again_too() {
    let mut rig = Rig::assigned(ResolvedListener { ack_mode: AckMode::Manual, ..stage() }, 1).await;
    rig.acks([Acks::Nack(Duration::ZERO)]);
    rig.release(1).await;
    rig.arrive_due(0, [(5, None), (6, Some(HOUR))]).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.calls(), ["seek 0@5"]);
    rig.handled();
    rig.release(10).await;
    rig.arrive_due(0, [(5, None), (6, Some(2 * SECOND))]).await;
    assert_eq!(rig.handled(), ["*0@5", ".0@5"]);
    rig.pass(2 * SECOND).await;
    assert_eq!(rig.handled(), ["*0@6", ".0@6"]);
}

#[tokio::test]
async fn exactly_once_no_transaction_holds_what_waits() {
    let transaction = TransactionLimits { max_wait: Duration::ZERO, ..TransactionLimits::default() };
    let listener = ResolvedListener { delivery: Delivery::ExactlyOnce, transaction, ..stage() };
    let mut rig = Rig::assigned(listener, 1).await.opened().await;
    rig.release(10).await;
    rig.arrive_due(0, [(0, None), (1, Some(HOUR))]).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0"]);
    assert_eq!(rig.calls(), ["flush 0"], "the first is committed without the second");
    rig.ends(0, Ended::Flush, Ok(())).await;
    assert_eq!(rig.calls(), ["commit 0: 0@1"]);
    rig.ends(0, Ended::Commit, Ok(())).await;
    rig.pass(HOUR).await;
    assert_eq!(rig.handled(), ["*0@1", ".0@1"]);
}

#[tokio::test]
async fn a_batch_holds_what_is_due() {
    let limits = BatchLimits { max_records: 10, ..BatchLimits::default() };
    let mut rig = Rig::new(&ResolvedListener { batch: limits, ..stage() }, true).with_assigned(1).await;
    rig.release(100).await;
    rig.arrive_due(0, due(&[(0, SECOND), (1, SECOND), (2, HOUR)])).await;
    rig.pass(SECOND).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"]);
}

#[tokio::test]
async fn no_more_is_taken_than_the_bound_while_all_wait() {
    let mut rig = Rig::assigned(stage(), 1).await;
    rig.arrive_due(0, (0..5_000).map(|offset| (offset, Some(HOUR)))).await;
    rig.pass(SECOND).await;
    assert!(rig.n_waiting(0) >= 4_000, "{}", rig.n_waiting(0));
}
