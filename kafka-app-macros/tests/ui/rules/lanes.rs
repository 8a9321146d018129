use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", workers = 8)]
async fn by_default() {}

#[kafka_listener(topic = "orders", workers = 8, ordering = "partition")]
async fn by_partition() {}

fn main() {}
