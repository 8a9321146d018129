use kafka_app::KafkaError;

#[derive(Debug, KafkaError)]
enum Billing {
    #[dead_letter(topic = "two words")]
    A,
    #[dead_letter(topic = "${fraud}")]
    B,
    #[dead_letter(suffix = "-fraud")]
    C,
    #[retry(attempts = 3)]
    D,
    #[retry(dead_letter = "*-fraud")]
    E,
    #[skip(topic = "fraud")]
    F,
}

impl std::fmt::Display for Billing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Billing {}

fn main() {}
