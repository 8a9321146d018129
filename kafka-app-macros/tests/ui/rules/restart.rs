use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", restart(backoff = "1s"))]
async fn how_often(_: String) {}

#[kafka_listener(topic = "orders", restart(attempts = 0, backoff = "2s", max_backoff = "1s"))]
async fn shrinks(_: String) {}

#[kafka_listener(topic = "orders", group_instance_id = "", restart(attempts = 5, delay = "1s"))]
async fn nobody(_: String) {}

fn main() {}
