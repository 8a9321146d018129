use kafka_app::{Ack, kafka_listener};

#[kafka_listener(topic = "orders")]
async fn without_mode(_ack: Ack) {}

#[kafka_listener(topic = "orders", ack = "record")]
async fn with_other_mode(_ack: kafka_app::Ack) {}

#[kafka_listener(topic = "orders", ack = "manual")]
async fn without_argument() {}

#[kafka_listener(topic = "orders", ack = "manual-immediate")]
async fn two(_ack: Ack, _other: Ack) {}

#[kafka_listener(topic = "orders", ack = "record", ack_time = "1s", ack_count = 5)]
async fn without_time() {}

#[kafka_listener(topic = "orders", ack_time = "1s", ack_count = 5)]
async fn without_count() {}

fn main() {}
