//! Versions that a broker is told to stop at, and the requests that it has seen.

use std::time::Duration;

use embedded_broker::{Api, EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::{ApiVersionsRequest, HeartbeatRequest, MetadataRequest};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
use crate::patience::comes_true;
use crate::records::*;

fn versions_request() -> ApiVersionsRequest {
    let text = StrBytes::from_static_str;
    ApiVersionsRequest::default().with_client_software_name(text("wire-test")).with_client_software_version(text("1"))
}

#[test]
fn a_ceiling_bounds_what_is_told_and_what_is_served_alike() {
    let broker = EmbeddedBroker::builder().topic("t", 1).version_ceiling(Api::Produce, 8).start().unwrap();
    let mut client = Client::of(&broker);
    let told = client.call(3, &versions_request());
    let newest = |key: i16| told.api_keys.iter().find(|api| api.api_key == key).map(|api| api.max_version);
    assert_eq!((newest(0), newest(1)), (Some(8), Some(18)));
    let request = produce_request("t", Uuid::nil(), 8, 0, batch(&["a"], NOBODY));
    assert_eq!(client.call(8, &request).responses[0].partition_responses[0].error_code, 0);
    assert!(client.call_or_reconnect(9, &request).is_none(), "it is closed without an answer");
    let refused = EmbeddedBroker::builder().version_ceiling(Api::Produce, 99).start().unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::InvalidConfig));
}

#[test]
fn a_broker_can_pass_for_an_older_one() {
    let broker = EmbeddedBroker::builder().be_kafka("2.8").start().unwrap();
    let mut client = Client::of(&broker);
    client.send(4, &ApiVersionsRequest::default());
    let body = client.receive_body();
    assert_eq!(body[..], [0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 3], "version 0, and that ApiVersions ends at 3");
    let told = client.call(3, &versions_request());
    let newest = |key: i16| told.api_keys.iter().find(|api| api.api_key == key).map(|api| api.max_version);
    assert_eq!((newest(1), newest(3), newest(11), newest(68)), (Some(12), Some(11), Some(7), None));
    assert!(told.supported_features.is_empty() && told.finalized_features.is_empty());
    assert_eq!(client.call(11, &MetadataRequest::default()).brokers.len(), 1);
    let heartbeat = kafka_protocol::messages::ConsumerGroupHeartbeatRequest::default();
    assert!(client.call_or_reconnect(0, &heartbeat).is_none());
    assert!(EmbeddedBroker::builder().be_kafka("0.8").start().is_err());
}

#[test]
fn requests_are_recorded_while_somebody_looks() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut other = client.another("other");
    client.call(12, &MetadataRequest::default());
    let requests = broker.requests();
    client.call(9, &MetadataRequest::default());
    other.call(12, &MetadataRequest::default());
    other.call(4, &HeartbeatRequest::default());
    let seen: Vec<_> =
        requests.all().iter().map(|seen| (seen.api, seen.version, seen.client_id.to_string(), seen.node_id)).collect();
    let expected = [
        (Api::Metadata, 9, "wire-test".to_owned(), 1),
        (Api::Metadata, 12, "other".to_owned(), 1),
        (Api::Heartbeat, 4, "other".to_owned(), 1),
    ];
    assert_eq!(seen, expected);
    assert_eq!(&*requests.all()[0].listener, "PLAINTEXT");
    assert_eq!((requests.on(Api::Metadata).count(), requests.client("other").on(Api::Metadata).count()), (2, 1));
    assert_eq!(requests.forgotten(), 0);
}

#[test]
fn a_fetch_is_seen_while_it_waits_and_so_is_what_a_fault_keeps_from_being_served() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let requests = broker.requests();
    let fault = broker.fault().on(Api::Heartbeat).disconnect_before();
    let mut other = client.another("other");
    std::thread::scope(|scope| {
        let fetches = scope.spawn(|| requests.on(Api::Fetch).await_requests(1).wait().unwrap());
        let heartbeats = scope.spawn(|| requests.client("other").await_requests(1).wait().unwrap());
        client.send(12, &fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_max_wait_ms(600_000));
        other.send(4, &HeartbeatRequest::default());
        assert_eq!(fetches.join().unwrap().len(), 1);
        assert_eq!(heartbeats.join().unwrap()[0].api, Api::Heartbeat);
    });
    drop(fault);
}

#[test]
fn requests_that_do_not_come_are_given_up() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let requests = broker.requests();
    let waiting = std::thread::spawn(move || requests.on(Api::Fetch).client("a").await_requests(2).wait().unwrap_err());
    comes_true("they are given up", || {
        hand.advance(Duration::from_secs(5));
        waiting.is_finished()
    });
    let expected = "2 Fetch requests of client a did not come within 10s: 0 are there";
    assert_eq!(waiting.join().unwrap().to_string(), expected);
}
