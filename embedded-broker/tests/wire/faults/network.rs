//! Ways between clients and the broker that are long, narrow or cut.

use std::time::Duration;

use embedded_broker::EmbeddedBroker;
use kafka_protocol::messages::{HeartbeatRequest, MetadataRequest, ProduceRequest};
use uuid::Uuid;

use super::{produce_of, try_produce, written};
use crate::client::Client;
use crate::patience::{comes_true, pass_time_until};
use crate::records::*;

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
    let step = Duration::from_secs(60);
    let (answer, passed) = pass_time_until(&hand, step, || client.receive::<MetadataRequest>(12));
    assert!(passed > Duration::from_secs(3600), "{passed:?}");
    assert_eq!(answer.brokers.len(), 1);
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
    // A request is noted before the way it comes by is looked at.
    comes_true("the request is swallowed", || cut.times_happened() == 1);
    assert_eq!(try_produce(&mut other, "b"), Some(0));
    assert!(client.is_quiet());
    drop(cut);
    client.send(12, &produce_of("lost too"));
    assert_eq!(try_produce(&mut Client::of(&broker), "c"), Some(0));
    assert_eq!(written(&broker), ["a", "b", "c"]);
    assert!(client.is_quiet());
}

/// Produces at the time that a clock begins with which is moved by hand.
fn produce_then(value: &str) -> ProduceRequest {
    produce_request("t", Uuid::nil(), 12, 0, batch_at(&[(1_700_000_000_000, value)], NOBODY))
}

#[test]
fn a_way_can_be_long_in_one_direction_only() {
    let (builder, hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let late = broker.network().answers_only().latency(Duration::from_secs(60));
    client.send(12, &produce_then("a"));
    broker.topic("t").await_records(1).wait().unwrap();
    assert!(client.is_quiet(), "it is served, and its answer is on the way");
    let step = Duration::from_secs(10);
    let (_, passed) = pass_time_until(&hand, step, || client.receive::<ProduceRequest>(12));
    assert!(passed >= Duration::from_secs(60), "{passed:?}");
    assert_eq!(late.times_happened(), 1);
    drop(late);
    let _late = broker.network().requests_only().latency(Duration::from_secs(60));
    client.send(12, &produce_then("b"));
    assert!(client.is_quiet());
    assert_eq!(written(&broker), ["a"]);
    pass_time_until(&hand, step, || client.receive::<ProduceRequest>(12));
    assert_eq!(written(&broker), ["a", "b"]);
}

#[test]
fn an_answer_in_slices_is_the_same_answer() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let whole = client.call(12, &MetadataRequest::default());
    let sliced = broker.network().answers_only().slices(3, Duration::from_micros(10));
    assert_eq!(client.call(12, &MetadataRequest::default()), whole);
    assert_eq!(sliced.times_happened(), 1);
}

#[test]
fn a_connection_ends_when_its_bytes_are_used_up() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let limit = broker.network().client("wire-test").answers_only().byte_limit(20);
    client.send(0, &HeartbeatRequest::default());
    assert_eq!(client.receive_body().len(), 2);
    client.send(12, &MetadataRequest::default());
    assert_eq!(client.rest().len(), 10, "the front of an answer, and then the end");
    let mut client = Client::of(&broker);
    drop(limit);
    assert_eq!(client.call(12, &MetadataRequest::default()).brokers.len(), 1);
    let _limit = broker.network().requests_only().byte_limit(10);
    assert_eq!(try_produce(&mut client, "lost"), None);
    assert_eq!(written(&broker), [""; 0], "a request that does not arrive whole is none");
}

#[test]
fn a_connection_is_reset_before_or_after_the_request_is_served() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let reset = broker.network().requests_only().reset();
    client.send(12, &produce_of("lost"));
    assert_eq!(client.end().kind(), std::io::ErrorKind::ConnectionReset);
    drop(reset);
    let mut client = Client::of(&broker);
    let reset = broker.network().client("wire-test").answers_only().reset();
    client.send(12, &produce_of("written"));
    assert_eq!(client.end().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!((written(&broker), reset.times_happened()), (vec!["written".to_owned()], 1));
    drop(reset);
    assert_eq!(try_produce(&mut Client::of(&broker), "b"), Some(0));
}

#[test]
fn resets_by_chance_are_the_same_with_the_same_seed() {
    let run = |seed| {
        let broker = EmbeddedBroker::builder().topic("t", 1).fault_seed(seed).start().unwrap();
        let _flaky = broker.network().requests_only().probability(0.5).reset();
        let survives = |_| {
            let mut client = Client::of(&broker);
            client.send(0, &HeartbeatRequest::default());
            !client.is_closed()
        };
        (0..40).map(survives).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_black_hole_swallows_everything_and_ends_the_connection_in_time() {
    let (builder, hand) = EmbeddedBroker::builder().topic("t", 1).manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let hole = broker.network().client("wire-test").black_hole(Duration::from_secs(30));
    client.send(12, &produce_of("lost"));
    assert!(client.is_quiet());
    let (ended, passed) = pass_time_until(&hand, Duration::from_secs(5), || client.is_closed());
    assert!(ended && passed >= Duration::from_secs(30), "{passed:?}");
    drop(hole);
    let response = Client::of(&broker).call(12, &produce_then("a"));
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
    assert_eq!(written(&broker), ["a"]);
}

#[test]
fn a_connection_is_kept_open_behind_its_end() {
    let (builder, hand) = EmbeddedBroker::builder().manual_clock();
    let broker = builder.start().unwrap();
    let mut client = Client::of(&broker);
    let _slow = broker.network().slow_close(Duration::from_secs(10));
    let _closes = broker.fault().disconnect_before();
    client.send(12, &MetadataRequest::default());
    let (ended, passed) = pass_time_until(&hand, Duration::from_secs(1), || client.is_closed());
    assert!(ended && passed >= Duration::from_secs(10), "{passed:?}");
}

#[test]
fn a_broker_that_is_down_takes_no_connection_until_it_is_up_again() {
    let broker = broker_with("t", 1);
    let mut idle = Client::of(&broker);
    let mut other = idle.another("other");
    assert_eq!((try_produce(&mut idle, "a"), try_produce(&mut other, "b")), (Some(0), Some(0)));
    let down = broker.network().client("wire-test").down();
    assert!(idle.is_closed(), "also a connection on which nothing is asked");
    assert_eq!(try_produce(&mut Client::of(&broker), "c"), None);
    assert_eq!(try_produce(&mut other, "d"), Some(0));
    drop(down);
    let down = broker.network().down();
    assert!(other.is_closed() && Client::of(&broker).is_closed());
    drop(down);
    assert_eq!(try_produce(&mut Client::of(&broker), "e"), Some(0));
    assert_eq!(written(&broker), ["a", "b", "d", "e"]);
}

#[test]
fn connections_wait_while_none_are_accepted() {
    let broker = broker_with("t", 1);
    let mut old = Client::of(&broker);
    assert_eq!(try_produce(&mut old, "a"), Some(0));
    let paused = broker.network().pause_accept();
    let mut new = Client::of(&broker);
    new.send(12, &produce_of("c"));
    assert_eq!(try_produce(&mut old, "b"), Some(0));
    assert!(new.is_quiet());
    drop(paused);
    assert_eq!(new.receive::<ProduceRequest>(12).responses.len(), 1);
    assert_eq!(written(&broker), ["a", "b", "c"]);
    let _paused = broker.network().pause_accept();
    let waiting = Client::of(&broker);
    broker.connections().await_open(3).wait().unwrap();
    broker.stop();
    assert!(waiting.is_closed());
}

#[test]
fn there_is_room_for_so_many_connections() {
    let broker = broker_with("t", 1);
    let mut first = Client::of(&broker);
    assert_eq!(try_produce(&mut first, "a"), Some(0));
    let full = broker.network().max_connections(1);
    assert!(Client::of(&broker).is_closed());
    assert_eq!((try_produce(&mut first, "b"), full.times_happened()), (Some(0), 1));
    drop(first);
    broker.connections().await_open(0).wait().unwrap();
    assert_eq!(try_produce(&mut Client::of(&broker), "c"), Some(0));
}
