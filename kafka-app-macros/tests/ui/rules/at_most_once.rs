use kafka_app::kafka_listener;

#[kafka_listener(
    topic = "orders",
    delivery = "at-most-once",
    ack = "count-time",
    ack_time = "1s",
    ack_count = 5,
    retry(attempts = 3),
    dead_letter = "orders-dlt"
)]
async fn bill() {}

fn main() {}
