//! Tests of what a real Kafka was seen to do run against the embedded broker always, and against a real one as well when
//! `KAFKA_APP_TEST_BOOTSTRAP` names it (`tests/apache-kafka/kafka start` runs one).

use std::sync::{Mutex, MutexGuard, PoisonError};

use embedded_broker::{EmbeddedBroker, EmbeddedBrokerBuilder};

use crate::client::Client;

/// Runs a test against the embedded broker, and against a real one if there is one.
pub(crate) fn on_each_broker(test: impl Fn(&mut Client)) {
    on_each_broker_of(EmbeddedBroker::builder(), test);
}

/// As [`on_each_broker`], with an embedded broker that is set up for the test.
#[expect(clippy::print_stdout, reason = "a failed test shows which broker it was")]
pub(crate) fn on_each_broker_of(embedded: EmbeddedBrokerBuilder, test: impl Fn(&mut Client)) {
    let broker = embedded.start().expect("the broker starts");
    test(&mut Client::of(&broker));
    if let Some(first) = first_real_broker() {
        println!("the embedded broker passed; against the real one at {first}:");
        test(&mut Client::connect(&first));
    }
}

/// Where a real broker can be reached, if there is one.
pub(crate) fn first_real_broker() -> Option<String> {
    let real = std::env::var("KAFKA_APP_TEST_BOOTSTRAP").unwrap_or_default();
    real.split(',').next().filter(|address| !address.is_empty()).map(str::to_owned)
}

/// A name nobody else uses, since a real broker keeps what other tests made.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", uuid::Uuid::new_v4().simple())
}

/// Held by tests that change subscriptions to clients' metrics, and by those that see such a change: a broker judges every
/// client anew after one, and forgets when it last pushed.
pub(crate) fn alone_with_subscriptions() -> MutexGuard<'static, ()> {
    static SUBSCRIPTIONS: Mutex<()> = Mutex::new(());
    SUBSCRIPTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}
