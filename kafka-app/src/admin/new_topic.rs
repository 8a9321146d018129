//! [`NewTopic`]: a topic that is to be.

use std::collections::BTreeMap;

/// A topic the application needs: created at start if it is missing, given more partitions if it has fewer.
///
/// Partitions are never taken away. Configs of a topic that exists are compared and reported, and changed only with
/// `kafka.admin.modify-topic-configs`.
///
/// ```
/// use kafka_app::NewTopic;
///
/// let orders = NewTopic::new("orders").partitions(12).replicas(3).config("retention.ms", 604_800_000);
/// assert_eq!(orders.name(), "orders");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it is declared with KafkaApp::topics"]
pub struct NewTopic {
    name: String,
    cluster: Option<String>,
    n_partitions: Option<u32>,
    n_replicas: Option<u16>,
    configs: BTreeMap<String, String>,
}

impl NewTopic {
    /// A topic with the broker's default number of partitions and replicas.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cluster: None, n_partitions: None, n_replicas: None, configs: BTreeMap::new() }
    }

    /// On this cluster of `kafka.clusters`; default is that of `kafka.*` itself.
    pub fn on_cluster(self, name: impl Into<String>) -> Self {
        Self { cluster: Some(name.into()), ..self }
    }

    /// At least this many partitions; default is the broker's `num.partitions`.
    pub fn partitions(self, n_partitions: u32) -> Self {
        Self { n_partitions: Some(n_partitions), ..self }
    }

    /// This many replicas when it is created; default is the broker's `default.replication.factor`.
    pub fn replicas(self, n_replicas: u16) -> Self {
        Self { n_replicas: Some(n_replicas), ..self }
    }

    /// With a topic config, by Kafka's name: `retention.ms`, `cleanup.policy`, …
    #[expect(clippy::needless_pass_by_value, reason = "numbers and literals read best by value")]
    pub fn config(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.configs.insert(key.into(), value.to_string());
        self
    }

    /// Keeps the last record of each key (`cleanup.policy=compact`).
    pub fn compact(self) -> Self {
        self.config("cleanup.policy", "compact")
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    pub(crate) fn n_partitions(&self) -> Option<u32> {
        self.n_partitions
    }

    pub(crate) fn n_replicas(&self) -> Option<u16> {
        self.n_replicas
    }

    pub(crate) fn configs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.configs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}
