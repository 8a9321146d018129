use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", dead_letter_brake(share = "half", within = "10ms", at_least = 0))]
async fn bill() {}

#[kafka_listener(topic = "orders", dead_letter_brake(share = 1))]
async fn ship() {}

#[kafka_listener(topic = "orders", dead_letter_brake(share = "100%"))]
async fn pack() {}

#[kafka_listener(topic = "orders", dead_letter_brake = "50%", delivery = "at-most-once")]
async fn post() {}

#[kafka_listener(topic = "orders", dead_letter_brake(share = "12.5 %"), dead_letter = "orders-dlt")]
async fn stop() {}

fn main() {}
