//! Reading from followers (KIP-392).

use std::time::Duration;

use embedded_broker::ErrorCode;
use kafka_protocol::messages::FetchRequest;

use super::*;
use crate::patience::pass_time_until;

pub(super) const SELECTOR: (&str, &str) =
    ("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector");

fn with_racks() -> EmbeddedBroker {
    let builder = EmbeddedBroker::builder().brokers(3).racks(["r1", "r2", "r3"]);
    let broker = builder.config(SELECTOR.0, SELECTOR.1).start().expect("three nodes start");
    create(&broker, "t", &[1, 2], &[]);
    produced(&mut client_of(&broker, 1), "t", -1, &["v"]);
    broker
}

fn request_of(rack: &str, offset: i64) -> FetchRequest {
    fetch_request("t", Uuid::nil(), FETCH, &[(0, offset)]).with_rack_id(text(rack))
}

/// The replica a consumer of this rack is sent to, the high watermark it is told, and how many records it gets.
fn sent(broker: &EmbeddedBroker, node: i32, rack: &str, offset: i64) -> (i32, i64, usize) {
    let got = only(client_of(broker, node).call(FETCH, &request_of(rack, offset)));
    assert_eq!(got.error_code, 0);
    (got.preferred_read_replica.0, got.high_watermark, values(&got.records.unwrap_or_default()).len())
}

#[test]
fn a_consumer_is_sent_to_the_replica_in_its_rack() {
    let broker = with_racks();
    assert_eq!(sent(&broker, 1, "r2", 0), (2, 1, 0));
    assert_eq!(sent(&broker, 1, "r2", 1), (2, 1, 0), "as the real one, at the end as well");
    assert_eq!(sent(&broker, 1, "r1", 0), (-1, 1, 1));
    assert_eq!(sent(&broker, 1, "r3", 0), (-1, 1, 1), "it has no replica");
    assert_eq!(sent(&broker, 1, "", 0), (-1, 1, 1));
    assert_eq!(sent(&broker, 2, "r2", 0), (-1, 1, 1), "it is there");
}

#[test]
fn nobody_is_sent_anywhere_unless_the_brokers_are_set_up_for_it() {
    let broker = EmbeddedBroker::builder().brokers(2).racks(["r1", "r2"]).start().unwrap();
    create(&broker, "t", &[1, 2], &[]);
    produced(&mut client_of(&broker, 1), "t", -1, &["v"]);
    assert_eq!(sent(&broker, 1, "r2", 0), (-1, 1, 1));
}

#[test]
fn nobody_is_sent_to_a_follower_that_is_down_or_lacks_the_offset() {
    let broker = with_racks();
    let slow = broker.lag(2, Duration::from_secs(25)).unwrap();
    produced(&mut client_of(&broker, 1), "t", 1, &["w"]);
    assert_eq!(sent(&broker, 1, "r2", 1), (2, 1, 0));
    assert_eq!(sent(&broker, 1, "r2", 2), (-1, 1, 0), "it ends before that");
    drop(slow);
    broker.stop_node(2).unwrap();
    assert_eq!(sent(&broker, 1, "r2", 0), (-1, 2, 2));
}

#[test]
fn a_consumer_that_is_sent_away_does_not_wait() {
    let (builder, _hand) = EmbeddedBroker::builder().brokers(2).racks(["r1", "r2"]).manual_clock();
    let broker = builder.config(SELECTOR.0, SELECTOR.1).start().unwrap();
    create(&broker, "t", &[1, 2], &[]);
    let request = request_of("r2", 0).with_max_wait_ms(600_000);
    assert_eq!(only(client_of(&broker, 1).call(FETCH, &request)).preferred_read_replica, BrokerId(2));
}

#[test]
fn a_follower_out_of_sync_tells_what_it_has() {
    let (builder, hand) = EmbeddedBroker::builder().brokers(2).manual_clock();
    let broker = builder.start().unwrap();
    create(&broker, "t", &[1, 2], &[]);
    let mut leader = client_of(&broker, 1);
    produced(&mut leader, "t", -1, &["a"]);
    let cut = broker.isolate(1, 2).unwrap();
    hand.advance(Duration::from_secs(31));
    produced(&mut leader, "t", -1, &["b"]);
    assert_eq!(fetched(&mut leader, "t").1, 2);
    let mut follower = client_of(&broker, 2);
    assert_eq!(fetched(&mut follower, "t"), (vec!["a".to_owned()], 1));
    let got = fetch(&mut follower, "t", 0, 2);
    assert_eq!(got.error_code, ErrorCode::OffsetOutOfRange.code());
    cut.heal();
    assert_eq!(fetched(&mut follower, "t").1, 2);
}

#[test]
fn who_waits_at_a_follower_is_answered_when_that_has_it() {
    let (builder, hand) = EmbeddedBroker::builder().brokers(2).manual_clock();
    let broker = builder.start().unwrap();
    create(&broker, "t", &[1, 2], &[]);
    let _slow = broker.lag(2, Duration::from_secs(10)).unwrap();
    let mut follower = client_of(&broker, 2);
    follower.send(FETCH, &request_of("", 0).with_max_wait_ms(NEVER_MS));
    produced(&mut client_of(&broker, 1), "t", 1, &["v"]);
    assert!(follower.is_quiet());
    let step = Duration::from_secs(1);
    let (answer, passed) = pass_time_until(&hand, step, || follower.receive::<FetchRequest>(FETCH));
    assert_eq!(values(&only(answer).records.unwrap_or_default()), [(0, "v".to_owned())]);
    assert!(passed >= Duration::from_secs(10), "{passed:?}");
}
