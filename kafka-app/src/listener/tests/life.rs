//! Starts, stops and steering of a container, and who meets them on the way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    time::Duration,
};

use super::{
    PATIENCE,
    fake::{client_that_hangs, client_with, orders},
    spec,
};
use crate::{
    client::ConsumerEvent,
    config::{ResolvedListener, Subscription},
    listener::{
        Container, ContainerSpec, ListenerEvents, ListenerHandle, ListenerRegistry, ListenerState, supervisor::Connect,
    },
    offset_spec::OffsetSpec,
};

fn listener(id: &str) -> ResolvedListener {
    ResolvedListener::new(id, "orders", "billing")
}

/// Clients that are given a partition.
fn assigned() -> Connect {
    Arc::new(|_, _, _| Ok(client_with([ConsumerEvent::Assign(vec![orders(0)])])))
}

fn handle(container: &Arc<Container>) -> ListenerHandle {
    ListenerRegistry::new([Arc::clone(container)]).listener(container.id()).expect("it is there")
}

async fn reaches(container: &Container, is_it: impl FnMut(&ListenerState) -> bool) -> ListenerState {
    let mut states = container.states();
    tokio::time::timeout(PATIENCE, states.wait_for(is_it)).await.expect("in time").expect("it lives").clone()
}

/// Has the container stop, and stay at that until the client that came out of its channel is let go.
async fn stopping(container: &Arc<Container>) -> tokio::task::JoinHandle<()> {
    let stopping = Arc::clone(container);
    let stop = tokio::spawn(async move { drop(stopping.stop(PATIENCE).await) });
    reaches(container, |state| matches!(state, ListenerState::Stopping)).await;
    stop
}

#[tokio::test]
async fn a_start_while_it_stops_is_refused_and_starts_no_listener_of_a_retry_topic() {
    let (hold, held) = channel();
    let hangs: Connect = Arc::new(move |_, _, _| {
        let (client, until) = client_that_hangs([]);
        let _held = hold.send(until);
        Ok(client)
    });
    let stage = Container::new(spec(listener("bill-retry"), assigned()));
    let container = Container::new(ContainerSpec { stages: vec![Arc::clone(&stage)], ..spec(listener("bill"), hangs) });
    container.start().expect("it starts");
    let until = held.recv_timeout(PATIENCE).expect("its client is made");
    let stop = stopping(&container).await;
    let error = handle(&container).start().expect_err("it stops").to_string();
    assert_eq!(error, "listener `bill` is stopping: start it again when it has stopped");
    assert!(matches!(stage.state(), ListenerState::Stopped), "{stage:?}");
    drop(until);
    stop.await.expect("it does not panic");
    assert!(matches!(container.state(), ListenerState::Stopped), "{container:?}");
}

#[tokio::test]
async fn a_listener_whose_retry_topic_does_not_start_in_its_turn_fails_and_reads_nothing() {
    let (hold, held) = channel();
    let hangs: Connect = Arc::new(move |_, _, _| {
        let (client, until) = client_that_hangs([]);
        let _held = hold.send(until);
        Ok(client)
    });
    let has_connected = Arc::<AtomicBool>::default();
    let connects: Connect = {
        let has_connected = Arc::clone(&has_connected);
        Arc::new(move |_, _, _| {
            has_connected.store(true, Ordering::SeqCst);
            Ok(client_with([ConsumerEvent::Assign(vec![orders(0)])]))
        })
    };
    let stage = Container::new(spec(listener("bill-retry"), hangs));
    let stages = vec![Arc::clone(&stage)];
    let (first, second) = (
        Container::new(spec(listener("prices"), assigned())),
        Container::new(ContainerSpec { stages, ..spec(listener("bill"), connects) }),
    );
    stage.start().expect("it starts");
    let until = held.recv_timeout(PATIENCE).expect("its client is made");
    let stop = stopping(&stage).await;
    handle(&second).start_after(&handle(&first));
    first.start().expect("it starts");
    let ListenerState::Failed(error) = reaches(&second, |state| matches!(state, ListenerState::Failed(_))).await else {
        panic!("{second:?}");
    };
    assert!(error.to_string().contains("`bill-retry` is stopping"), "{error}");
    drop(until);
    stop.await.expect("it does not panic");
    assert!(second.assignment().is_empty() && !has_connected.load(Ordering::SeqCst));
    assert!(first.stop(PATIENCE).await.is_clean());
}

/// The names of the next events.
async fn told(events: &mut ListenerEvents, n: usize) -> Vec<String> {
    let mut names = Vec::new();
    while names.len() < n {
        let event = tokio::time::timeout(PATIENCE, events.next()).await.expect("in time").expect("the container lives");
        names.push(format!("{event:?}").split(' ').next().unwrap_or_default().to_owned());
    }
    names
}

#[tokio::test]
async fn who_stops_it_is_told_of_the_end_though_another_starts_it_at_once_and_events_tell_that_in_order() {
    let container = Container::new(spec(listener("bill"), assigned()));
    let mut events = container.events();
    for round in 0..50 {
        container.start().expect("it starts");
        assert_eq!(told(&mut events, 2).await, ["Started", "Assigned"]);
        let again = {
            let container = Arc::clone(&container);
            tokio::spawn(async move {
                reaches(&container, |state| matches!(state, ListenerState::Stopped)).await;
                container.start().expect("it has stopped");
            })
        };
        tokio::task::yield_now().await; // It waits first.
        let both = async { tokio::join!(container.stop(PATIENCE), container.stop(PATIENCE)) };
        tokio::time::timeout(PATIENCE, both).await.unwrap_or_else(|_| panic!("a stop of round {round} hangs"));
        again.await.expect("it does not panic");
        assert_eq!(told(&mut events, 4).await, ["Stopping", "Stopped", "Started", "Assigned"]);
        assert!(container.stop(PATIENCE).await.is_clean());
        assert_eq!(told(&mut events, 2).await, ["Stopping", "Stopped"]);
    }
}

#[tokio::test]
async fn a_pause_for_a_time_outlives_a_stop_and_a_start_and_ends_then() {
    let container = Container::new(spec(listener("bill"), assigned()));
    container.start().expect("it starts");
    container.pause_for(Duration::from_secs(2)).expect("on a runtime");
    assert!(container.stop(PATIENCE).await.is_clean());
    container.start().expect("it starts");
    assert!(matches!(container.state(), ListenerState::Paused), "{container:?}");
    reaches(&container, |state| matches!(state, ListenerState::Running)).await;
    assert!(container.stop(PATIENCE).await.is_clean());
}

#[tokio::test]
async fn no_offset_is_below_zero_and_the_error_says_what_names_an_end() {
    let container = Container::new(spec(listener("bill"), assigned()));
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("it has its partition");
    for offset in [-1, -2, -1000, i64::MIN] {
        let by_number = container.seek(orders(0), offset).await;
        let by_spec = container.seek_to(vec![orders(0)], OffsetSpec::Offset(offset)).await;
        for error in [by_number.expect_err("there is none"), by_spec.expect_err("there is none")] {
            let text = error.to_string();
            assert!(text.contains(&offset.to_string()) && text.contains("OffsetSpec::Latest"), "{text}");
        }
    }
    assert!(container.stop(PATIENCE).await.is_clean());
}

#[tokio::test]
async fn the_lag_of_a_pattern_is_not_known_while_it_does_not_run() {
    let subscription = Subscription::Pattern("^(orders.*)$".to_owned());
    let container = Container::new(spec(ResolvedListener { subscription, ..listener("bill") }, assigned()));
    let error = handle(&container).lag().await.expect_err("nobody knows its topics").to_string();
    assert!(error.contains("not running") && error.contains("pattern"), "{error}");
}
