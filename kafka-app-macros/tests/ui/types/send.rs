use std::rc::Rc;

use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders")]
async fn not_send() {
    let shared = Rc::new(5);
    std::future::ready(()).await;
    drop(shared);
}

fn main() {}
