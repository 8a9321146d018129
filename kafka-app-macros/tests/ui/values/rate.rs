use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", rate_limit = 100)]
async fn a_number() {}

#[kafka_listener(topic = "orders", rate_limit = "100")]
async fn no_time() {}

#[kafka_listener(topic = "orders", rate_limit = "100/parsec")]
async fn no_unit_of_time() {}

#[kafka_listener(topic = "orders", rate_limit = "0/s")]
async fn nothing() {}

fn main() {}
