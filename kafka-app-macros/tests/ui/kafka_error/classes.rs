use kafka_app::KafkaError;

#[derive(Debug, KafkaError)]
#[skip]
#[skip]
enum Billing {
    #[retry]
    #[stop]
    Busy,
    #[dead_letter("orders-dlt")]
    NoCustomer(#[skip] u8),
    #[stop = 5]
    #[kafka_error(stop)]
    Credentials { #[kafka_error(skip)] code: u8 },
}

#[derive(Debug, KafkaError)]
#[kafka_error(stop, krate = other)]
#[kafka_error]
struct Whole;

impl std::fmt::Display for Billing {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
impl std::error::Error for Billing {}

impl std::fmt::Display for Whole {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
impl std::error::Error for Whole {}

fn main() {}
