//! Subscribers that do nothing but count, one record at a time, acknowledged after their handler.

use std::hint::black_box;

use anyhow::Result;
use ruststream_rdkafka::prelude::*;

use crate::{
    alike::{CONSUMER, fresh_group},
    count::{all_counted, count, counted, expect},
    order::Order,
    protocol::{Measured, RunArgs},
};

/// The payload where librdkafka put it: no codec, no copy.
#[derive(Deserialized)]
struct Frame<'a>(&'a [u8]);

#[subscriber("bench")]
async fn count_frame(frame: &Frame<'_>) -> HandlerOutcome {
    black_box(frame.0);
    count();
    HandlerOutcome::ack()
}

#[subscriber("bench")]
async fn count_order(order: &Order) -> HandlerOutcome {
    black_box(order);
    count();
    HandlerOutcome::ack()
}

#[tokio::main(worker_threads = 2)]
pub(crate) async fn bytes(args: &RunArgs) -> Result<Measured> {
    run(
        args,
        RustStream::new(info()).with_broker(broker(args), |b| {
            b.include(count_frame.map_source(|_| source(args)));
        }),
    )
    .await
}

#[tokio::main(worker_threads = 2)]
pub(crate) async fn json(args: &RunArgs) -> Result<Measured> {
    run(
        args,
        RustStream::new(info()).with_broker(broker(args), |b| {
            b.include(count_order.map_source(|_| source(args)));
        }),
    )
    .await
}

fn info() -> AppInfo {
    AppInfo::new("bench", "0.1.0")
}

fn broker(args: &RunArgs) -> KafkaBroker {
    KafkaBroker::new([args.bootstrap_server.as_str()])
}

/// At least once: what a handler acknowledged is stored, up to the first record that none has, and librdkafka's auto
/// commit sends it. `Commit::Auto`, the default, would store what no handler has seen yet.
fn source(args: &RunArgs) -> KafkaTopic {
    let topic = KafkaTopic::new(args.topic.as_str()).group(fresh_group()).commit(Commit::Tracked);
    CONSUMER.iter().fold(topic, |topic, (key, value)| topic.config(*key, *value))
}

async fn run(args: &RunArgs, app: impl App) -> Result<Measured> {
    expect(args.records);
    let running = app.start().await?;
    all_counted().await;
    running.shutdown().await?;
    counted()
}
