use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", filter = "is_large")]
async fn filter_in_quotes() {}

#[kafka_listener(topic = "orders", filter = |record| true)]
async fn filter_closure() {}

#[kafka_listener(topic = "orders", crate = "kafka_app")]
async fn crate_in_quotes() {}

fn main() {}
