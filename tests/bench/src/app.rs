//! The measured clients of kafka-app, as its documentation would have them.

use std::{collections::VecDeque, hint::black_box};

use anyhow::Result;
use kafka_app::{Json, KafkaApp, kafka_listener, listeners};

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

/// A pipeline with as many records in a transaction at most; at least once without.
#[tokio::main(worker_threads = 2)]
pub(crate) async fn pipeline(args: &RunArgs, n_transaction: Option<u32>, target: &str) -> Result<Measured> {
    expect(args.records);
    let listeners = if n_transaction.is_some() { listeners![copy] } else { listeners![forward] };
    let listeners = listeners.into_iter().map(|listener| {
        let listener = listener.topics([args.topic.clone()]).group(fresh_group()).send_to(target);
        match n_transaction {
            Some(n_records) => listener.transaction_max_records(n_records),
            None => listener,
        }
    });
    let app = KafkaApp::new(&args.bootstrap_server)
        .set("kafka.consumer.auto-offset-reset", "earliest")
        .listeners(listeners)
        .start()
        .await?;
    all_counted().await;
    app.stop().await.expect_clean();
    counted()
}

#[tokio::main(worker_threads = 2)]
pub(crate) async fn listen(args: &RunArgs, is_json: bool) -> Result<Measured> {
    expect(args.records);
    let listeners = if is_json { listeners![json] } else { listeners![no_op] };
    let listeners = listeners.into_iter().map(|l| l.topics([args.topic.clone()]).group(fresh_group()));
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
