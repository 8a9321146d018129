use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", circuit_breaker(pause = "10s", max_pause = "1s"))]
async fn bill() {}

#[kafka_listener(topic = "orders", circuit_breaker(failures = 0, wait_duration_in_open_state = "1s", probe = 3))]
async fn ship() {}

fn main() {}
