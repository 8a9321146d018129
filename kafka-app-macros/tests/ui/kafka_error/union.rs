use kafka_app::KafkaError;

#[derive(KafkaError)]
union Either {
    _one: u8,
    _other: i8,
}

fn main() {}
