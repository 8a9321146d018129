//! What a test says to a broker so that something goes wrong, and to see what clients do then.

use super::api_name::Api;
use super::builder::FaultBuilder;
use super::network::NetworkBuilder;
use crate::broker::{EmbeddedBroker, EmbeddedBrokerBuilder};
use crate::error::{Error, ErrorCode};
use crate::features::Change;
use crate::inspect::requests::RequestLog;

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

    /// Makes the way between the broker and its clients, or one of them, slow or dead, until the returned guard is dropped.
    ///
    /// ```
    /// use std::time::Duration;
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let far_away = broker.network().latency(Duration::from_millis(80));
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn network(&self) -> NetworkBuilder<'_> {
        NetworkBuilder::new(&self.cluster)
    }

    /// Sets the level of a feature, as `kafka-features upgrade` and `downgrade` do: with `transaction.version` 1 producers
    /// speak the protocol before KIP-890, with `group.version` 0 there are no consumer groups of KIP-848. Clients learn of it
    /// when they connect.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().start()?;
    /// broker.set_feature("transaction.version", 1)?;
    /// assert!(broker.set_feature("transaction.version", 9).is_err());
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such feature or level.
    pub fn set_feature(&self, name: &str, level: i16) -> Result<(), Error> {
        let is_less = level < self.cluster.features.level(name);
        let change = if is_less { Change::UnsafeDowngrade } else { Change::Upgrade };
        let updated = self.cluster.update_features(std::iter::once((name, level, Some(change))), false);
        updated.map_err(|why| Error::with_code(ErrorCode::InvalidUpdateVersion, why))
    }

    /// Keeps every request that comes from now on, as long as the returned value or a copy of it is there, to look at them,
    /// to count them and to wait for them.
    ///
    /// ```
    /// use embedded_broker::{Api, EmbeddedBroker};
    ///
    /// let broker = EmbeddedBroker::builder().topic("orders", 1).start()?;
    /// let requests = broker.requests();
    /// assert_eq!(requests.on(Api::Produce).count(), 0);
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn requests(&self) -> RequestLog {
        RequestLog::new(&self.cluster)
    }
}

impl EmbeddedBrokerBuilder {
    /// Serves a request in no version above this one, and tells clients so; above -1, not at all.
    ///
    /// ```
    /// use embedded_broker::{Api, EmbeddedBroker};
    ///
    /// // Fetch requests go by the names of topics, not by their ids.
    /// let broker = EmbeddedBroker::builder().version_ceiling(Api::Fetch, 12).start()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn version_ceiling(mut self, api: Api, version: i16) -> Self {
        self.version_ceilings.push((api, version));
        self
    }

    /// Passes for an older release of Kafka: serves no request and no version that it does not know, and tells of no features
    /// before 4.0. Known are 2.4, 2.8, 3.3, 3.6, 3.8, 3.9, 4.0 and 4.1. What 4.1 has given up (Produce below version 3, for
    /// example) does not come back.
    ///
    /// ```
    /// use embedded_broker::EmbeddedBroker;
    ///
    /// let broker = EmbeddedBroker::builder().be_kafka("2.8").start()?;
    /// # Ok::<(), embedded_broker::Error>(())
    /// ```
    pub fn be_kafka(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }

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
