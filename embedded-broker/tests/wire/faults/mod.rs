//! Faults that a test sets, as the client sees them.

mod answers;
mod network;
mod parts;
mod state;
mod versions_and_requests;
mod views;

use std::time::Duration;

use embedded_broker::{Api, EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::{
    ApiVersionsRequest, FetchRequest, HeartbeatRequest, MetadataRequest, ProduceRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::patience::{comes_true, pass_time_until};
use crate::records::*;

fn produce_of(value: &str) -> ProduceRequest {
    produce_request("t", Uuid::nil(), 12, 0, batch(&[value], NOBODY))
}

/// Produces a record; the code that is answered, or nothing if the connection is closed.
fn try_produce(client: &mut Client, value: &str) -> Option<i16> {
    let response = client.call_or_reconnect(12, &produce_of(value))?;
    Some(response.responses[0].partition_responses[0].error_code)
}

fn written(broker: &EmbeddedBroker) -> Vec<String> {
    let records = broker.topic("t").records().expect("the topic can be read");
    records.iter().map(|record| record.value_str().expect("every value is text").to_owned()).collect()
}

#[test]
fn an_error_comes_as_often_as_was_said_and_nothing_is_written() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let code = ErrorCode::NotEnoughReplicas;
    let refused = broker.fault().on(Api::Produce).times(2).error(code);
    let codes: Vec<_> = ["a", "b", "c"].map(|value| try_produce(&mut client, value)).into();
    assert_eq!(codes, [Some(code.code()), Some(code.code()), Some(0)]);
    assert_eq!(written(&broker), ["c"]);
    assert_eq!(refused.times_happened(), 2);
}

#[test]
fn a_fault_ends_when_its_guard_is_dropped() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let refused = broker.fault().error(ErrorCode::UnknownServerError);
    assert_eq!(try_produce(&mut client, "a"), Some(-1));
    drop(refused);
    assert_eq!(try_produce(&mut client, "b"), Some(0));
}

#[test]
fn a_fault_is_only_for_the_client_and_the_requests_it_names() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut other = client.another("other");
    let _refused = broker.fault().client("other").on(Api::Produce).on(Api::Heartbeat).error(ErrorCode::NotCoordinator);
    assert_eq!(try_produce(&mut client, "a"), Some(0));
    assert_eq!(try_produce(&mut other, "b"), Some(ErrorCode::NotCoordinator.code()));
    assert_eq!(other.call(4, &HeartbeatRequest::default()).error_code, ErrorCode::NotCoordinator.code());
    assert_eq!(other.call(12, &MetadataRequest::default()).brokers.len(), 1);
}

#[test]
fn what_is_applied_and_answered_with_an_error_is_written() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let code = ErrorCode::RequestTimedOut;
    let _unsure = broker.fault().on(Api::Produce).times(1).apply_then_error(code);
    assert_eq!(try_produce(&mut client, "a"), Some(code.code()));
    assert_eq!(try_produce(&mut client, "a"), Some(0));
    assert_eq!(written(&broker), ["a", "a"]);
}

#[test]
fn a_connection_is_closed_before_or_after_the_request_is_served() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let before = broker.fault().on(Api::Produce).times(1).disconnect_before();
    let after = broker.fault().on(Api::Produce).times(1).disconnect_after();
    assert_eq!(try_produce(&mut client, "a"), None);
    assert_eq!(written(&broker), [""; 0]);
    assert_eq!(try_produce(&mut client, "b"), None);
    assert_eq!(written(&broker), ["b"]);
    assert_eq!((before.times_happened(), after.times_happened()), (1, 1));
    assert_eq!(try_produce(&mut client, "c"), Some(0));
}

#[test]
fn a_connection_that_is_silent_stays_open_and_serves_nothing_more() {
    let broker = broker_with("t", 1);
    let mut silent = Client::of(&broker);
    let mut half = Client::of(&broker);
    let after = broker.fault().on(Api::Produce).times(1).silence_after();
    let before = broker.fault().on(Api::Produce).times(1).silence();
    half.send(12, &produce_of("served"));
    broker.topic("t").await_records(1).wait().unwrap();
    silent.send(12, &produce_of("lost"));
    silent.send(12, &produce_of("lost too"));
    comes_true("the broker falls silent", || before.times_happened() == 1);
    assert_eq!(after.times_happened(), 1);
    assert_eq!(try_produce(&mut Client::of(&broker), "of another"), Some(0));
    assert_eq!(written(&broker), ["served", "of another"]);
    assert!(silent.is_quiet() && half.is_quiet());
    broker.stop();
    assert!(silent.is_closed() && half.is_closed());
}

#[test]
fn a_delayed_request_is_served_when_its_time_has_come() {
    let (builder, hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let late = broker.fault().on(Api::Produce).times(1).delay(Duration::from_secs(3600));
    client.send(12, &produce_request("t", Uuid::nil(), 12, 0, batch_at(&[(1_700_000_000_000, "a")], NOBODY)));
    comes_true("the request is delayed", || late.times_happened() == 1);
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [0]);
    let (answer, _) = pass_time_until(&hand, Duration::from_secs(1800), || client.receive::<ProduceRequest>(12));
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
}

#[test]
fn a_throttled_client_is_told_so_and_waits() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let _throttled = broker.fault().on(Api::Metadata).times(1).throttle(Duration::from_millis(1500));
    assert_eq!(client.call(12, &MetadataRequest::default()).throttle_time_ms, 1500);
    client.send(12, &MetadataRequest::default());
    assert!(client.is_quiet(), "the clock stands still");
    hand.advance(Duration::from_millis(1500));
    let (answer, _) = pass_time_until(&hand, Duration::from_millis(100), || client.receive::<MetadataRequest>(12));
    assert_eq!(answer.throttle_time_ms, 0);
}

#[test]
fn corrupt_records_do_not_match_their_checksums_in_any_version() {
    let broker = broker_with("t", 2);
    let mut client = Client::of(&broker);
    let large = "x".repeat(100_000);
    for partition in [0, 1] {
        produce(&mut client, "t", partition, batch(&["a", &large], NOBODY));
    }
    let id = topic_id(&mut client, "t");
    for version in 4..=18 {
        let request = fetch_request("t", id, version, &[(0, 0), (1, 0)]);
        let fault = broker.fault().corrupt_crc();
        let corrupt = client.call(version, &request);
        drop(fault);
        let good = client.call(version, &request);
        for (corrupt, good) in corrupt.responses[0].partitions.iter().zip(&good.responses[0].partitions) {
            let (corrupt, good) = (corrupt.records.clone().unwrap(), good.records.clone().unwrap());
            assert_eq!(corrupt.len(), good.len(), "version {version}");
            let differing: Vec<_> = (0..good.len()).filter(|at| corrupt[*at] != good[*at]).collect();
            assert_eq!(differing, [20], "version {version}: only the checksum differs");
        }
    }
}

#[test]
fn a_fetch_that_fails_says_so_and_the_next_one_brings_the_records() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    produce(&mut client, "t", 0, batch(&["a"], NOBODY));
    let _moved = broker.fault().on(Api::Fetch).times(1).error(ErrorCode::NotLeaderOrFollower);
    let request = fetch_request("t", Uuid::nil(), 12, &[(0, 0)]);
    let failed = client.call(12, &request);
    assert_eq!(failed.error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!(only(failed).error_code, ErrorCode::NotLeaderOrFollower.code());
    assert_eq!(values(&only(client.call::<FetchRequest>(12, &request)).records.unwrap()).len(), 1);
}

#[test]
fn a_produce_that_is_not_answered_loses_its_connection_to_an_error() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let _refused = broker.fault().on(Api::Produce).error(ErrorCode::NotLeaderOrFollower);
    client.send(12, &produce_of("a").with_acks(0));
    assert!(client.is_closed());
}

#[test]
fn logins_can_fail_too() {
    let broker = EmbeddedBroker::builder()
        .listener(embedded_broker::Listener::sasl_plaintext())
        .user("alice", "secret")
        .start()
        .unwrap();
    let mut client = Client::of(&broker);
    let _refused = broker.fault().on(Api::SaslHandshake).times(1).error(ErrorCode::UnsupportedSaslMechanism);
    let _versions = broker.fault().on(Api::ApiVersions).times(1).error(ErrorCode::UnknownServerError);
    assert_eq!(client.call(0, &ApiVersionsRequest::default()).error_code, -1);
    let handshake = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
    assert_eq!(client.call(1, &handshake).error_code, ErrorCode::UnsupportedSaslMechanism.code());
}

#[test]
fn faults_by_chance_are_the_same_with_the_same_seed() {
    let run = |seed| {
        let broker = EmbeddedBroker::builder().fault_seed(seed).start().unwrap();
        let mut client = Client::of(&broker);
        let _sometimes = broker.fault().on(Api::Heartbeat).probability(0.5).error(ErrorCode::NotController);
        (0..64).map(|_| client.call(4, &HeartbeatRequest::default()).error_code == 41).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
