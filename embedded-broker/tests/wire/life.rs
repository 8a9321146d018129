//! Start and stop, and how fast.

use std::time::{Duration, Instant};

use embedded_broker::EmbeddedBroker;
use uuid::Uuid;

use crate::client::Client;
use crate::records::*;

#[test]
fn connections_close_when_the_broker_stops_even_those_that_wait() {
    let broker = broker_with("t", 1);
    let idle = Client::of(&broker);
    let mut waiting = Client::of(&broker);
    waiting.send(12, &fetch_request("t", Uuid::nil(), 12, &[(0, 0)]).with_max_wait_ms(600_000));
    let begun = Instant::now();
    broker.stop();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(idle.is_closed());
    assert!(waiting.is_closed());
}

#[test]
fn a_port_can_be_taken_again_after_a_stop() {
    let first = broker_with("t", 1);
    let address = first.bootstrap_servers().to_owned();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let taken = EmbeddedBroker::builder().port(port).start().unwrap_err().to_string();
    assert!(taken.starts_with(&format!("cannot listen on 127.0.0.1:{port}")), "{taken}");
    first.stop();
    let second = EmbeddedBroker::builder().port(port).start().unwrap();
    assert_eq!(second.bootstrap_servers(), address);
}

#[test]
fn start_to_first_acknowledged_record_takes_milliseconds() {
    let records = batch(&["first"], NOBODY);
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let begun = Instant::now();
            let broker = broker_with("t", 1);
            assert_eq!(produce(&mut Client::of(&broker), "t", 0, records.clone()).error_code, 0);
            begun.elapsed()
        })
        .collect();
    times.sort();
    println!("start to first acknowledged record: median {:?}, all {times:?}", times[4]);
    // 5 ms is the budget; this leaves room for an unoptimised build on a busy machine.
    assert!(times[4] < Duration::from_millis(100), "median {:?}", times[4]);
}

#[test]
fn many_brokers_run_side_by_side() {
    let brokers: Vec<_> = (0..10).map(|_| broker_with("t", 1)).collect();
    for (n, broker) in brokers.iter().enumerate() {
        for _ in 0..n {
            produce(&mut Client::of(broker), "t", 0, batch(&["v"], NOBODY));
        }
    }
    for (n, broker) in (0..).zip(&brokers) {
        assert_eq!(broker.topic("t").end_offsets().unwrap(), [n]);
    }
}
