//! The measured clients of kafka-app, as its documentation would have them.

use std::{collections::VecDeque, hint::black_box};

use anyhow::Result;
use kafka_app::{Json, KafkaApp, Listener, Ordering, kafka_listener, listeners};

use crate::{
    alike::fresh_group,
    count::{all_counted, count, counted, expect},
    order::{Order, PAYLOAD, key},
    protocol::{Measured, RunArgs, Stopwatch},
};

#[kafka_listener(topic = "bench", group = "bench")]
async fn no_op(payload: &[u8]) {
    black_box(payload);
    count();
}

#[kafka_listener(topic = "bench", group = "bench")]
async fn json(Json(order): Json<Order>) {
    black_box(order);
    count();
}

#[kafka_listener(topic = "bench", group = "bench", delivery = "exactly-once")]
async fn copy(payload: bytes::Bytes) -> bytes::Bytes {
    count();
    payload
}

#[kafka_listener(topic = "bench", group = "bench", delivery = "at-least-once")]
async fn forward(payload: bytes::Bytes) -> bytes::Bytes {
    count();
    payload
}

/// A pipeline with as many records in a transaction at most.
pub(crate) fn exactly_once(args: &RunArgs, n_transaction: u32, target: &str) -> Result<Measured> {
    run(args, listeners![copy], |listener| listener.send_to(target).transaction_max_records(n_transaction))
}

pub(crate) fn at_least_once(args: &RunArgs, ordering: Ordering, target: &str) -> Result<Measured> {
    run(args, listeners![forward], |listener| listener.send_to(target).ordering(ordering))
}

/// What a listener does with its records.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Handler {
    NoOp,
    Json,
}

pub(crate) fn listen(args: &RunArgs, handler: Handler, ordering: Ordering) -> Result<Measured> {
    let listeners = match handler {
        Handler::NoOp => listeners![no_op],
        Handler::Json => listeners![json],
    };
    run(args, listeners, |listener| listener.ordering(ordering))
}

#[tokio::main(worker_threads = 2)]
async fn run(args: &RunArgs, listeners: Vec<Listener>, with: impl Fn(Listener) -> Listener) -> Result<Measured> {
    expect(args.records);
    let listeners = listeners.into_iter().map(|l| with(l.topics([args.topic.clone()]).group(fresh_group())));
    let app = KafkaApp::new(&args.bootstrap_server)
        .set("kafka.consumer.auto-offset-reset", "earliest")
        .listeners(listeners)
        .start()
        .await?;
    all_counted().await;
    app.stop().await.expect_clean();
    counted()
}

/// `send_all` of a million records at most.
#[tokio::main(worker_threads = 2)]
pub(crate) async fn send_all(args: &RunArgs) -> Result<Measured> {
    let app = KafkaApp::new(&args.bootstrap_server).start().await?;
    let template = app.template::<[u8], [u8]>();
    template.send(&args.topic, &key(0)[..], &PAYLOAD).await?;
    let watch = Stopwatch::start();
    let keys: Vec<[u8; 8]> = (0..args.records).map(key).collect();
    let sent = template.send_all(&args.topic, keys.iter().map(|key| (&key[..], &PAYLOAD[..]))).await?;
    let measured = watch.stop(u64::try_from(sent.len())?);
    app.stop().await.expect_clean();
    Ok(measured)
}

/// `enqueue`, with many acknowledgments awaited later.
#[tokio::main(worker_threads = 2)]
pub(crate) async fn send(args: &RunArgs, n_in_flight: usize) -> Result<Measured> {
    let app = KafkaApp::new(&args.bootstrap_server).start().await?;
    let template = app.template::<[u8], [u8]>();
    template.send(&args.topic, &key(0)[..], &PAYLOAD).await?;
    let watch = Stopwatch::start();
    let mut pending = VecDeque::with_capacity(n_in_flight);
    for i in 0..args.records {
        if pending.len() == n_in_flight
            && let Some(oldest) = pending.pop_front()
        {
            oldest.await?;
        }
        pending.push_back(template.enqueue(&args.topic, &key(i)[..], &PAYLOAD).await?);
    }
    for oldest in pending {
        oldest.await?;
    }
    let measured = watch.stop(args.records);
    app.stop().await.expect_clean();
    Ok(measured)
}
