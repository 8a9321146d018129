use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", retry(backoff = "10s", max_backoff = "1s"))]
async fn bill() {}

fn main() {}
