use kafka_app::KafkaError;

#[derive(Debug, KafkaError)]
enum Billing {
    #[not_now]
    Busy,
    #[not_now()]
    Idle,
    #[not_now = "5s"]
    Away,
    #[not_now(pause = "5s")]
    Asleep,
    #[not_now(after = 5s)]
    Late,
    #[not_now(after = "0s")]
    Soon,
    #[not_now(after = a::b)]
    Limited { b: std::time::Duration },
    #[not_now(after = text)]
    Worded { text: String },
    #[not_now(after = missing)]
    Missing,
}

impl std::fmt::Display for Billing {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
impl std::error::Error for Billing {}

fn main() {}
