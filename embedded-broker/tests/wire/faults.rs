//! Faults that a test sets, as the client sees them.

use std::time::Duration;

use embedded_broker::{Api, EmbeddedBroker, ErrorCode};
use kafka_protocol::messages::{
    ApiVersionsRequest, FetchRequest, HeartbeatRequest, MetadataRequest, ProduceRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use crate::client::Client;
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
    while before.times_happened() < 1 {
        std::thread::yield_now();
    }
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
    while late.times_happened() < 1 {
        std::thread::yield_now();
    }
    assert_eq!(broker.topic("t").end_offsets().unwrap(), [0]);
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| client.receive::<ProduceRequest>(12));
        // However late the connection comes to its wait, it sees that time goes on.
        while !answer.is_finished() {
            hand.advance(Duration::from_secs(1800));
            std::thread::yield_now();
        }
        assert_eq!(answer.join().unwrap().responses[0].partition_responses[0].error_code, 0);
    });
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
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| client.receive::<MetadataRequest>(12));
        while !answer.is_finished() {
            hand.advance(Duration::from_millis(100));
            std::thread::yield_now();
        }
        assert_eq!(answer.join().unwrap().throttle_time_ms, 0);
    });
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
    let used = requests.versions_used();
    assert_eq!(used[&Api::Metadata], [(9, 1), (12, 1)].into());
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
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| requests.on(Api::Fetch).client("a").await_requests(2).wait().unwrap_err());
        while !waiting.is_finished() {
            hand.advance(Duration::from_secs(5));
            std::thread::yield_now();
        }
        let expected = "2 Fetch requests of client a did not come within 10s: 0 are there";
        assert_eq!(waiting.join().unwrap().to_string(), expected);
    });
}

#[test]
fn a_long_way_and_a_narrow_one_take_their_time() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let mut near = client.another("near");
    let far = broker.network().client("wire-test").latency(Duration::from_secs(3600));
    let narrow = broker.network().client("wire-test").bandwidth(1);
    assert_eq!(near.call(12, &MetadataRequest::default()).brokers.len(), 1);
    client.send(12, &MetadataRequest::default());
    assert!(client.is_quiet(), "the clock stands still");
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| client.receive::<MetadataRequest>(12));
        let mut passed = Duration::ZERO;
        while !answer.is_finished() {
            passed += Duration::from_secs(60);
            hand.advance(Duration::from_secs(60));
            std::thread::yield_now();
        }
        assert!(passed > Duration::from_secs(3600), "{passed:?}");
        assert_eq!(answer.join().unwrap().brokers.len(), 1);
    });
    drop((far, narrow));
    assert_eq!(client.call(12, &MetadataRequest::default()).brokers.len(), 1);
}

#[test]
fn a_way_that_is_half_open_swallows_everything_of_its_client() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut other = client.another("other");
    assert_eq!(try_produce(&mut client, "a"), Some(0));
    let requests = broker.requests();
    let cut = broker.network().client("wire-test").half_open();
    client.send(12, &produce_of("lost"));
    requests.await_requests(1).wait().unwrap();
    assert_eq!(try_produce(&mut other, "b"), Some(0));
    assert!(client.is_quiet());
    drop(cut);
    client.send(12, &produce_of("lost too"));
    assert_eq!(try_produce(&mut Client::of(&broker), "c"), Some(0));
    assert_eq!(written(&broker), ["a", "b", "c"]);
    assert!(client.is_quiet());
}
