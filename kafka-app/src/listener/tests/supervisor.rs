//! What a container does when its consumer fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::{
    NobodyAnswers, PATIENCE, Recorder,
    fake::{client_with, orders},
    guards,
};
use crate::{
    client::{ConsumerEvent, Fault, FaultKind},
    config::{ResolvedListener, Restart},
    error::{Error, ErrorKind},
    listener::{Container, ContainerSpec, EventBus, ListenerEvent, ListenerState, supervisor::Connect},
};

fn fatal(kind: FaultKind) -> ConsumerEvent {
    ConsumerEvent::Fatal(Fault { kind, text: "the broker said no".to_owned() })
}

fn container(concurrency: u32, connect: Connect) -> Arc<Container> {
    container_of(ResolvedListener { concurrency, ..ResolvedListener::new("bill", "orders", "billing") }, connect)
}

/// One that starts again, at most `attempts` times in a row, each `backoff` after it failed.
fn restarting(attempts: u32, backoff: Duration, connect: Connect) -> Arc<Container> {
    let restart = Restart { attempts, backoff, multiplier: 1.0, ..Restart::default() };
    container_of(ResolvedListener { restart, ..ResolvedListener::new("bill", "orders", "billing") }, connect)
}

/// Fails as often as this, and is then given a partition.
fn fails(n_failures: u32) -> Connect {
    let n_made = AtomicU32::new(0);
    Arc::new(move |_, _, _| match n_made.fetch_add(1, Ordering::SeqCst) {
        n if n < n_failures => Err(Error::new(ErrorKind::Unavailable, "not yet")),
        _ => Ok(client_with([ConsumerEvent::Assign(vec![orders(0)])])),
    })
}

fn container_of(listener: ResolvedListener, connect: Connect) -> Arc<Container> {
    Container::new(ContainerSpec {
        listener: Arc::new(listener),
        takes_batches: false,
        runner: Recorder::new(),
        metrics: Arc::default(),
        events: EventBus::default().sink("bill"),
        guards: guards(),
        connect,
        inquiry: Arc::new(NobodyAnswers),
        open_producer: None,
        stages: Vec::new(),
    })
}

async fn failed(container: &Container) -> String {
    let mut states = container.states();
    let failed = states.wait_for(|state| matches!(state, ListenerState::Failed(_)));
    match &*tokio::time::timeout(PATIENCE, failed).await.expect("in time").expect("it lives") {
        ListenerState::Failed(error) => error.to_string(),
        state => panic!("{state:?}"),
    }
}

#[tokio::test]
async fn a_consumer_is_made_anew_after_a_fatal_error() {
    let n_made = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&n_made);
    let container = container(
        1,
        Arc::new(move |_, _, _| {
            Ok(match counted.fetch_add(1, Ordering::SeqCst) {
                0 => client_with([fatal(FaultKind::Other)]),
                _ => client_with([ConsumerEvent::Assign(vec![orders(0)])]),
            })
        }),
    );
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("the second consumer joins");
    assert_eq!(n_made.load(Ordering::SeqCst), 2);
    assert!(container.stop(PATIENCE).await.is_clean());
}

#[tokio::test]
async fn a_consumer_the_group_will_never_take_fails_its_listener_and_stops_its_siblings() {
    let container = container(
        2,
        Arc::new(|instance, _, _| {
            Ok(match instance {
                0 => client_with([fatal(FaultKind::Config)]),
                _ => client_with([ConsumerEvent::Assign(vec![orders(0)])]),
            })
        }),
    );
    container.start().expect("it starts");
    let text = failed(&container).await;
    assert_eq!(text, "listener `bill`: the group does not take its consumer: the broker said no");
    assert!(container.assignment().is_empty(), "both have ended");
    let error = container.ready(PATIENCE).await.expect_err("it is not running");
    assert!(error.to_string().contains("the broker said no"), "{error}");
}

#[tokio::test]
async fn a_client_that_cannot_be_made_fails_its_listener() {
    let container = container(1, Arc::new(|_, _, _| Err(Error::new(ErrorKind::Config, "no such property `x`"))));
    container.start().expect("it starts");
    assert_eq!(failed(&container).await, "no such property `x`");
}

async fn restarts(container: &Container) {
    let mut states = container.states();
    let restarting = states.wait_for(|state| matches!(state, ListenerState::Restarting { .. }));
    tokio::time::timeout(PATIENCE, restarting).await.expect("in time").expect("it lives");
}

#[tokio::test]
async fn a_listener_that_failed_starts_again_as_often_as_it_may() {
    let container = restarting(3, Duration::from_millis(1), fails(2));
    let mut events = container.events();
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("the third start is well");
    let mut told = Vec::new();
    while told.len() < 6 {
        let event = events.next().await.expect("the container lives");
        told.push(match event {
            ListenerEvent::Started { .. } => "started".to_owned(),
            ListenerEvent::Assigned { .. } => "assigned".to_owned(),
            ListenerEvent::Restarting { attempt, error, .. } => format!("restart {attempt}: {error}"),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(told, ["started", "restart 1: not yet", "started", "restart 2: not yet", "started", "assigned"]);
    assert!(container.stop(PATIENCE).await.is_clean());
}

#[tokio::test]
async fn a_listener_whose_starts_are_spent_stays_failed() {
    let container = restarting(2, Duration::from_millis(1), fails(3));
    container.start().expect("it starts");
    assert_eq!(failed(&container).await, "not yet");
}

#[tokio::test]
async fn a_listener_that_waits_for_its_restart_is_stopped_at_once() {
    let container = restarting(1, PATIENCE * 100, fails(1));
    container.start().expect("it starts");
    restarts(&container).await;
    let error = container.ready(Duration::from_millis(1)).await.expect_err("it waits");
    assert!(error.to_string().contains("not yet"), "{error}");
    assert!(container.stop(PATIENCE).await.is_clean());
    assert!(matches!(container.state(), ListenerState::Stopped));
}

#[tokio::test]
async fn a_listener_that_waits_for_its_restart_is_started_at_once() {
    let container = restarting(1, PATIENCE * 100, fails(1));
    container.start().expect("it starts");
    restarts(&container).await;
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("the second start is well");
    assert!(container.stop(PATIENCE).await.is_clean());
}
