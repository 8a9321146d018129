use kafka_app::kafka_listener;

#[kafka_listener(
    topic = "orders",
    delivery = "at least once",
    ack = "MANUAL_IMMEDIATE",
    ordering = "keys",
    on_revoke = "explode"
)]
async fn spelling() {}

#[kafka_listener(topic = "orders", delivery = true, ack = manual, auto_start = "no")]
async fn kinds() {}

fn main() {}
