use kafka_app::{dlt_handler, kafka_listener};

#[dlt_handler]
async fn whose() {}

#[dlt_handler(of = "bill", topic = "orders-dlt")]
async fn both() {}

#[dlt_handler(of = "bill", on_failure = "fail", retry_topics)]
async fn retried() {}

#[dlt_handler(of = "bill", on_failure = "skip", dead_letter = "parked")]
async fn twice() {}

#[kafka_listener(topic = "orders", on_failure = "skip")]
async fn none() {}

#[kafka_listener(topic = "orders", of = "bill", dead_letter = "*")]
async fn of() {}

fn main() {}
