use kafka_app::kafka_listener;

#[kafka_listener("orders")]
async fn no_name() {}

#[kafka_listener(topic = "orders" group = "g"; id = "other" 5)]
async fn no_commas() {}

#[kafka_listener(topic = , group, 5, retry = 3, batch, properties("a", b = "c", "d" = ), timeout())]
async fn no_values() {}

#[kafka_listener(topic = "orders", group = )]
async fn cut_short() {}

#[kafka_listener(topic = fn, id = "other")]
async fn no_expression() {}

fn main() {}
