//! Whether a broker serves, as a health check asks it, and the hand of its clock.

use std::time::Duration;

use embedded_broker::{Api, EmbeddedBroker, ErrorCode, Listener};

const SOON: Duration = Duration::from_millis(50);

#[test]
fn every_listener_is_asked_and_a_login_is_not_needed() {
    let broker = EmbeddedBroker::builder()
        .listener(Listener::plaintext())
        .listener(Listener::sasl_plaintext().name("LOGIN"))
        .user("alice", "alice-secret")
        .start()
        .unwrap();
    let requests = broker.requests();
    broker.ready().unwrap();
    let asked: Vec<_> =
        requests.all().into_iter().map(|one| (one.api, one.version, one.listener.to_string())).collect();
    let versions = |listener: &str| (Api::ApiVersions, 0, listener.to_owned());
    assert_eq!(asked, [versions("PLAINTEXT"), versions("LOGIN")]);
}

#[test]
fn nodes_that_are_up_are_asked() {
    let broker = EmbeddedBroker::builder().brokers(3).start().unwrap();
    broker.stop_node(2).unwrap();
    let requests = broker.requests();
    broker.ready().unwrap();
    assert_eq!(requests.all().iter().map(|one| one.node_id).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn a_question_leaves_no_connection_behind() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    broker.ready().unwrap();
    broker.connections().await_open(0).wait().unwrap();
}

#[test]
fn a_listener_that_answers_nothing_is_named_when_the_time_is_over() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let hole = broker.network().half_open();
    let late = broker.ready_within(SOON).unwrap_err();
    assert_eq!(late.code(), Some(ErrorCode::RequestTimedOut));
    let address = broker.bootstrap_servers();
    assert_eq!(late.to_string(), format!("listener PLAINTEXT of node 1 at {address} did not answer in time"));
    drop(hole);
    broker.ready().unwrap();
}

#[test]
fn connections_that_are_not_taken_are_not_answered() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let _paused = broker.network().pause_accept();
    assert_eq!(broker.ready_within(SOON).unwrap_err().code(), Some(ErrorCode::RequestTimedOut));
}

#[test]
fn a_connection_that_ends_is_no_answer() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let _fault = broker.fault().on(Api::ApiVersions).disconnect_before();
    let refused = broker.ready().unwrap_err();
    assert!(refused.message().ends_with("does not answer"), "{refused}");
}

#[test]
fn an_error_is_an_answer_and_told() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let _fault = broker.fault().on(Api::ApiVersions).error(ErrorCode::UnknownServerError);
    let refused = broker.ready().unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::UnknownServerError));
    assert!(refused.message().ends_with("answers ApiVersions with error -1"), "{refused}");
}

#[test]
fn a_clock_that_stands_still_keeps_nobody_waiting_for_ever() {
    let (builder, _) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let far_away = broker.network().latency(Duration::from_secs(3600));
    assert_eq!(broker.ready_within(SOON).unwrap_err().code(), Some(ErrorCode::RequestTimedOut));
    drop(far_away);
    broker.ready().unwrap();
}

#[test]
fn the_hand_of_a_clock_is_that_which_the_builder_gave() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let found = broker.clock().unwrap();
    hand.advance(Duration::from_secs(60));
    found.advance(Duration::from_secs(1));
    assert_eq!(format!("{found:?}"), "ManualClock(61s)");
    assert_eq!(format!("{hand:?}"), "ManualClock(61s)");
}

#[test]
fn a_clock_of_the_system_has_no_hand_and_it_is_said_how_to_have_one() {
    let broker = EmbeddedBroker::builder().start().unwrap();
    let none = broker.clock().unwrap_err().to_string();
    assert!(none.contains("EmbeddedBroker::builder().manual_clock()"), "{none}");
}
