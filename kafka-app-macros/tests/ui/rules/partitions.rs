use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders", from = "earliest")]
async fn of_a_group(_: String) {}

#[kafka_listener(topic = "orders", partitions = "0-5, 3-1", from = "first")]
async fn unreadable(_: String) {}

#[kafka_listener(topic_pattern = "orders-.*", partitions = "all", group_instance_id = "a", delivery = "exactly-once")]
async fn shared(_: String) {}

#[kafka_listener(topic = "orders", partitions = [-1])]
async fn negative(_: String) {}

fn main() {}
