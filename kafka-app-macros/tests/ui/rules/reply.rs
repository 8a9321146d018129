use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", reply)]
async fn nothing() {}

#[kafka_listener(topic = "orders", reply)]
async fn nothing_or_error() -> Result<(), String> {
    Ok(())
}

#[kafka_listener(topic = "orders", reply, send_to = "invoices")]
async fn two_ways() -> String {
    String::new()
}

#[kafka_listener(topic = "orders", reply_topic = "invoices")]
async fn from_spring() -> String {
    String::new()
}

fn main() {}
