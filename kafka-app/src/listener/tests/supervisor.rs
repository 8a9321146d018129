//! What a container does when its consumer fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use super::{
    PATIENCE,
    fake::{client_that_hangs, client_that_hangs_when_assigned, client_with, orders},
    spec,
};
use crate::{
    client::{ConsumerEvent, Fault, FaultKind},
    config::{ResolvedListener, Restart},
    error::{Error, ErrorKind},
    listener::{Container, ContainerSpec, HANGS_AFTER, ListenerEvent, ListenerState, supervisor::Connect},
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
    container_that_gives_up(listener, HANGS_AFTER, connect)
}

/// One that gives a client up that does not come back from a call for so long.
fn container_that_gives_up(listener: ResolvedListener, hangs_after: Duration, connect: Connect) -> Arc<Container> {
    Container::new(ContainerSpec { hangs_after, ..spec(listener, connect) })
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

/// The first client that is made hangs once it has told of its partition, until what comes out of the receiver is dropped.
fn first_hangs() -> (Connect, Receiver<Sender<()>>) {
    let n_made = AtomicU32::new(0);
    let (hold, held) = channel();
    let connect: Connect = Arc::new(move |_, _, _| {
        let events = [ConsumerEvent::Assign(vec![orders(0)])];
        Ok(match n_made.fetch_add(1, Ordering::SeqCst) {
            0 => {
                let (client, until) = client_that_hangs(events);
                // Whoever holds the other end says how long.
                let _held = hold.send(until);
                client
            }
            _ => client_with(events),
        })
    });
    (connect, held)
}

/// How long clients of these tests may hang: no longer than a test may take, and no shorter than a busy machine's pause.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_consumer_whose_client_does_not_return_from_a_call_fails_its_listener_which_says_what_to_do() {
    let (connect, _until) = first_hangs();
    let listener = ResolvedListener { concurrency: 2, ..ResolvedListener::new("bill", "orders", "billing") };
    let container = container_that_gives_up(listener, SOON, connect);
    let mut events = container.events();
    container.start().expect("it starts");
    let text = failed(&container).await;
    assert!(text.contains("its consumer ") && text.contains("Restart the process"), "{text}");
    assert!(container.assignment().is_empty(), "the one that hangs counts for nothing, and its sibling has ended");
    let told = async {
        while let Some(event) = events.next().await {
            if let ListenerEvent::Failed { error, .. } = event {
                return error.to_string();
            }
        }
        String::new()
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.expect("in time"), text);
}

#[tokio::test]
async fn a_stop_of_a_consumer_whose_client_hangs_comes_to_its_end_and_is_not_clean() {
    let (connect, held) = first_hangs();
    let listener = ResolvedListener::new("bill", "orders", "billing");
    let container = container_that_gives_up(listener, SOON, connect);
    container.start().expect("it starts");
    let _until = held.recv_timeout(PATIENCE).expect("its client is made");
    let report = tokio::time::timeout(PATIENCE, container.stop(Duration::ZERO)).await.expect("in time");
    assert!(report.abandoned, "{report:?}");
    assert!(failed(&container).await.contains("has not returned"));
}

#[tokio::test]
async fn a_seek_ends_when_the_client_that_is_to_do_it_hangs() {
    let (hold, held) = channel();
    let connect: Connect = Arc::new(move |_, _, _| {
        let (client, until) = client_that_hangs_when_assigned([ConsumerEvent::Assign(vec![orders(0)])]);
        let _held = hold.send(until);
        Ok(client)
    });
    let container = container_that_gives_up(ResolvedListener::new("bill", "orders", "billing"), SOON, connect);
    container.start().expect("it starts");
    container.ready(PATIENCE).await.expect("it has its partition");
    let _until = held.recv_timeout(PATIENCE).expect("its client is made");
    // One that the pump has heard of, and one that waits in its mailbox.
    let both = async { tokio::join!(container.seek(orders(0), 3), container.seek(orders(0), 4)) };
    let (one, other) = tokio::time::timeout(PATIENCE, both).await.expect("in time");
    for sought in [one, other] {
        let error = sought.expect_err("nobody moves it").to_string();
        assert!(error.contains("another seek") || error.contains("stopped before"), "{error}");
    }
    assert!(failed(&container).await.contains("has not returned"));
    let late = tokio::time::timeout(PATIENCE, container.seek(orders(0), 5)).await.expect("in time");
    assert!(late.expect_err("it has failed").to_string().contains("is not assigned orders-0"));
}

#[tokio::test]
async fn a_listener_that_starts_again_goes_on_with_another_client_when_one_hangs() {
    let (connect, _until) = first_hangs();
    let restart = Restart { attempts: 1, backoff: Duration::from_millis(1), ..Restart::default() };
    let listener = ResolvedListener { restart, ..ResolvedListener::new("bill", "orders", "billing") };
    let container = container_that_gives_up(listener, SOON, connect);
    container.start().expect("it starts");
    restarts(&container).await;
    let mut states = container.states();
    let running = states.wait_for(|state| matches!(state, ListenerState::Running));
    tokio::time::timeout(PATIENCE, running).await.expect("in time").expect("it lives");
    container.ready(PATIENCE).await.expect("the second client has the partition");
    assert!(container.stop(PATIENCE).await.is_clean());
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
