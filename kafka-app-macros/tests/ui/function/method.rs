use kafka_app::kafka_listener;

struct Billing;

impl Billing {
    #[kafka_listener(topic = "orders")]
    async fn bill(&self) {}
}

#[kafka_listener(topic = "orders")]
async fn own(_me: Option<Self>) {}

fn main() {}
