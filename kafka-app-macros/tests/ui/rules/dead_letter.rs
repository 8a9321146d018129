use kafka_app::kafka_listener;

#[kafka_listener(topics = ["orders", "returns"], dead_letter = "returns")]
async fn bill() {}

fn main() {}
