//! Configs of topics, brokers, groups and client metrics: what they are, and changes of single ones.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    DescribeConfigsRequest, IncrementalAlterConfigsRequest, ListConfigResourcesRequest,
    describe_configs_request::DescribeConfigsResource,
    describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym},
    incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
};

use super::{Cluster, KafkaError, Target, WireError, settled::settled, text};

/// What has configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResourceType {
    Topic,
    Broker,
    BrokerLogger,
    ClientMetrics,
    Group,
}

impl ResourceType {
    fn code(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::BrokerLogger => 8,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }
}

/// Where a config has its value from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source(i8);

impl Source {
    pub(crate) const DYNAMIC_TOPIC: Self = Self(1);
    pub(crate) const DYNAMIC_BROKER: Self = Self(2);
    pub(crate) const DYNAMIC_DEFAULT_BROKER: Self = Self(3);
    pub(crate) const DEFAULT: Self = Self(5);
    pub(crate) const DYNAMIC_CLIENT_METRICS: Self = Self(7);
    pub(crate) const DYNAMIC_GROUP: Self = Self(8);

    /// As Java's enum has it.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            1 => "DYNAMIC_TOPIC_CONFIG",
            2 => "DYNAMIC_BROKER_CONFIG",
            3 => "DYNAMIC_DEFAULT_BROKER_CONFIG",
            4 => "STATIC_BROKER_CONFIG",
            5 => "DEFAULT_CONFIG",
            6 => "DYNAMIC_BROKER_LOGGER_CONFIG",
            7 => "DYNAMIC_CLIENT_METRICS_CONFIG",
            8 => "DYNAMIC_GROUP_CONFIG",
            _ => "UNKNOWN",
        }
    }
}

/// A config and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) name: String,
    /// `None` if it has none, or is a secret.
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
    pub(crate) is_sensitive: bool,
    /// Every place that sets it, the one that counts first.
    pub(crate) synonyms: Vec<Synonym>,
}

/// A place that sets a config, by the name that it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Synonym {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
}

/// A change of one config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Set(String),
    Delete,
}

/// The configs of resources of one kind, by name, in the order of the broker's answer.
///
/// # Errors
/// No node answers, or that broker does not. Errors of single resources are in the answer.
pub(crate) async fn describe_configs(
    cluster: &Cluster,
    kind: ResourceType,
    names: &[String],
    with_synonyms: bool,
) -> Result<BTreeMap<String, Result<Vec<Config>, KafkaError>>, WireError> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let resource = |name: &String| {
        DescribeConfigsResource::default()
            .with_resource_type(kind.code())
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    let ask = async || {
        let request = |_| {
            DescribeConfigsRequest::default()
                .with_resources(names.iter().map(resource).collect())
                .with_include_synonyms(with_synonyms)
        };
        cluster.send(asked(kind, names, Target::Any), request).await
    };
    let answer = cluster.retrying("describeConfigs", ask).await?;
    let of_resource = |result: &DescribeConfigsResult| {
        let configs = KafkaError::check(result.error_code, result.error_message.as_ref())
            .map(|()| result.configs.iter().map(config).collect());
        (result.resource_name.as_str().to_owned(), configs)
    };
    Ok(answer.results.iter().map(of_resource).collect())
}

fn config(config: &DescribeConfigsResourceResult) -> Config {
    let synonym = |synonym: &DescribeConfigsSynonym| Synonym {
        name: synonym.name.as_str().to_owned(),
        value: synonym.value.as_ref().map(|value| value.as_str().to_owned()),
        source: Source(synonym.source),
    };
    Config {
        name: config.name.as_str().to_owned(),
        value: config.value.as_ref().map(|value| value.as_str().to_owned()),
        source: Source(config.config_source),
        is_sensitive: config.is_sensitive,
        synonyms: config.synonyms.iter().map(synonym).collect(),
    }
}

/// Changes single configs of a resource, and leaves all others as they are.
///
/// # Errors
/// The broker refuses it.
pub(crate) async fn alter_configs(
    cluster: &Cluster,
    kind: ResourceType,
    name: &str,
    changes: &[(String, Change)],
) -> Result<(), WireError> {
    let change = |(name, change): &(String, Change)| {
        let (operation, value) = match change {
            Change::Set(value) => (0, value.as_str()),
            Change::Delete => (1, ""),
        };
        AlterableConfig::default().with_name(text(name)).with_config_operation(operation).with_value(Some(text(value)))
    };
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind.code())
        .with_resource_name(text(name))
        .with_configs(changes.iter().map(change).collect());
    let names = [name.to_owned()];
    // The controller that leads has the configs of all; a broker checks whether it could live with its own.
    let is_of_all = cluster.is_of_controllers() && kind == ResourceType::Broker;
    let target = if is_of_all { Target::Any } else { asked(kind, &names, Target::Any) };
    let ask = async || {
        let request = |_| IncrementalAlterConfigsRequest::default().with_resources(vec![resource.clone()]);
        let answer = cluster.send(target, request).await?;
        settled(answer.responses.iter().map(|changed| (changed.error_code, changed.error_message.as_ref())))
    };
    Ok(cluster.retrying("incrementalAlterConfigs", ask).await??)
}

/// The names of all resources of a kind that have configs.
///
/// # Errors
/// No node answers, or it refuses.
pub(crate) async fn list_config_resources(cluster: &Cluster, kind: ResourceType) -> Result<Vec<String>, WireError> {
    let ask = async || {
        // The request of brokers before 4.1 knows client metrics only.
        let request = |version| match version {
            ..1 => ListConfigResourcesRequest::default(),
            _ => ListConfigResourcesRequest::default().with_resource_types(vec![kind.code()]),
        };
        let answer = cluster.send(Target::Any, request).await?;
        KafkaError::check(answer.error_code, None)?;
        Ok(answer)
    };
    let answer = cluster.retrying("listConfigResources", ask).await?;
    Ok(answer.config_resources.iter().map(|resource| resource.resource_name.as_str().to_owned()).collect())
}

/// A single broker answers for itself.
fn asked<'t>(kind: ResourceType, names: &[String], other: Target<'t>) -> Target<'t> {
    match (kind, names) {
        (ResourceType::Broker | ResourceType::BrokerLogger, [name]) => name.parse().map_or(other, Target::Node),
        _ => other,
    }
}
