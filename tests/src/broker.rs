//! [`TestBroker`]: the cluster a test runs on.

use std::hash::{BuildHasher, Hasher, RandomState};

use anyhow::Result;
use embedded_broker::EmbeddedBroker;

/// An embedded broker of the test's own, or the real cluster of `KAFKA_APP_TEST_BOOTSTRAP`.
#[derive(Debug)]
pub struct TestBroker {
    embedded: Option<EmbeddedBroker>,
    bootstrap_servers: String,
    suffix: String,
}

impl TestBroker {
    /// The broker of this run.
    ///
    /// # Errors
    /// If an embedded broker cannot be started.
    pub fn start() -> Result<Self> {
        Self::of_variable("KAFKA_APP_TEST_BOOTSTRAP")
    }

    /// Another cluster beside it: the real one of `KAFKA_APP_TEST_BOOTSTRAP_2`, else an embedded broker.
    ///
    /// # Errors
    /// If an embedded broker cannot be started.
    pub fn start_second() -> Result<Self> {
        Self::of_variable("KAFKA_APP_TEST_BOOTSTRAP_2")
    }

    fn of_variable(name: &str) -> Result<Self> {
        match std::env::var(name) {
            Ok(bootstrap_servers) => Ok(Self::at(&bootstrap_servers)),
            Err(_) => Self::embedded(&[]),
        }
    }

    /// An embedded broker with broker configs of Kafka's names, whatever the run uses: for what a shared cluster cannot be
    /// set to.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn embedded(configs: &[(&str, &str)]) -> Result<Self> {
        let builder =
            configs.iter().fold(EmbeddedBroker::builder(), |builder, (key, value)| builder.config(*key, *value));
        Ok(Self::of(builder.start()?))
    }

    /// A cluster of somebody else's.
    pub(crate) fn at(bootstrap_servers: &str) -> Self {
        Self { embedded: None, bootstrap_servers: bootstrap_servers.to_owned(), suffix: suffix() }
    }

    pub(crate) fn of(broker: EmbeddedBroker) -> Self {
        Self { bootstrap_servers: broker.bootstrap_servers().to_owned(), embedded: Some(broker), suffix: suffix() }
    }

    /// `host:port` of the cluster.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// A topic, group or listener name that no other test uses.
    #[must_use]
    pub fn name(&self, base: &str) -> String {
        format!("{base}-{}", self.suffix)
    }

    /// Whether this is an embedded broker.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// The embedded broker, for what only it can tell or do.
    #[must_use]
    pub fn as_embedded(&self) -> Option<&EmbeddedBroker> {
        self.embedded.as_ref()
    }

    /// Stops an embedded broker, for tests of what clients do without one.
    pub fn stop(&mut self) {
        self.embedded = None;
    }
}

/// Eight random letters and digits: the standard library seeds its hashers randomly.
fn suffix() -> String {
    format!("{:08x}", RandomState::new().build_hasher().finish() & 0xffff_ffff)
}
