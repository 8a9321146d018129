use kafka_app::kafka_listener;

struct Invoice;

#[kafka_listener(topic = "orders", send_to = "invoices")]
async fn no_payload() -> Invoice {
    Invoice
}

#[kafka_listener(topic = "orders")]
async fn no_error() -> Result<(), Invoice> {
    Ok(())
}

fn main() {}
