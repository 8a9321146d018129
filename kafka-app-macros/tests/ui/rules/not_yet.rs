use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", retry_topics(attempts = 4, backoff = "1s"))]
async fn bill() {}

fn main() {}
