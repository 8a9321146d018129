//! While a listener's circuit is open nothing is handed over.

use std::{sync::Arc, time::Duration};

use super::{SECOND, listener};
use crate::{
    client::ConsumerEvent,
    config::CircuitBreaker,
    config::ResolvedListener,
    listener::tests::fake::{Rig, orders},
    record::TopicPartition,
};

fn guarded() -> ResolvedListener {
    let circuit_breaker =
        Some(CircuitBreaker { failures: 1, pause: 60 * SECOND, max_pause: 60 * SECOND, probes: None });
    ResolvedListener { circuit_breaker, ..listener() }
}

/// The next event with this name.
async fn told_of(rig: &mut Rig, name: &str) -> String {
    loop {
        let told = rig.told().await;
        if told.starts_with(name) {
            return told;
        }
    }
}

/// A record of partition 0.
fn at(offset: i64) -> (TopicPartition, i64) {
    (orders(0), offset)
}

async fn opened(rig: &Rig) {
    let pass = rig.breaker.admit(at(0), None).await.unwrap_or_else(|until| panic!("not before {until:?}"));
    let _verdict = pass.failed(at(0), None, "down");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_over_while_it_is_open_and_the_pump_goes_on_with_its_turns() {
    let mut rig = Rig::assigned(guarded(), 2).await;
    rig.release(100).await;
    opened(&rig).await;
    rig.arrive(0, [0, 1]).await;
    assert!(rig.handled().is_empty());
    // A rebalance in between is answered at once.
    rig.revoke(1, false).await;
    assert_eq!(rig.calls(), ["unassign 1"]);
    rig.event(ConsumerEvent::Assign(vec![orders(1)])).await;
    rig.pass(40 * SECOND).await;
    assert!(rig.handled().is_empty());
    assert_eq!(rig.n_waiting(0), 2, "they are still with the client");
    rig.pass(30 * SECOND).await;
    assert_eq!(rig.handled(), ["*0@0", ".0@0", "*0@1", ".0@1"], "one of them is the try");
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_it() {
    let mut rig = Rig::assigned(guarded(), 1).await;
    rig.leave_closed();
    opened(&rig).await;
    rig.arrive(0, [0]).await;
    rig.stop(Duration::from_secs(3_600)).await;
    rig.pass(SECOND).await;
    assert!(rig.stopped().expect("it has stopped").is_clean());
}

#[tokio::test(start_paused = true)]
async fn records_that_wait_for_it_are_no_stuck_handlers() {
    let mut rig = Rig::assigned(guarded(), 1).await;
    rig.arrive(0, [0]).await;
    while !rig.told().await.starts_with("Assigned") {}
    opened(&rig).await;
    for _ in 0..10 {
        rig.pass(60 * SECOND).await;
    }
    rig.breaker.reset();
    rig.pass(SECOND).await;
    rig.pass(400 * SECOND).await;
    rig.pass(SECOND).await;
    let told = [rig.told().await, rig.told().await];
    assert!(told[0].starts_with("CircuitOpened"), "{told:?}");
    assert!(told[1].starts_with("StuckHandler"), "{told:?}");
    assert!(told[1].contains("elapsed: 40"), "since it was closed: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_tries_for_all_and_hangs_is_a_stuck_handler_and_those_that_wait_are_none() {
    let mut rig = Rig::assigned(guarded(), 2).await;
    rig.arrive(0, [0, 1]).await;
    rig.arrive(1, [7]).await;
    while !rig.told().await.starts_with("Assigned") {}
    opened(&rig).await;
    let breaker = Arc::clone(&rig.breaker);
    let trying = breaker.admit(at(1), None).await;
    rig.pass(SECOND).await;
    rig.pass(600 * SECOND).await;
    let told = told_of(&mut rig, "StuckHandler").await;
    assert!(told.contains("orders-0, offset: Some(1), elapsed: 600"), "{told}");
    drop(trying);
    rig.pass(SECOND).await;
    rig.pass(500 * SECOND).await;
    rig.breaker.reset();
    rig.pass(SECOND).await;
    rig.pass(400 * SECOND).await;
    let told = [told_of(&mut rig, "StuckHandler").await, told_of(&mut rig, "StuckHandler").await];
    assert!(told.iter().all(|told| told.contains("elapsed: 400")), "nothing of those that waited: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn while_it_is_open_silence_is_told_as_that_of_a_pause() {
    let idle = Some(10 * SECOND);
    let listener = ResolvedListener { idle_event_interval: idle, idle_partition_event_interval: idle, ..guarded() };
    let mut rig = Rig::assigned(listener, 1).await;
    opened(&rig).await;
    rig.arrive(0, [0]).await;
    rig.pass(10 * SECOND).await;
    let told = [told_of(&mut rig, "Idle").await, told_of(&mut rig, "PartitionIdle").await];
    assert!(told.iter().all(|told| told.ends_with("paused: true }")), "a record waits: {told:?}");
    rig.breaker.reset();
    rig.pass(SECOND).await;
    told_of(&mut rig, "NoLongerIdle").await;
    rig.pass(10 * SECOND).await;
    let told = [told_of(&mut rig, "Idle").await, told_of(&mut rig, "PartitionIdle").await];
    assert!(told.iter().all(|told| told.ends_with("paused: false }")), "there is none: {told:?}");
}
