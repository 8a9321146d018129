//! What a container does when its consumer fails.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use super::{
    NobodyAnswers, PATIENCE, Recorder,
    fake::{client_with, orders},
};
use crate::{
    client::{ConsumerEvent, Fault, FaultKind},
    config::ResolvedListener,
    error::{Error, ErrorKind},
    listener::{Container, ContainerSpec, EventBus, ListenerState, supervisor::Connect},
};

fn fatal(kind: FaultKind) -> ConsumerEvent {
    ConsumerEvent::Fatal(Fault { kind, text: "the broker said no".to_owned() })
}

fn container(concurrency: u32, connect: Connect) -> Arc<Container> {
    let listener = ResolvedListener { concurrency, ..ResolvedListener::new("bill", "orders", "billing") };
    Container::new(ContainerSpec {
        listener: Arc::new(listener),
        takes_batches: false,
        runner: Recorder::new(),
        metrics: Arc::default(),
        events: EventBus::default().sink("bill"),
        connect,
        inquiry: Arc::new(NobodyAnswers),
        limiter: None,
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
        Arc::new(move |_, _| {
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
        Arc::new(|instance, _| {
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
    let container = container(1, Arc::new(|_, _| Err(Error::new(ErrorKind::Config, "no such property `x`"))));
    container.start().expect("it starts");
    assert_eq!(failed(&container).await, "no such property `x`");
}
