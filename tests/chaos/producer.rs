//! The input: numbered records at a steady rate, and which of them the broker acknowledged.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord, Producer},
};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::numbers::Number;

/// Sends records until told to end, and waits for every answer. What was not acknowledged may have arrived; it is left out.
pub(crate) async fn run(
    servers: String,
    topic: String,
    rate: u32,
    mut end: watch::Receiver<bool>,
    n_acknowledged: watch::Sender<usize>,
) -> Result<BTreeSet<Number>> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &servers)
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random")
        .set("delivery.timeout.ms", "600000")
        .set("linger.ms", "50") // With less it spins while the broker is slow: `docs/librdkafka.md`.
        .create()?;
    let (mut acknowledged, mut under_way) = (BTreeSet::new(), JoinSet::new());
    let began = Instant::now();
    let mut n = 0_u64;
    while !*end.borrow() {
        let number = Number::nth(n);
        let (key, payload) = (number.key.to_string(), number.to_string());
        match producer.send_result(FutureRecord::to(&topic).key(&key).payload(&payload)) {
            Ok(answer) => {
                under_way.spawn(async move { answer.await.is_ok_and(|answer| answer.is_ok()).then_some(number) });
                n += 1;
            }
            Err(_) => acknowledged.extend(under_way.join_next().await.and_then(Result::ok).flatten()), // The queue is full.
        }
        while let Some(answer) = under_way.try_join_next() {
            acknowledged.extend(answer?);
        }
        n_acknowledged.send_replace(acknowledged.len());
        let due = began + Duration::from_secs(n) / rate.max(1);
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            _ = end.wait_for(|end| *end) => {}
        }
    }
    while let Some(answer) = under_way.join_next().await {
        acknowledged.extend(answer?);
        n_acknowledged.send_replace(acknowledged.len());
    }
    producer.flush(Duration::from_secs(1))?;
    Ok(acknowledged)
}
