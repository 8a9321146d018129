//! Frames nobody should send: the broker closes the connection or answers an error, takes no more memory than the frame
//! is worth, and goes on serving others.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use embedded_broker::{Api, EmbeddedBroker};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, HeartbeatRequest, MetadataRequest};
use uuid::Uuid;

use crate::client::Client;
use crate::records::*;

/// Counts and lengths that promise gigabytes, in both encodings.
const LIES: &[&[u8]] = &[&[0x7f, 0xff, 0xff, 0xff], &[0x10, 0, 0, 0], &[0xff, 0xff, 0xff, 0xff, 0x0f]];

/// Every key and version that is served.
fn served(client: &mut Client) -> Vec<(ApiKey, i16)> {
    let response = client.call(0, &ApiVersionsRequest::default());
    let keys = response.api_keys.iter().filter_map(|key| Some((ApiKey::try_from(key.api_key).ok()?, key)));
    keys.flat_map(|(api, key)| (key.min_version..=key.max_version).map(move |version| (api, version))).collect()
}

/// The most memory the process has ever reserved, in MB, touched or not.
fn peak_reserved() -> Option<usize> {
    memory("VmPeak:")
}

/// What the process has of some kind of memory, in MB. Only Linux tells.
fn memory(kind: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(kind))?;
    line.trim().trim_end_matches(" kB").parse::<usize>().ok().map(|kb| kb / 1024)
}

/// Bytes by chance, the same for the same seed; in one case of two behind what begins a request.
fn rubbish(seed: u64) -> Vec<u8> {
    let draw = |n: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, n).hash(&mut hasher);
        hasher.finish()
    };
    let bytes: Vec<u8> = (1..=draw(0) % 40).flat_map(|n| draw(n).to_be_bytes()).collect();
    if seed.is_multiple_of(2) {
        return bytes;
    }
    let len = u32::try_from(bytes.len() + 8).expect("it is short");
    let key = u16::try_from(draw(41) % 76).expect("keys are small");
    let version = u16::try_from(draw(42) % 14).expect("versions are small");
    [&len.to_be_bytes()[..], &key.to_be_bytes(), &version.to_be_bytes(), &[0; 4], &bytes].concat()
}

/// Sends rubbish on one connection after the other until it is told to stop.
fn throw_rubbish(address: &str, thrower: u64, stop: &AtomicBool) -> u64 {
    let mut thrown = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(address).expect("the broker listens");
        // By chance a request may be one that waits.
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket takes options");
        // The broker may be faster to close than we are to send.
        drop(stream.write_all(&rubbish(thrower << 32 | thrown)));
        drop(stream.shutdown(std::net::Shutdown::Write));
        drop(stream.read_to_end(&mut Vec::new()));
        thrown += 1;
    }
    thrown
}

/// Produces and fetches as if nobody else were there.
fn work(broker: &EmbeddedBroker, times: i64) {
    let (mut producer, mut consumer) = (Client::of(broker), Client::of(broker));
    for n in 0..times {
        let value = n.to_string();
        let produced = produce(&mut producer, "t", 0, batch(&[&value], NOBODY));
        assert_eq!((produced.error_code, produced.base_offset), (0, n));
        let fetched = fetch(&mut consumer, "t", 0, n);
        assert_eq!(values(&fetched.records.expect("records")), [(n, value)]);
    }
}

#[test]
fn counts_that_promise_gigabytes_reserve_nothing() {
    let broker = broker_with("t", 1);
    let keys = served(&mut Client::of(&broker));
    let before = peak_reserved();
    for (api, version) in keys {
        for lie in LIES {
            // The lie stands where the first, second, ... field of a request may be. Zeros in front of it are empty
            // strings, nulls or small numbers.
            for position in 0..8 {
                let mut body = vec![0; position];
                body.extend_from_slice(lie);
                body.extend_from_slice(&[0; 4]);
                let mut client = Client::of(&broker);
                client.send_body(api as i16, version, api.request_header_version(version), &body);
            }
        }
        // Connections are accepted in order: when this one is served, none of those above stands in the queue any more.
        assert_eq!(Client::of(&broker).call(0, &ApiVersionsRequest::default()).error_code, 0);
    }
    // Whatever the last of them did, others are served.
    assert_eq!(produce(&mut Client::of(&broker), "t", 0, batch(&["v"], NOBODY)).error_code, 0);
    if let (Some(before), Some(after)) = (before, peak_reserved()) {
        // Threads and their arenas reserve address space as well; a lie that was believed would take 10 to 400 GB.
        assert!(after - before < 8_000, "{} MB more were reserved", after - before);
    }
}

#[test]
fn frames_that_are_no_requests_close_their_connection_only() {
    let broker = broker_with("t", 1);
    let frames: &[&[u8]] = &[
        &[0xff, 0xff, 0xff, 0xff],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 4, 0, 18, 0, 0],
        // TLS from a client that takes this port for another.
        &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        // A client id longer than its frame, and one that is not UTF-8.
        &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff],
        &[0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 1, 0, 1, 0xff],
    ];
    for frame in frames {
        let mut client = Client::of(&broker);
        client.send_raw(frame);
        assert!(client.is_closed(), "{frame:?}");
    }
    assert_eq!(produce(&mut Client::of(&broker), "t", 0, batch(&["v"], NOBODY)).error_code, 0);
}

#[test]
fn rubbish_on_some_connections_leaves_the_others_alone() {
    let broker = broker_with("t", 1);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let throw = |thrower| {
            let (address, stop) = (broker.bootstrap_servers(), &stop);
            scope.spawn(move || throw_rubbish(address, thrower, stop))
        };
        let throwers = [throw(0), throw(1), throw(2)];
        work(&broker, 200);
        stop.store(true, Ordering::Relaxed);
        assert!(throwers.into_iter().all(|thrower| thrower.join().expect("it only throws") > 0));
    });
    work_goes_on(&broker);
}

/// A client that comes now is served.
fn work_goes_on(broker: &EmbeddedBroker) {
    assert_eq!(produce(&mut Client::of(broker), "t", 0, batch(&["v"], NOBODY)).error_code, 0);
}

#[test]
fn a_panic_while_a_request_is_served_costs_its_connection_and_nobody_elses() {
    let broker = broker_with("t", 1);
    let (mut unlucky, mut other) = (Client::of(&broker), Client::of(&broker));
    let mistakes = broker.fault().on(Api::Heartbeat).intercept(|_| panic!("a mistake that a test makes"));
    unlucky.send(0, &HeartbeatRequest::default());
    assert!(unlucky.rest().is_empty(), "it is closed without an answer");
    assert_eq!(produce(&mut other, "t", 0, batch(&["v"], NOBODY)).error_code, 0, "who was there is served");
    drop(mistakes);
    // In the middle of an answer.
    let mistakes = broker.fault().on(Api::Produce).rewrite(|_, _| panic!("another one"));
    other.send(12, &produce_request("t", Uuid::nil(), 12, 0, batch(&["w"], NOBODY)));
    assert!(other.rest().is_empty());
    drop(mistakes);
    work_goes_on(&broker);
}

#[test]
fn half_frames_on_many_connections_take_no_memory_and_nobodys_turn() {
    let broker = broker_with("t", 1);
    let before = memory("VmRSS:");
    // Each promises a hundred megabytes, sends a little and stays.
    let halves: Vec<TcpStream> = (0..100_usize)
        .map(|n| {
            let mut stream = TcpStream::connect(broker.bootstrap_servers()).expect("the broker listens");
            let sent = [&(100_u32 << 20).to_be_bytes()[..], &vec![0; n * 100]].concat();
            stream.write_all(&sent[..4.max(sent.len() - n)]).expect("the connection is open");
            stream
        })
        .collect();
    work(&broker, 50);
    if let (Some(before), Some(after)) = (before, memory("VmRSS:")) {
        // Other tests of this process take memory as well; what was promised would be 10 GB.
        assert!(after.saturating_sub(before) < 1_000, "{} MB more", after - before);
    }
    drop(halves);
    work_goes_on(&broker);
}

#[test]
fn a_client_that_reads_no_answers_holds_up_nobody() {
    let broker = broker_with("t", 1);
    let large = "x".repeat(900_000);
    let mut producer = Client::of(&broker);
    for _ in 0..8 {
        assert_eq!(produce(&mut producer, "t", 0, batch(&[&large], NOBODY)).error_code, 0);
    }
    // Far more is asked for than the sockets take: its thread hangs in the middle of an answer.
    let mut deaf = Client::of(&broker);
    for _ in 0..40 {
        deaf.send(12, &fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_max_bytes(8 << 20));
    }
    for n in 8..40 {
        assert_eq!(produce(&mut producer, "t", 0, batch(&["v"], NOBODY)).base_offset, n);
        assert_eq!(fetch(&mut producer, "t", 0, n).error_code, 0);
    }
    drop(deaf);
}

#[test]
fn more_topics_than_one_request_may_make_are_not_made_by_asking_for_them() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    let mut ask = |n: i32| {
        let topic = |n: i32| MetadataRequestTopic::default().with_name(Some(name(&format!("n{n}"))));
        let request = MetadataRequest::default().with_topics(Some((0..n).map(topic).collect()));
        client.call(12, &request.with_allow_auto_topic_creation(true)).topics
    };
    assert!(ask(10_001).iter().all(|topic| topic.error_code == 3), "UNKNOWN_TOPIC_OR_PARTITION");
    assert!(ask(3).iter().all(|topic| topic.error_code == 3), "nothing was made, this request makes three");
    assert!(ask(3).iter().all(|topic| topic.error_code == 0));
}

#[test]
fn records_that_are_rubbish_are_refused_one_by_one() {
    let broker = broker_with("t", 1);
    let mut client = Client::of(&broker);
    for seed in 0..200 {
        let mut records = batch(&["a", "b"], NOBODY).to_vec();
        let at = usize::try_from(seed).expect("a small number") % records.len();
        records[at] ^= 0x41;
        let refused = produce(&mut client, "t", 0, Bytes::from(records)).error_code;
        // Nobody looks at the leader epoch that a producer sends.
        assert_eq!(refused == 0, (12..16).contains(&at), "byte {at}");
    }
    assert_eq!(values(&fetch(&mut client, "t", 0, 0).records.expect("records")).len() % 2, 0);
}
