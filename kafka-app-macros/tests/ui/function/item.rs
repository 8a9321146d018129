use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders")]
struct Bill;

#[kafka_listener(topic = "orders")]
enum Bills {}

#[kafka_listener(topic = "orders")]
trait Billing {}

#[kafka_listener(topic = "orders")]
mod bills {}

#[kafka_listener(topic = "orders")]
impl Bill {}

#[kafka_listener(topic = "orders")]
const BILL: u8 = 0;

fn main() {}
