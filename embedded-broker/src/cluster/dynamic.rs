//! Broker configs that take effect while the broker runs, and that are no topic's: looked up once at each change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::Cluster;
use crate::config::layers::BrokerLayers;
use crate::config::{server_names, topic_defs};
use crate::connections::{self, ConnectionLimits};
use crate::upkeep;

const VERIFY_PARTITIONS: &str = "transaction.partition.verification.enable";
const PRODUCER_EXPIRATION: &str = "producer.id.expiration.ms";
const CLEANER_BACKOFF: &str = "log.cleaner.backoff.ms";

/// Whether a config is taken up here.
pub(crate) fn is_ours(key: &str) -> bool {
    [VERIFY_PARTITIONS, PRODUCER_EXPIRATION, CLEANER_BACKOFF].contains(&key) || connections::limits::is_ours(key)
}

/// Whether anything here goes by a config that is set while the broker runs; DESIGN.md says why nothing goes by the others.
pub(super) fn has_effect(key: &str) -> bool {
    let is_of_store = server_names::of_listener(key).is_some_and(|config| config.starts_with("ssl."));
    is_ours(key) || topic_defs::logs_go_by(key) || (is_of_store && cfg!(feature = "tls"))
}

/// Their values; whoever reads one takes no lock.
#[derive(Debug, Default)]
pub(crate) struct DynamicSettings {
    verify_partitions: AtomicBool,
    producer_expiration_ms: AtomicU64,
    cleaner_backoff_ms: AtomicU64,
}

impl DynamicSettings {
    pub(super) fn new(layers: &BrokerLayers, node: i32) -> Self {
        let settings = Self::default();
        settings.take_up(layers, node);
        settings
    }

    /// Whether partitions ask the coordinator before a transaction begins in them, for clients that have to announce them.
    pub(crate) fn verify_partitions(&self) -> bool {
        self.verify_partitions.load(Ordering::Relaxed)
    }

    /// Partitions forget a producer that was silent for this long.
    pub(crate) fn producer_expiration(&self) -> Duration {
        Duration::from_millis(self.producer_expiration_ms.load(Ordering::Relaxed))
    }

    /// How long the cleaner rests when there is nothing to do.
    pub(crate) fn cleaner_backoff(&self) -> Duration {
        Duration::from_millis(self.cleaner_backoff_ms.load(Ordering::Relaxed))
    }

    /// Whether the cleaner rests for another time than before.
    fn take_up(&self, layers: &BrokerLayers, node: i32) -> bool {
        // Values were checked before they were taken, and each has a default.
        let said = |name| layers.value(node, name).ok().flatten().unwrap_or_default();
        let number = |name| said(name).parse().unwrap_or_default();
        self.verify_partitions.store(said(VERIFY_PARTITIONS) == "true", Ordering::Relaxed);
        self.producer_expiration_ms.store(number(PRODUCER_EXPIRATION), Ordering::Relaxed);
        let backoff_ms = number(CLEANER_BACKOFF);
        self.cleaner_backoff_ms.swap(backoff_ms, Ordering::Relaxed) != backoff_ms
    }
}

impl Cluster {
    /// Has everything that goes by the brokers' configs go by them as they are now.
    pub(super) fn take_up_configs(&self) {
        let (layers, node) = (self.broker_configs(), self.first_node());
        for (id, connections) in self.connections.iter() {
            connections.set_limits(self.connection_limits(&layers, id));
        }
        if self.dynamic.take_up(&layers, node) {
            // As Kafka, whose cleaner begins anew.
            upkeep::look_for_dirt(self);
        }
    }

    fn connection_limits(&self, layers: &BrokerLayers, node: i32) -> ConnectionLimits {
        let listeners = self.settings.security.listeners.iter().map(|listener| &listener.spec.name);
        ConnectionLimits::read(layers, node, listeners.collect::<Vec<&Arc<str>>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::broker_defs;
    use crate::config::def::Update;
    use crate::config::unlisted_defs;

    #[test]
    fn the_design_names_every_config_that_may_be_set_while_the_broker_runs_and_has_no_effect() {
        let design = include_str!("../../DESIGN.md");
        let unlisted = unlisted_defs::names().filter_map(unlisted_defs::find);
        let dynamic = broker_defs::ALL.iter().chain(unlisted).filter(|def| def.update != Update::ReadOnly);
        for def in dynamic.filter(|def| !has_effect(def.name)) {
            assert!(design.contains(&format!("`{}`", def.name)), "{}", def.name);
        }
        assert!(has_effect("log.retention.ms") && has_effect("listener.name.out.max.connections"));
        assert!(!has_effect("num.io.threads"));
    }
}
