use kafka_app::kafka_listener;

#[kafka_listener]
async fn bare() {}

#[kafka_listener(group = "billing")]
async fn no_topic() {}

#[kafka_listener(topics = ["orders"], topic = "orders", topic_pattern = "orders-.*")]
async fn three() {}

fn main() {}
