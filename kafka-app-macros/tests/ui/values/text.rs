use kafka_app::kafka_listener;

#[kafka_listener(topic_pattern = " ", group = "", id = "")]
async fn empty() {}

#[kafka_listener(topic_pattern = 5, group = 5, id = true)]
async fn no_text() {}

#[kafka_listener(topic = "orders", id = "a.b")]
async fn id_with_dot() {}

#[kafka_listener(topic = "orders", id = "${id}")]
async fn id_with_placeholder() {}

#[kafka_listener(topic = "orders", cluster = 5)]
async fn cluster_without_a_name() {}

#[kafka_listener(topic = "orders", cluster = "")]
async fn cluster_with_an_empty_name() {}

fn main() {}
