//! IncrementalAlterConfigs, versions 0 and 1: sets, deletes, appends to and subtracts from single configs.
//!
//! As Kafka: each resource changes whole or not at all and is answered by itself; what is named twice is refused; deleting
//! what is not set succeeds; only lists can be appended to.
//! Left out: listeners that run are not opened elsewhere. DESIGN.md lists what is taken and shown, and has no effect.

use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};

use super::answer::invalid_request;
use super::config_resource::{self, ConfigResource, Verb, answer_each, check_named};
use super::{Refusal, RequestContext};
use crate::config::alter::{Op, apply};
use crate::config::def::{ConfigDef, ConfigType};
use crate::config::{broker_defs, group_config, topic_defs};
use crate::error::{Error, ErrorCode};
use crate::loggers;
use crate::security::acl::kinds::Operation;
use crate::topic::Topics;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: IncrementalAlterConfigsRequest,
) -> Result<IncrementalAlterConfigsResponse, Refusal> {
    let altered = answer_each(
        cx.cluster,
        &request.resources,
        |resource| (resource.resource_type, &resource.resource_name),
        |resource, topics| alter(cx, topics, resource, request.validate_only),
    );
    let responses = altered.into_iter().map(|altered| {
        AlterConfigsResourceResponse::default()
            .with_error_code(altered.code)
            .with_error_message(altered.text)
            .with_resource_type(altered.kind)
            .with_resource_name(altered.name)
    });
    Ok(IncrementalAlterConfigsResponse::default().with_responses(responses.collect()))
}

fn alter(
    cx: &RequestContext<'_>,
    topics: Option<&mut Topics>,
    resource: &AlterConfigsResource,
    validate_only: bool,
) -> Result<(), Error> {
    let has_value = |config: &AlterableConfig| config.value.is_some() || config.config_operation == DELETE;
    check_named(resource.configs.iter().map(|config| (config.name.as_str(), has_value(config))))?;
    cx.authorize(Operation::AlterConfigs, ConfigResource::guarded(resource.resource_type, &resource.resource_name))?;
    let target = ConfigResource::parse(resource.resource_type, &resource.resource_name, Verb::Alter, cx.node_id)?;
    let of_broker = matches!(target, ConfigResource::Broker(_));
    let ops = resource.configs.iter().map(|config| op(config, of_broker)).collect::<Result<Vec<_>, _>>()?;
    let find = match target {
        ConfigResource::Topic(_) => topic_defs::find,
        ConfigResource::Broker(node) => {
            ops.iter().try_for_each(|(name, op)| check_broker_list(name, *op))?;
            if node.is_some() && ops.iter().any(|(name, _)| *name == "min.insync.replicas") {
                cx.cluster.check_own_min_insync_replicas()?;
            }
            broker_defs::find
        }
        ConfigResource::Group(_) => group_config::find,
        // As Kafka, whose controller does not know that two of these are lists.
        ConfigResource::ClientMetrics(_) => |_: &str| None,
        ConfigResource::BrokerLogger => return alter_loggers(cx, &ops, validate_only),
    };
    config_resource::alter(cx.cluster, &target, topics, validate_only, |current| {
        apply(find, current, ops.iter().copied())
    })
}

fn alter_loggers(cx: &RequestContext<'_>, ops: &[(&str, Op<'_>)], validate_only: bool) -> Result<(), Error> {
    let not_a_list =
        |verb| Err(invalid_request(format!("{verb} operation is not allowed for the BROKER_LOGGER resource")));
    let change = |op| match op {
        Op::Set(level) => Ok(loggers::Change::Set(level)),
        Op::Delete => Ok(loggers::Change::Delete),
        Op::Append(_) => not_a_list("APPEND"),
        Op::Subtract(_) => not_a_list("SUBTRACT"),
    };
    let changes = ops.iter().map(|(name, op)| Ok((*name, change(*op)?))).collect::<Result<Vec<_>, Error>>()?;
    cx.cluster.loggers.alter(&changes, validate_only)
}

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// A change that nobody knows is met by a broker before the controller is asked, which has no words for it.
fn op(config: &AlterableConfig, of_broker: bool) -> Result<(&str, Op<'_>), Error> {
    let value = config.value.as_ref().map_or("", |value| value.as_str());
    let op = match config.config_operation {
        SET => Op::Set(value),
        DELETE => Op::Delete,
        APPEND => Op::Append(value),
        SUBTRACT => Op::Subtract(value),
        other if of_broker => return Err(invalid_request(format!("Unknown operations type {other}"))),
        _ => return Err(Error::with_code(ErrorCode::UnknownServerError, "")),
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
