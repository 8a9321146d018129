//! AlterConfigs, versions 0 to 2: replaces all configs of a resource by those in the request.
//!
//! As Kafka, which keeps it for old clients: what the request does not name falls back to its default.

use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::config_resource::{self, ConfigResource, Verb, answer_each, check_named};
use super::{Refusal, RequestContext};
use crate::config::layers::Configs;
use crate::error::Error;
use crate::security::acl::kinds::Operation;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: AlterConfigsRequest) -> Result<AlterConfigsResponse, Refusal> {
    let altered = answer_each(
        cx.cluster,
        &request.resources,
        |resource| (resource.resource_type, &resource.resource_name),
        |resource, topics| replace(cx, topics, resource, request.validate_only),
    );
    let responses = altered.into_iter().map(|altered| {
        AlterConfigsResourceResponse::default()
            .with_error_code(altered.code)
            .with_error_message(altered.text)
            .with_resource_type(altered.kind)
            .with_resource_name(altered.name)
    });
    Ok(AlterConfigsResponse::default().with_responses(responses.collect()))
}

fn replace(
    cx: &RequestContext<'_>,
    topics: Option<&mut Topics>,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Error> {
    check_named(resource.configs.iter().map(|config| (config.name.as_str(), config.value.is_some())))?;
    cx.authorize(Operation::AlterConfigs, ConfigResource::guarded(resource.resource_type, &resource.resource_name))?;
    let target = ConfigResource::parse(resource.resource_type, &resource.resource_name, Verb::Alter, cx.node_id)?;
    let pairs = resource.configs.iter().filter_map(|config| Some((config.name.as_str(), config.value.as_ref()?)));
    let configs: Configs = pairs.map(|(name, value)| (name.to_owned(), value.to_string())).collect();
    config_resource::alter(cx.cluster, &target, topics, validate_only, |_| Ok(configs.clone()))
}
