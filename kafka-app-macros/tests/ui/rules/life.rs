use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", until_end, retry_topics(attempts = 2))]
async fn retries(_: String) -> Result<(), std::io::Error> {
    Ok(())
}

#[kafka_listener(topic = "orders", until_end = "yes", start_after = "a b")]
async fn words(_: String) {}

fn main() {}
