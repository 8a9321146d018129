//! ListConfigResources, versions 0 and 1: the resources that have configs.
//!
//! As Kafka: version 0 lists client metrics, version 1 the kinds it names, or all. Groups are those that were ever given
//! configs.

use kafka_protocol::messages::list_config_resources_response::ConfigResource;
use kafka_protocol::messages::{ListConfigResourcesRequest, ListConfigResourcesResponse};

use super::config_resource::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use super::{Refusal, RequestContext};
use crate::error::ErrorCode;
use crate::protocol::StrBytes;
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: ListConfigResourcesRequest,
) -> Result<ListConfigResourcesResponse, Refusal> {
    if let Err(denied) = cx.require(Operation::DescribeConfigs, Resource::Cluster) {
        return Ok(ListConfigResourcesResponse::default().with_error_code(denied.code()));
    }
    let kinds = match (cx.version, request.resource_types) {
        (0, _) => vec![CLIENT_METRICS],
        (_, kinds) if kinds.is_empty() => vec![TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP],
        (_, kinds) => kinds,
    };
    let response = ListConfigResourcesResponse::default();
    if kinds.iter().any(|kind| ![TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP].contains(kind)) {
        return Ok(response.with_error_code(ErrorCode::UnsupportedVersion.code()));
    }
    let resource = |kind, name: String| {
        ConfigResource::default().with_resource_type(kind).with_resource_name(StrBytes::from_string(name))
    };
    let mut resources = Vec::new();
    if kinds.contains(&TOPIC) {
        let topics = cx.cluster.topics();
        resources.extend(topics.iter().map(|topic| resource(TOPIC, topic.name.as_ref().to_owned())));
    }
    for kind in [BROKER, BROKER_LOGGER] {
        if kinds.contains(&kind) {
            resources.extend(cx.cluster.node_ids().into_iter().map(|node| resource(kind, node.to_string())));
        }
    }
    let configs = cx.cluster.resource_configs();
    if kinds.contains(&CLIENT_METRICS) {
        resources.extend(configs.subscriptions().map(|(name, _)| resource(CLIENT_METRICS, name.to_owned())));
    }
    if kinds.contains(&GROUP) {
        resources.extend(configs.groups().map(|name| resource(GROUP, name.to_owned())));
    }
    Ok(response.with_config_resources(resources))
}
