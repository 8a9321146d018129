//! Answers that are not what they should be, and functions of tests that look at requests and change answers.

use std::sync::mpsc;

use embedded_broker::{Api, ErrorCode, Outcome};
use kafka_protocol::messages::{HeartbeatRequest, HeartbeatResponse, MetadataRequest, ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::{Decodable, Encodable};

use super::{produce_of, try_produce, written};
use crate::client::Client;
use crate::records::*;

#[test]
fn an_answer_that_ends_too_early_is_framed_as_if_it_were_whole() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let fault = broker.fault().on(Api::Heartbeat).times(1).truncate(3);
    client.send(0, &HeartbeatRequest::default());
    assert_eq!(client.receive_body().len(), 2, "there is no more of it than a code");
    client.send(1, &HeartbeatRequest::default());
    assert_eq!(client.receive_body().len(), 6);
    assert_eq!(fault.times_happened(), 1);
    let _shorter = broker.fault().on(Api::Heartbeat).times(1).truncate(3);
    client.send(1, &HeartbeatRequest::default());
    assert_eq!(client.receive_body().len(), 3);
    assert_eq!(try_produce(&mut client, "a"), Some(0), "the connection is in step");
}

#[test]
fn an_answer_can_be_to_another_request_or_come_twice() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let wrong = broker.fault().times(1).wrong_correlation_id();
    client.send(0, &HeartbeatRequest::default());
    let told = client.receive_token();
    assert_ne!(told[..4], 1_i32.to_be_bytes());
    client.expect_no_answer();
    let _twice = broker.fault().times(1).duplicate();
    client.send(12, &produce_of("a"));
    let first = client.receive_token();
    assert_eq!(client.receive_token(), first);
    client.expect_no_answer();
    assert_eq!(first[..4], 2_i32.to_be_bytes());
    assert_eq!((written(&broker), try_produce(&mut client, "b")), (vec!["a".to_owned()], Some(0)));
    assert_eq!(wrong.times_happened(), 1);
}

#[test]
fn a_function_sees_requests_and_decides_what_becomes_of_them() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let (seen, requests) = mpsc::channel();
    let _hook = broker.fault().intercept(move |request| {
        seen.send((request.api, request.version, request.client_id.to_owned(), request.body.len())).unwrap();
        match request.api {
            Api::Heartbeat => Outcome::Error(ErrorCode::NotCoordinator),
            _ => Outcome::Pass,
        }
    });
    let later = broker.fault().on(Api::Produce).times(1).error(ErrorCode::NotEnoughReplicas);
    assert_eq!(client.call(0, &HeartbeatRequest::default()).error_code, ErrorCode::NotCoordinator.code());
    assert_eq!(try_produce(&mut client, "a"), Some(ErrorCode::NotEnoughReplicas.code()), "who passes makes way");
    assert_eq!((try_produce(&mut client, "b"), later.times_happened()), (Some(0), 1));
    let seen: Vec<_> = requests.try_iter().collect();
    assert_eq!(seen[0], (Api::Heartbeat, 0, "wire-test".to_owned(), 8));
    assert_eq!((seen.len(), seen[1].0, seen[1].1), (3, Api::Produce, 12));
}

#[test]
fn a_function_may_block_and_other_connections_go_on() {
    let broker = broker_with("t", 1);
    let mut held = Client::of(&broker);
    let mut other = held.another("other");
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let _hook = broker.fault().on(Api::Produce).client("wire-test").times(1).intercept(move |_| {
        released.lock().unwrap().recv().unwrap();
        Outcome::Pass
    });
    held.send(12, &produce_of("held"));
    assert_eq!(try_produce(&mut other, "b"), Some(0));
    assert!(held.is_quiet());
    release.send(()).unwrap();
    assert_eq!(held.receive::<ProduceRequest>(12).responses.len(), 1);
    assert_eq!(written(&broker), ["b", "held"]);
}

#[test]
fn a_function_can_answer_or_change_the_answer() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut body = Vec::new();
    HeartbeatResponse::default().with_error_code(27).encode(&mut body, 4).unwrap();
    let answer = broker.fault().on(Api::Heartbeat).happens(Outcome::Answer(body));
    assert_eq!(client.call(4, &HeartbeatRequest::default()).error_code, 27);
    drop(answer);
    let later = broker.fault().on(Api::Produce).rewrite(|request, answer| {
        let mut response = ProduceResponse::decode(&mut bytes::Bytes::from(answer), request.version).unwrap();
        response.responses[0].partition_responses[0].base_offset += 100;
        let mut changed = Vec::new();
        response.encode(&mut changed, request.version).unwrap();
        changed
    });
    let response = client.call(12, &produce_of("a"));
    assert_eq!(response.responses[0].partition_responses[0].base_offset, 100);
    drop(later);
    let response = client.call(12, &produce_of("b"));
    assert_eq!(response.responses[0].partition_responses[0].base_offset, 1);
    assert_eq!(client.call(12, &MetadataRequest::default()).brokers.len(), 1);
}
