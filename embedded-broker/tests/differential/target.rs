//! A broker that sequences are sent to.

use embedded_broker::EmbeddedBroker;

use crate::client::Client;

/// The broker, kept alive while it is used.
#[derive(Debug)]
pub(crate) struct Target {
    address: String,
    _broker: Option<EmbeddedBroker>,
}

impl Target {
    /// A fresh embedded broker.
    pub(crate) fn embedded() -> Self {
        let broker = EmbeddedBroker::builder().start().expect("the broker starts");
        Self { address: broker.bootstrap_servers().to_owned(), _broker: Some(broker) }
    }

    pub(crate) fn real(address: &str) -> Self {
        Self { address: address.to_owned(), _broker: None }
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(&self.address)
    }
}

/// The address of a real broker, if there is one.
pub(crate) fn real() -> Option<String> {
    let addresses = std::env::var("KAFKA_APP_TEST_BOOTSTRAP").unwrap_or_default();
    addresses.split(',').next().filter(|first| !first.is_empty()).map(str::to_owned)
}
