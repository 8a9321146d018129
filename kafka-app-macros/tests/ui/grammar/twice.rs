use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", group = "a", group = "b", retry(attempts = 3, attempts = 4), topic = "returns")]
async fn bill() {}

fn main() {}
