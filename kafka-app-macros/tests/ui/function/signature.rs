use std::future::Future;

use kafka_app::kafka_listener;

#[kafka_listener(topic = "orders")]
async fn generic<T: Send>(_order: Option<T>) {}

#[kafka_listener(topic = "orders")]
async fn constant<const N: usize>() {}

#[kafka_listener(topic = "orders")]
async fn anything(_order: impl Send, _more: Option<impl Send>) {}

#[kafka_listener(topic = "orders")]
async unsafe fn dangerous() {}

#[kafka_listener(topic = "orders")]
extern "C" fn foreign() {}

#[kafka_listener(topic = "orders")]
async fn conditional(#[cfg(windows)] _text: String) {}

#[kafka_listener(topic = "orders")]
fn future() -> impl Future<Output = ()> {
    async {}
}

#[kafka_listener(topic = "orders")]
#[kafka_listener(topic = "returns")]
async fn twice() {}

fn main() {
    // The stand-ins are found.
    kafka_app::listeners![generic, constant, anything, dangerous, foreign, conditional, future, twice];
}
