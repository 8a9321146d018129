use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", timeout = 5, ack_time = "1 fortnight", retry(backoff = "soon", max_backoff = "0s"))]
async fn bill() {}

#[kafka_listener(topic = "orders", timeout = "0s", ack_time = LATER)]
async fn never() {}

fn main() {}
