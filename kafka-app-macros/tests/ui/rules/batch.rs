use kafka_app::{Batch, Text, kafka_listener};

#[kafka_listener(topic = "orders", batch(max_records = 10))]
async fn one_record(_text: Text) {}

#[kafka_listener(topic = "orders")]
async fn two_batches(_some: Batch<Text>, _more: Batch<Text>) {}

fn main() {}
