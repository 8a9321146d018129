use kafka_app::kafka_listener;

#[kafka_listener(topic_pattern = "orders-.*", retry_topics)]
async fn by_pattern() {}

#[kafka_listener(topic = "orders", retry_topics(attempts = 1))]
async fn once() {}

#[kafka_listener(topic = "orders", retry_topics(backoff = "10s", max_backoff = "1s"))]
async fn shrinking() {}

#[kafka_listener(topic = "orders", retry_topics(multiplier = 2.0, topics = "single"))]
async fn single() {}

#[kafka_listener(topic = "orders", delivery = "at-most-once", retry_topics(attempts = 3))]
async fn at_most_once() {}

#[kafka_listener(topic = "orders", retry_topics(atempts = 3, backOff = "1s", topics = "one", jitter = 2.0))]
async fn misspelt() {}

#[kafka_listener(topic = "orders", retry_topics = 3)]
async fn value() {}

fn main() {}
