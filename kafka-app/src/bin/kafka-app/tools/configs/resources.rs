//! Configs of topics, brokers, their loggers, client metrics and groups.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use embedded_broker::client_side::check_topic_name;
use kafka_protocol::messages::ListGroupsRequest;

use super::{changes::Changes, entity::EntityType, show};
use crate::{
    failure::Failure,
    tools::Output,
    wire::{
        Change, Cluster, Config, KafkaError, ResourceType, Source, Target, WireError, alter_configs, describe_configs,
        list_config_resources, list_topics,
    },
};

/// Shows the configs of one, or of all of a kind.
pub(super) async fn describe(
    cluster: &Cluster,
    kind: EntityType,
    name: Option<&str>,
    all: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    if let Some(name) = name
        && kind == EntityType::Topics
    {
        check_topic_name(name).map_err(Failure::Failed)?;
    }
    if let Some(name) = name
        && !all
        && !is_there(cluster, kind, name).await?
    {
        writeln!(out, "{}", show::not_there(kind, name))?;
        return Ok(());
    }
    let names = match name {
        Some(name) => vec![name.to_owned()],
        None => every(cluster, kind).await?,
    };
    let mut configs = configs_of(cluster, kind, &names, all).await?;
    for name in &names {
        writeln!(out, "{}", show::head(kind, name, all))?;
        for config in configs.remove(name).transpose().map_err(WireError::Kafka)?.unwrap_or_default() {
            writeln!(out, "{}", show::config(&config))?;
        }
    }
    Ok(())
}

/// Changes the configs of one.
pub(super) async fn alter(cluster: &Cluster, kind: EntityType, name: &str, changes: &Changes) -> Result<(), Failure> {
    if kind == EntityType::Topics {
        check_topic_name(name).map_err(Failure::Failed)?;
    }
    let names = [name.to_owned()];
    let old = configs_of(cluster, kind, &names, false).await?.remove(name);
    let old = old.transpose().map_err(WireError::Kafka)?.unwrap_or_default();
    let is_set = |name: &&String| old.iter().any(|config| config.name == **name);
    // Loggers are not made by setting them.
    let unknown: Vec<&str> = match kind {
        EntityType::BrokerLoggers => changes.names().filter(|name| !is_set(name)).map(String::as_str).collect(),
        _ => changes.unset.iter().filter(|name| !is_set(name)).map(String::as_str).collect(),
    };
    if !unknown.is_empty() {
        let what = if kind == EntityType::BrokerLoggers { "Invalid broker logger(s)" } else { "Invalid config(s)" };
        return Err(Failure::Failed(format!("{what}: {}", unknown.join(","))));
    }
    let unset = changes.unset.iter().map(|name| (name.clone(), Change::Delete));
    let set = changes.set.iter().map(|(name, value)| (name.clone(), Change::Set(value.clone())));
    let changes: Vec<(String, Change)> = unset.chain(set).collect();
    Ok(alter_configs(cluster, resource_type(kind), name, &changes).await?)
}

fn resource_type(kind: EntityType) -> ResourceType {
    match kind {
        EntityType::Brokers => ResourceType::Broker,
        EntityType::BrokerLoggers => ResourceType::BrokerLogger,
        EntityType::ClientMetrics => ResourceType::ClientMetrics,
        EntityType::Groups => ResourceType::Group,
        // Those of users, clients and addresses are quotas.
        EntityType::Topics | EntityType::Clients | EntityType::Users | EntityType::Ips => ResourceType::Topic,
    }
}

/// Where the configs have their values from that were set for this very one; loggers have no such place.
fn own_source(kind: EntityType, name: &str) -> Option<Source> {
    match kind {
        EntityType::Topics => Some(Source::DYNAMIC_TOPIC),
        EntityType::Brokers if name.is_empty() => Some(Source::DYNAMIC_DEFAULT_BROKER),
        EntityType::Brokers => Some(Source::DYNAMIC_BROKER),
        EntityType::ClientMetrics => Some(Source::DYNAMIC_CLIENT_METRICS),
        EntityType::Groups => Some(Source::DYNAMIC_GROUP),
        _ => None,
    }
}

/// Configs by the name of whom they are of, sorted; without `all`, those that were set for this very one.
async fn configs_of(
    cluster: &Cluster,
    kind: EntityType,
    names: &[String],
    all: bool,
) -> Result<BTreeMap<String, Result<Vec<Config>, KafkaError>>, WireError> {
    let resources = resource_type(kind);
    let mut configs = BTreeMap::new();
    match kind {
        // Each broker is asked for its own.
        EntityType::Brokers | EntityType::BrokerLoggers => {
            for name in names {
                configs.extend(describe_configs(cluster, resources, std::slice::from_ref(name), true).await?);
            }
        }
        _ => configs = describe_configs(cluster, resources, names, true).await?,
    }
    for (name, configs) in &mut configs {
        if let Ok(configs) = configs {
            let own = own_source(kind, name).filter(|_| !all);
            configs.retain(|config| own.is_none_or(|own| config.source == own));
            configs.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    Ok(configs)
}

async fn is_there(cluster: &Cluster, kind: EntityType, name: &str) -> Result<bool, WireError> {
    match kind {
        EntityType::Brokers | EntityType::BrokerLoggers if name.is_empty() => Ok(true),
        EntityType::Brokers | EntityType::BrokerLoggers => {
            Ok(cluster.nodes().await.iter().any(|node| node.id.to_string() == name))
        }
        _ => Ok(every(cluster, kind).await?.iter().any(|known| known == name)),
    }
}

/// The names of all of a kind, sorted; brokers with the one that stands for their default.
async fn every(cluster: &Cluster, kind: EntityType) -> Result<Vec<String>, WireError> {
    let names: BTreeSet<String> = match kind {
        EntityType::Topics => list_topics(cluster).await?.into_iter().map(|topic| topic.name).collect(),
        EntityType::Brokers | EntityType::BrokerLoggers => {
            let ids = cluster.nodes().await.into_iter().map(|node| node.id.to_string());
            return Ok(ids.chain([String::new()]).collect());
        }
        EntityType::Groups => {
            let with_configs = list_config_resources(cluster, ResourceType::Group).await?;
            groups(cluster).await?.into_iter().chain(with_configs).collect()
        }
        _ => list_config_resources(cluster, resource_type(kind)).await?.into_iter().collect(),
    };
    Ok(names.into_iter().collect())
}

async fn groups(cluster: &Cluster) -> Result<Vec<String>, WireError> {
    let mut groups = Vec::new();
    for node in cluster.nodes().await {
        let ask = async || {
            let answer = cluster.send(Target::Node(node.id), |_| ListGroupsRequest::default()).await?;
            KafkaError::check(answer.error_code, None)?;
            Ok(answer)
        };
        let answer = cluster.retrying("listGroups", ask).await?;
        groups.extend(answer.groups.iter().map(|group| group.group_id.as_str().to_owned()));
    }
    Ok(groups)
}
