use kafka_app::kafka_listener;

#[kafka_listener(tpoic = "orders", grop = "g", colour = "red", batch(max_bites = 1), retry(atempts = 3))]
async fn bill() {}

fn main() {}
