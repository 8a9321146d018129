use kafka_app::kafka_listener;

#[kafka_listener(topic = "")]
async fn empty() {}

#[kafka_listener(topic = "two words", send_to = "orders.*", dead_letter = 5)]
async fn characters() -> String {
    String::new()
}

#[kafka_listener(topic = "..")]
async fn dots() {}

#[kafka_listener(
    topic = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
)]
async fn long() {}

#[kafka_listener(topic = ["orders"])]
async fn list() {}

#[kafka_listener(topics = "orders")]
async fn no_list() {}

#[kafka_listener(topics = [])]
async fn empty_list() {}

#[kafka_listener(topics = ["orders", "returns", "orders", 5])]
async fn repeated() {}

fn main() {}
