//! The measured clients of kafka-app, as its documentation would have them.

use std::{
    collections::VecDeque,
    hint::black_box,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use kafka_app::{Json, KafkaApp, kafka_listener, listeners};
use tokio::sync::Notify;

use crate::{
    clients::fresh_group,
    order::{Order, PAYLOAD, key},
    process::{ClientArgs, Measured, Stopwatch},
};

static N_HANDLED: AtomicU64 = AtomicU64::new(0);
static N_EXPECTED: AtomicU64 = AtomicU64::new(0);
static STARTED: OnceLock<Stopwatch> = OnceLock::new();
static ENDED: OnceLock<Measured> = OnceLock::new();
static DONE: Notify = Notify::const_new();

/// Both listeners count: that is how the end is known.
fn count() {
    let n_before = N_HANDLED.fetch_add(1, Ordering::Relaxed);
    if n_before == 0 {
        let _ = STARTED.set(Stopwatch::start());
    }
    if n_before + 1 == N_EXPECTED.load(Ordering::Relaxed)
        && let Some(watch) = STARTED.get()
    {
        let _ = ENDED.set(watch.stop(n_before + 1));
        DONE.notify_one();
    }
}

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

/// A pipeline with as many records in a transaction at most.
#[tokio::main(worker_threads = 2)]
pub(crate) async fn pipeline(args: &ClientArgs, n_transaction: u32, target: &str) -> Result<Measured> {
    N_EXPECTED.store(args.records, Ordering::Relaxed);
    let listeners = listeners![copy].into_iter().map(|listener| {
        let listener = listener.topics([args.topic.clone()]).group(fresh_group()).send_to(target);
        listener.transaction_max_records(n_transaction)
    });
    let app = KafkaApp::new(&args.bootstrap_server).listeners(listeners).start().await?;
    DONE.notified().await;
    app.stop().await.expect_clean();
    let Measured { n_records, wall_s, cpu_s } = ENDED.get().context("the last record was not timed")?;
    Ok(Measured { n_records: *n_records, wall_s: *wall_s, cpu_s: *cpu_s })
}

#[tokio::main(worker_threads = 2)]
pub(crate) async fn listen(args: &ClientArgs, is_json: bool) -> Result<Measured> {
    N_EXPECTED.store(args.records, Ordering::Relaxed);
    let listeners = if is_json { listeners![json] } else { listeners![no_op] };
    let listeners = listeners.into_iter().map(|l| l.topics([args.topic.clone()]).group(fresh_group()));
    let app = KafkaApp::new(&args.bootstrap_server)
        .set("kafka.consumer.auto-offset-reset", "earliest")
        .listeners(listeners)
        .start()
        .await?;
    DONE.notified().await;
    app.stop().await.expect_clean();
    let Measured { n_records, wall_s, cpu_s } = ENDED.get().context("the last record was not timed")?;
    Ok(Measured { n_records: *n_records, wall_s: *wall_s, cpu_s: *cpu_s })
}

/// `send_all` of a million records at most.
#[tokio::main(worker_threads = 2)]
pub(crate) async fn send_all(args: &ClientArgs) -> Result<Measured> {
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
pub(crate) async fn send(args: &ClientArgs, n_in_flight: usize) -> Result<Measured> {
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
