use kafka_app::{Ack, kafka_listener};

#[kafka_listener(
    topic = "orders",
    delivery = "exactly-once",
    ack = "count-time",
    ack_time = "1s",
    ack_count = 5,
    send_to = "invoices"
)]
async fn bill(_ack: Ack) -> String {
    String::new()
}

fn main() {}
