//! What a test says to a broker so that something goes wrong.

use super::builder::FaultBuilder;
use crate::broker::{EmbeddedBroker, EmbeddedBrokerBuilder};

impl EmbeddedBroker {
    /// Makes something go wrong: say which requests it is for, and then what happens to them. The fault ends when the
    /// returned guard is dropped.
    ///
    /// ```
    /// use embedded_broker::{Api, EmbeddedBroker};
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// // The broker writes the records of the next produce request, but its client never hears of it.
    /// let lost = broker.fault().on(Api::Produce).times(1).disconnect_after();
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn fault(&self) -> FaultBuilder<'_> {
        FaultBuilder::new(&self.cluster)
    }
}

impl EmbeddedBrokerBuilder {
    /// Draws the faults that happen [by chance](FaultBuilder::probability) from this seed instead of from 0.
    ///
    /// ```
    /// use embedded_broker::{Api, EmbeddedBroker};
    ///
    /// let broker = EmbeddedBroker::builder().fault_seed(4711).start()?;
    /// let unreliable = broker.fault().on(Api::Fetch).probability(0.05).disconnect_before();
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn fault_seed(mut self, seed: u64) -> Self {
        self.fault_seed = seed;
        self
    }
}
