//! AlterConfigs, versions 0 to 2: replaces all configs of a resource by those in the request.
//!
//! As Kafka, which keeps it for old clients: what the request does not name falls back to its default.

use kafka_protocol::messages::alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};

use super::answer::{count, invalid_request, outcome};
use super::config_resource::{self, ConfigResource, Verb};
use super::{Refusal, RequestContext};
use crate::config::layers::Configs;
use crate::error::Error;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(cx: &RequestContext<'_>, request: AlterConfigsRequest) -> Result<AlterConfigsResponse, Refusal> {
    let named = count(request.resources.iter().map(|one| (one.resource_type, one.resource_name.clone())));
    let responses = request.resources.iter().map(|resource| {
        let key = (resource.resource_type, resource.resource_name.clone());
        let altered = if named.get(&key) == Some(&1) {
            replace(cx, resource, request.validate_only)
        } else {
            Err(invalid_request("Each resource must appear at most once."))
        };
        let (code, text) = outcome(&altered);
        AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(text)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone())
    });
    Ok(AlterConfigsResponse::default().with_responses(responses.collect()))
}

fn replace(cx: &RequestContext<'_>, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), Error> {
    let names = count(resource.configs.iter().map(|config| config.name.clone()));
    if names.values().any(|times| *times > 1) {
        return Err(invalid_request("Error due to duplicate config keys"));
    }
    let nulls = resource.configs.iter().filter(|config| config.value.is_none()).map(|config| config.name.as_str());
    let nulls: Vec<&str> = nulls.collect();
    if !nulls.is_empty() {
        return Err(invalid_request(format!("Null value not supported for : {}", nulls.join(","))));
    }
    let target = ConfigResource::parse(resource.resource_type, &resource.resource_name, Verb::Alter, cx.node_id)?;
    let pairs = resource.configs.iter().filter_map(|config| Some((config.name.as_str(), config.value.as_ref()?)));
    let configs: Configs = pairs.map(|(name, value)| (name.to_owned(), value.to_string())).collect();
    config_resource::alter(cx.cluster, &target, validate_only, |_| Ok(configs.clone()))
}
