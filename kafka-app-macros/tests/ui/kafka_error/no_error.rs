use kafka_app::KafkaError;

#[derive(Debug, KafkaError)]
enum Billing {
    Busy,
}

fn main() {}
