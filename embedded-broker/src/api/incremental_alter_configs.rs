//! IncrementalAlterConfigs, versions 0 and 1: sets, deletes, appends to and subtracts from single configs.
//!
//! As Kafka: each resource changes whole or not at all and is answered by itself; what is named twice is refused; deleting
//! what is not set succeeds; only lists can be appended to.
//! Left out: the configs of groups, client metrics and loggers, and those of a listener that runs.

use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::answer::{count, invalid_request, outcome};
use super::config_resource::{self, ConfigResource, Verb};
use super::{Refusal, RequestContext};
use crate::config::alter::{Op, apply};
use crate::config::def::{ConfigDef, ConfigType};
use crate::config::{broker_defs, topic_defs};
use crate::error::{Error, ErrorCode};

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: IncrementalAlterConfigsRequest,
) -> Result<IncrementalAlterConfigsResponse, Refusal> {
    let named = count(request.resources.iter().map(|one| (one.resource_type, one.resource_name.clone())));
    let responses = request.resources.iter().map(|resource| {
        let key = (resource.resource_type, resource.resource_name.clone());
        let altered = if named.get(&key) == Some(&1) {
            alter(cx, resource, request.validate_only)
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
    Ok(IncrementalAlterConfigsResponse::default().with_responses(responses.collect()))
}

fn alter(cx: &RequestContext<'_>, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), Error> {
    let names = count(resource.configs.iter().map(|config| config.name.clone()));
    if names.values().any(|times| *times > 1) {
        return Err(invalid_request("Error due to duplicate config keys"));
    }
    let is_null = |config: &&AlterableConfig| config.value.is_none() && config.config_operation != DELETE;
    let nulls: Vec<&str> = resource.configs.iter().filter(is_null).map(|config| config.name.as_str()).collect();
    if !nulls.is_empty() {
        return Err(invalid_request(format!("Null value not supported for : {}", nulls.join(","))));
    }
    let target = ConfigResource::parse(resource.resource_type, &resource.resource_name, Verb::Alter, cx.node_id)?;
    let ops: Vec<(&str, Op<'_>)> = resource.configs.iter().map(op).collect::<Result<_, _>>()?;
    let find = match target {
        ConfigResource::Topic(_) => topic_defs::find,
        ConfigResource::Broker(_) => {
            ops.iter().try_for_each(|(name, op)| check_broker_list(name, *op))?;
            broker_defs::find
        }
    };
    config_resource::alter(cx.cluster, &target, validate_only, |current| apply(find, current, ops.iter().copied()))
}

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn op(config: &AlterableConfig) -> Result<(&str, Op<'_>), Error> {
    let value = config.value.as_ref().map_or("", |value| value.as_str());
    let op = match config.config_operation {
        SET => Op::Set(value),
        DELETE => Op::Delete,
        APPEND => Op::Append(value),
        SUBTRACT => Op::Subtract(value),
        other => return Err(invalid_request(format!("Unknown operations type {other}"))),
    };
    Ok((config.name.as_str(), op))
}

/// The broker looks at lists before the controller does, and has its own words for them.
fn check_broker_list(name: &str, op: Op<'_>) -> Result<(), Error> {
    let verb = match op {
        Op::Append(_) => "append",
        Op::Subtract(_) => "subtract",
        Op::Set(_) | Op::Delete => return Ok(()),
    };
    let refused = |why: String| Err(Error::with_code(ErrorCode::InvalidConfig, why));
    match broker_defs::find(name) {
        None => refused(format!("Unknown config name: {name}")),
        Some(ConfigDef { kind: ConfigType::List, .. }) => Ok(()),
        Some(_) => refused(format!("Config value {verb} is not allowed for config key: {name}")),
    }
}
