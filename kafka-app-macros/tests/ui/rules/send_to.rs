use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", send_to = "invoices")]
async fn nothing() {}

#[kafka_listener(topic = "orders", send_to = "invoices")]
async fn nothing_or_error() -> Result<(), String> {
    Ok(())
}

fn main() {}
