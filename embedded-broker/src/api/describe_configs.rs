//! DescribeConfigs, versions 1 to 4: every config of a resource, where it comes from, and what it hides.
//!
//! As Kafka: all configs are listed with their defaults; the text of an error is empty on success and for a topic that is
//! not there; passwords have no value; a broker answers for itself and for the brokers' default only; groups and client
//! metrics need not exist to be described.
//! Different from Kafka: what there is no [`Room`] for is INVALID_REQUEST.
//! Left out: documentation texts; and there are few loggers (see `loggers.rs`).

use std::borrow::Cow;

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};

use super::answer::failure;
use super::config_resource::{ConfigResource, Verb};
use super::room::Room;
use super::{Refusal, RequestContext};
use crate::config::def::ConfigType;
use crate::config::described::{ConfigEntry, Synonym};
use crate::config::layers::ConfigSource;
use crate::config::{client_metrics, group_config};
use crate::error::{Error, ErrorCode};
use crate::loggers::Level;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::topic::check_name;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeConfigsRequest,
) -> Result<DescribeConfigsResponse, Refusal> {
    let synonyms = request.include_synonyms;
    let mut room = Room::new();
    let results = request.resources.into_iter().map(|resource| {
        let asked = room.check().map_err(too_many).and_then(|()| entries(cx, &resource));
        room.take(asked.as_ref().map_or(1, Vec::len), 0);
        let (code, text, configs) = match asked {
            Ok(entries) => (ErrorCode::None.code(), None, entries),
            Err(error) => {
                let (code, text) = failure(&error);
                (code, text, Vec::new())
            }
        };
        let wanted = |entry: &ConfigEntry| match &resource.configuration_keys {
            Some(keys) if !keys.is_empty() => keys.iter().any(|key| key.as_str() == entry.name),
            _ => true,
        };
        let configs = configs.into_iter().filter(wanted).map(|entry| result(cx.version, synonyms, entry)).collect();
        DescribeConfigsResult::default()
            .with_error_code(code)
            .with_error_message(Some(text.unwrap_or_default()))
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name)
            .with_configs(configs)
    });
    Ok(DescribeConfigsResponse::default().with_results(results.collect()))
}

fn too_many(code: ErrorCode) -> Error {
    Error::with_code(code, "Too many configs are asked for in one request.")
}

fn entries(cx: &RequestContext<'_>, resource: &DescribeConfigsResource) -> Result<Vec<ConfigEntry>, Error> {
    cx.authorize(Operation::DescribeConfigs, ConfigResource::guarded(resource.resource_type, &resource.resource_name))?;
    let layers = cx.cluster.broker_configs();
    let resource = ConfigResource::parse(resource.resource_type, &resource.resource_name, Verb::Describe, cx.node_id)?;
    Ok(match resource {
        ConfigResource::Topic(name) => {
            check_name(&name)?;
            let topics = cx.cluster.topics();
            let unknown = || Error::with_code(ErrorCode::UnknownTopicOrPartition, "");
            layers.describe_topic(cx.node_id, &topics.by_name(&name).ok_or_else(unknown)?.configs)
        }
        ConfigResource::Broker(Some(node)) => layers.describe_broker(node),
        ConfigResource::Broker(None) => layers.describe_brokers_default(),
        ConfigResource::BrokerLogger => cx.cluster.loggers.describe().into_iter().map(logger).collect(),
        ConfigResource::ClientMetrics(name) => {
            client_metrics::describe(&cx.cluster.resource_configs().client_metrics(&name))
        }
        ConfigResource::Group(name) => {
            group_config::describe(&layers, cx.node_id, &cx.cluster.resource_configs().group(&name))
        }
    })
}

fn logger((name, level): (&'static str, Level)) -> ConfigEntry {
    ConfigEntry {
        name: Cow::Borrowed(name),
        value: Some(level.name().to_owned()),
        kind: None,
        source: ConfigSource::BrokerLogger,
        read_only: false,
        sensitive: false,
        synonyms: Vec::new(),
    }
}

fn result(version: i16, synonyms: bool, entry: ConfigEntry) -> DescribeConfigsResourceResult {
    let hidden = if synonyms { entry.synonyms } else { Vec::new() };
    let result = DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_string(entry.name.into_owned()))
        .with_value(entry.value.map(StrBytes::from_string))
        .with_read_only(entry.read_only)
        .with_config_source(entry.source.wire())
        .with_is_sensitive(entry.sensitive)
        .with_synonyms(hidden.into_iter().map(synonym).collect())
        // As Kafka: loggers have an empty one, whoever asks.
        .with_documentation((version >= 3 && entry.source == ConfigSource::BrokerLogger).then(StrBytes::default));
    // Types are known from version 3 on; 0 is "unknown".
    let kind = entry.kind.map_or(0, ConfigType::wire);
    if version >= 3 { result.with_config_type(kind) } else { result }
}

fn synonym(synonym: Synonym) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(StrBytes::from_string(synonym.name.into_owned()))
        .with_value(synonym.value.map(StrBytes::from_string))
        .with_source(synonym.source.wire())
}
