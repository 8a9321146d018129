//! Changes of configs that clients ask for. Each is checked whole, then takes effect whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::stores::NewStores;
use super::{Cluster, dynamic};
use crate::config::alter::{self, broker::Scope};
use crate::config::layers::{BrokerLayers, Configs};
use crate::config::topic_config;
use crate::error::{Error, ErrorCode};
use crate::features::ELIGIBLE_LEADER_REPLICAS;
use crate::log::LogConfig;
use crate::state::StateRecord;
use crate::topic::{Topic, Topics, check_name};

impl Cluster {
    /// What was said about the brokers' configs, as it is now.
    pub(crate) fn broker_configs(&self) -> Arc<BrokerLayers> {
        Arc::clone(&self.configs.read())
    }

    /// What the logs of a topic with these configs act on.
    pub(crate) fn log_config(&self, configs: &Configs) -> Result<Arc<LogConfig>, Error> {
        topic_config::log_config(&self.broker_configs(), self.first_node(), configs).map(Arc::new)
    }

    /// The ids of all nodes.
    pub(crate) fn node_ids(&self) -> Vec<i32> {
        self.nodes().iter().map(|node| node.id).collect()
    }

    /// Where a node keeps its log: its data directory; in memory, what its configs say, the first directory if there are
    /// several.
    pub(crate) fn log_dir(&self, node: i32) -> String {
        if let Some(dir) = self.data_dir_of(node) {
            return dir.to_string_lossy().into_owned();
        }
        let layers = self.broker_configs();
        let dirs = ["log.dirs", "log.dir"].iter().find_map(|name| layers.value(node, name).ok().flatten());
        dirs.as_deref().and_then(|dirs| dirs.split(',').next()).unwrap_or_default().trim().to_owned()
    }

    /// Whether a broker may have a `min.insync.replicas` of its own.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG`, with Kafka's words, while eligible leader replicas are tracked.
    pub(crate) fn check_own_min_insync_replicas(&self) -> Result<(), Error> {
        if self.features.level(ELIGIBLE_LEADER_REPLICAS) > 0 {
            return Err(alter::broker::own_min_insync_replicas());
        }
        Ok(())
    }

    /// Changes the configs of a topic of a picture by `change`, which is given the present ones; only looks when
    /// `validate_only`.
    ///
    /// # Errors
    ///
    /// `UNKNOWN_TOPIC_OR_PARTITION`, `INVALID_CONFIG`, or what `change` says.
    pub(crate) fn alter_topic_configs(
        &self,
        topics: &mut Topics,
        name: &str,
        validate_only: bool,
        change: impl Fn(&Configs) -> Result<Configs, Error>,
    ) -> Result<(), Error> {
        if name.is_empty() {
            return Err(Error::with_code(ErrorCode::InvalidRequest, "Default topic resources are not allowed."));
        }
        let known = topics.by_name(name);
        let none = Configs::new();
        let configs = change(known.map_or(&none, |topic| &topic.configs))?;
        check_name(name)?;
        // As Kafka, which looks at the configs before it looks for the topic.
        alter::topic::check(&self.broker_configs(), self.first_node(), &configs)?;
        let missing =
            || Error::with_code(ErrorCode::UnknownTopicOrPartition, format!("The topic '{name}' does not exist."));
        let topic = Topic { configs, ..Topic::clone(known.ok_or_else(missing)?) };
        let config = self.log_config(&topic.configs)?;
        if !validate_only {
            topic.partitions.iter().for_each(|partition| partition.set_config(Arc::clone(&config)));
            topics.insert(topic);
        }
        Ok(())
    }

    /// Changes the dynamic configs of one broker, or the default of all when `node` is absent; only looks when
    /// `validate_only`. Topics that take a value from there take it up.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, `INVALID_CONFIG`, or what `change` says.
    pub(crate) fn alter_broker_configs(
        &self,
        node: Option<i32>,
        validate_only: bool,
        change: impl Fn(&Configs) -> Result<Configs, Error>,
    ) -> Result<(), Error> {
        let _one_at_a_time = self.changes.lock();
        let old = self.broker_configs();
        let tracks_eligible = self.features.level(ELIGIBLE_LEADER_REPLICAS) > 0;
        let layers = altered(&old, node, self.first_node(), tracks_eligible, change)?;
        let stores = NewStores::read(self, &old, &layers)?;
        if validate_only {
            return Ok(());
        }
        let changed = node.map_or(Some(&layers.dynamic_default), |node| layers.dynamic.get(&node));
        let kept = changed.cloned().unwrap_or_default();
        let idle: Vec<&str> = kept.keys().map(String::as_str).filter(|name| !dynamic::has_effect(name)).collect();
        if !idle.is_empty() {
            tracing::info!(configs = idle.join(", "), "broker configs are set that nothing here goes by");
        }
        self.state.keep(|| [StateRecord::BrokerConfigs { node, configs: kept }])?;
        *self.configs.write() = Arc::new(layers);
        stores.take_up();
        self.take_up_configs();
        self.metadata_changed();
        self.topics().iter().try_for_each(|topic| {
            let config = self.log_config(&topic.configs)?;
            topic.partitions.iter().for_each(|partition| partition.set_config(Arc::clone(&config)));
            Ok(())
        })
    }
}

fn altered(
    layers: &BrokerLayers,
    node: Option<i32>,
    seen_from: i32,
    tracks_eligible: bool,
    change: impl Fn(&Configs) -> Result<Configs, Error>,
) -> Result<BrokerLayers, Error> {
    let none = Configs::new();
    let (scope, old) = match node {
        Some(node) => (Scope::Node, layers.dynamic.get(&node).unwrap_or(&none)),
        None => (Scope::AllNodes, &layers.dynamic_default),
    };
    let new = change(old)?;
    alter::broker::check(layers, node.unwrap_or(seen_from), scope, &new)?;
    if tracks_eligible {
        alter::broker::check_min_insync_replicas(scope, old, &new)?;
    }
    let mut layers = layers.clone();
    match node {
        Some(node) => drop(layers.dynamic.insert(node, new)),
        None => layers.dynamic_default = new,
    }
    Ok(layers)
}

const MIN_IN_SYNC: &str = "min.insync.replicas";

/// What a new cluster says of its brokers' configs: what its user set, where it listens, and what differs from Kafka.
pub(super) fn layers_at_start(file: &Configs, nodes: &[super::Node]) -> BrokerLayers {
    let mut all = Configs::new();
    let replicas = nodes.len().min(3).to_string();
    for (name, value) in [
        ("process.roles", "broker,controller"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("offsets.topic.replication.factor", &replicas),
        ("transaction.state.log.replication.factor", &replicas),
        ("transaction.state.log.min.isr", "1"),
    ] {
        all.insert(name.to_owned(), value.to_owned());
    }
    all.extend(file.clone());
    let min_in_sync = file.get(MIN_IN_SYNC).cloned().unwrap_or_else(|| "1".to_owned());
    let of_node = |node: &super::Node| {
        // As Kafka: the id is told by both of its names, whichever was said.
        let is_first = nodes.first().is_some_and(|first| first.id == node.id);
        let ids = ["node.id", "broker.id"].into_iter().filter(|name| !is_first || !file.contains_key(*name));
        let mut configs: Configs = ids.map(|name| (name.to_owned(), node.id.to_string())).collect();
        if !is_first || !file.contains_key("listeners") {
            let told = |one: &super::Endpoint| {
                format!("{}://{}:{}", one.listener, one.host.as_deref().unwrap_or_default(), one.port)
            };
            let listeners = node.endpoints.iter().map(told).collect::<Vec<_>>().join(",");
            configs.insert("listeners".to_owned(), listeners);
        }
        configs.extend(node.rack.clone().map(|rack| ("broker.rack".to_owned(), rack)));
        configs
    };
    BrokerLayers {
        file: all,
        node_file: nodes.iter().map(|node| (node.id, of_node(node))).collect(),
        // Kafka writes it when a cluster that tracks eligible leader replicas is made: what was said, or its default.
        dynamic_default: Configs::from([(MIN_IN_SYNC.to_owned(), min_in_sync)]),
        dynamic: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::cluster::Node;
    use crate::settings::BrokerSettings;

    fn cluster() -> Cluster {
        let cluster = Cluster::new(Clock::real(), BrokerSettings::default(), vec![Node::of(1)]);
        cluster.auto_create_topic("t").expect("a topic");
        cluster
    }

    fn set(name: &str, value: &str) -> impl Fn(&Configs) -> Result<Configs, Error> {
        let pair = (name.to_owned(), value.to_owned());
        move |_| Ok(Configs::from([pair.clone()]))
    }

    fn alter_topic(cluster: &Cluster, validate_only: bool, max_message_bytes: &str) {
        let change = set("max.message.bytes", max_message_bytes);
        let altered = cluster.change_topics(|topics| cluster.alter_topic_configs(topics, "t", validate_only, change));
        altered.expect("a legal config");
    }

    fn max_message_bytes(cluster: &Cluster) -> Vec<usize> {
        let topics = cluster.topics();
        let topic = topics.by_name("t").expect("a topic");
        topic.partitions.iter().map(|partition| partition.config().max_message_bytes).collect()
    }

    #[test]
    fn an_altered_config_reaches_the_logs_of_old_and_new_partitions() {
        let cluster = cluster();
        alter_topic(&cluster, false, "700");
        let topic = Arc::clone(cluster.topics().by_name("t").expect("a topic"));
        let grown = cluster.change_topics(|topics| cluster.add_partitions(topics, &topic, vec![vec![1]]));
        grown.expect("a partition more");
        assert_eq!(max_message_bytes(&cluster), [700, 700]);
    }

    #[test]
    fn what_is_set_for_a_broker_reaches_the_logs_unless_the_topic_has_its_own() {
        let cluster = cluster();
        cluster.alter_broker_configs(Some(1), false, set("message.max.bytes", "500")).expect("a legal config");
        assert_eq!(max_message_bytes(&cluster), [500]);
        alter_topic(&cluster, false, "700");
        cluster.alter_broker_configs(Some(1), false, set("message.max.bytes", "600")).expect("a legal config");
        assert_eq!(max_message_bytes(&cluster), [700]);
    }

    #[test]
    fn what_is_only_validated_reaches_nothing() {
        let cluster = cluster();
        alter_topic(&cluster, true, "700");
        cluster
            .alter_broker_configs(None, true, |current| {
                let mut configs = current.clone();
                configs.insert("message.max.bytes".to_owned(), "500".to_owned());
                Ok(configs)
            })
            .expect("a legal config");
        assert_eq!(max_message_bytes(&cluster), [1_048_588]);
    }
}
