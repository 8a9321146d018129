use kafka_app::kafka_listener;

#[kafka_listener(
    topic = "orders",
    properties("" = "a", "client.id" = "a", "client.id" = "b", "fetch.min.bytes" = 1.5, fetch_max_bytes = 5)
)]
async fn bill() {}

#[kafka_listener(topic = "orders", properties())]
async fn none() {}

fn main() {}
