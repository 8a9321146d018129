//! What a test can see of clients: their connections, the versions they use, what they do wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use embedded_broker::{Api, EmbeddedBroker};
use kafka_protocol::messages::{ApiVersionsRequest, HeartbeatRequest, MetadataRequest};

use crate::client::Client;
use crate::records::broker_with;

#[test]
fn connections_are_known_by_their_clients() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut other = client.another("other");
    broker.connections().await_open(2).wait().unwrap();
    assert_eq!(broker.connections().client("other").count(), 0, "it has not said who it is");
    client.call(12, &MetadataRequest::default());
    other.call(12, &MetadataRequest::default());
    let open = broker.connections().client("other").all();
    assert_eq!(
        (open.len(), open[0].client_id.as_str(), &*open[0].listener, open[0].node_id),
        (1, "other", "PLAINTEXT", 1)
    );
    drop(other);
    broker.connections().client("other").await_open(0).wait().unwrap();
    assert_eq!(broker.connections().count(), 1);
    broker.connections().client("wire-test").close();
    assert!(client.is_closed());
    broker.connections().await_open(0).wait().unwrap();
    let late = broker.connections().client("x").await_open(1).within(Duration::from_millis(1)).wait().unwrap_err();
    assert_eq!(late.to_string(), "1 connections of client x were not open within 1ms: 0 are");
}

#[test]
fn a_report_says_which_versions_were_offered_and_used() {
    let broker = EmbeddedBroker::builder().version_ceiling(Api::Metadata, 12).start().unwrap();
    let mut client = Client::of(&broker);
    let requests = broker.requests();
    for version in [9, 12, 12] {
        client.call(version, &MetadataRequest::default());
    }
    client.call(4, &HeartbeatRequest::default());
    let report = requests.version_report();
    let metadata = &report.apis[&Api::Metadata];
    assert_eq!((&metadata.advertised, &metadata.used), (&(0..=12), &[(9, 1), (12, 2)].into()));
    assert!(!metadata.is_newest_only() && report.apis[&Api::Heartbeat].is_newest_only());
    assert_eq!(report.apis[&Api::Produce].advertised, 0..=13);
    assert_eq!(report.used().count(), 2);
    let table = report.to_string();
    assert!(table.contains("Metadata") && table.contains("0-12  9 (1), 12 (2)"), "{table}");
}

/// What a client does that it may not.
type Wrong = fn(&mut Client);

/// What a guard says when it is dropped.
fn said_at_the_end(strict: embedded_broker::Strict) -> Option<String> {
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(strict))).err()?;
    panicked.downcast_ref::<String>().cloned()
}

#[test]
fn a_client_that_breaks_the_protocol_fails_the_test() {
    let broker = EmbeddedBroker::builder().be_kafka("2.8").start().unwrap();
    let wrongs: [(&str, Wrong); 4] = [
        ("version 12 of Metadata is not served", |client| client.send(12, &MetadataRequest::default())),
        ("request key 999 is not served", |client| client.send_body(999, 0, 1, &[])),
        ("bytes", |client| client.send_body(3, 9, 2, &[0xff])),
        ("a frame cannot be -1 bytes long", |client| client.send_raw(&[0xff; 4])),
    ];
    for (expected, wrong) in wrongs {
        let strict = broker.strict();
        let mut client = Client::of(&broker);
        client.call(9, &MetadataRequest::default());
        wrong(&mut client);
        assert!(client.is_closed());
        let violations = strict.violations();
        assert_eq!((violations.len(), violations[0].client_id.as_str()), (1, "wire-test"), "{expected}");
        let said = said_at_the_end(strict).unwrap();
        assert!(
            said.starts_with("clients have broken the protocol") && (expected == "bytes" || said.contains(expected)),
            "{said}"
        );
    }
}

#[test]
fn a_client_that_keeps_to_the_protocol_passes() {
    let broker = broker_with("t", 1);
    let strict = broker.strict();
    let mut client = Client::of(&broker);
    // A newer client than the broker: it is told which versions there are.
    client.send_body(18, 99, 2, &[]);
    assert_eq!(client.receive_body()[..2], [0, 35]);
    client.call(0, &ApiVersionsRequest::default());
    // Without an answer a failure is told by closing the connection, which is not the client's fault.
    client.send(12, &super::produce_of("a").with_acks(0).with_transactional_id(None).with_topic_data(vec![]));
    drop(client);
    broker.connections().await_open(0).wait().unwrap();
    assert_eq!(said_at_the_end(strict), None);
    let strict = broker.strict();
    let mut client = Client::of(&broker);
    client.send_body(999, 0, 1, &[]);
    assert!(client.is_closed());
    assert_eq!(strict.forgive().len(), 1);
}
