use kafka_app::{RawRecord, kafka_listener};

const TOPIC: u32 = 5;
const GROUP: u32 = 5;

fn is_large(_record: &RawRecord) -> u32 {
    0
}

#[kafka_listener(topic = TOPIC, group = GROUP, filter = is_large)]
async fn bill() {}

fn main() {}
