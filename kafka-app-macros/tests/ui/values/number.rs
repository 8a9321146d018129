use kafka_app::{Batch, Text, kafka_listener};

#[kafka_listener(
    topic = "orders",
    concurrency = 0,
    workers = 4294967296,
    ordering = "key",
    ack = "count",
    ack_count = "5",
    retry(attempts = 0, multiplier = 0.5, jitter = 1.5)
)]
async fn bill() {}

#[kafka_listener(topic = "orders", concurrency = -1, retry(attempts = 1.5, multiplier = "2", jitter = -0.1))]
async fn signs() {}

#[kafka_listener(topic = "orders", batch(max_records = 0, max_bytes = 0))]
async fn none(_batch: Batch<Text>) {}

#[kafka_listener(topic = "orders", batch(max_bytes = "1 apple"))]
async fn apples(_batch: Batch<Text>) {}

#[kafka_listener(topic = "orders", batch(max_bytes = true))]
async fn no_size(_batch: Batch<Text>) {}

fn main() {}
