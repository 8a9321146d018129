use kafka_app::{Batch, Text, kafka_listener};

struct Order;

#[kafka_listener(topic = "orders")]
async fn no_extractor(_order: Order, _text: Text) {}

#[kafka_listener(topic = "orders")]
async fn no_extractor_inside(_orders: Batch<Order>) {}

#[kafka_listener(topic = "orders")]
async fn beside_a_batch(_orders: Batch<Text>, _text: Text) {}

fn main() {}
