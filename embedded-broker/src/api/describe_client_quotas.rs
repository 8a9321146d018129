//! DescribeClientQuotas, versions 0 and 1: the quotas of entities that meet all conditions.
//!
//! As Kafka: a strict description leaves out entities that have other names beside; a refusal has null for a list.

use std::collections::BTreeMap;

use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use super::answer::failure;
use super::{Refusal, RequestContext};
use crate::error::{Error, ErrorCode};
use crate::protocol::StrBytes;
use crate::quotas::entity::{Entity, EntityType, Match, Name, Values, matches, refused};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: DescribeClientQuotasRequest,
) -> Result<DescribeClientQuotasResponse, Refusal> {
    let response = DescribeClientQuotasResponse::default();
    if let Err(denied) = cx.require(Operation::DescribeConfigs, Resource::Cluster) {
        return Ok(response.with_error_code(denied.code()).with_error_message(None).with_entries(None));
    }
    let filter = match filter(&request.components) {
        Ok(filter) => filter,
        Err(error) => {
            let (code, text) = failure(&error);
            return Ok(response.with_error_code(code).with_error_message(text).with_entries(None));
        }
    };
    let all = cx.cluster.quotas.all();
    let found = all.iter().filter(|(entity, _)| matches(entity, &filter, request.strict));
    let entries = found.map(|(entity, values)| describe(entity, values)).collect();
    Ok(response.with_error_message(Some(StrBytes::default())).with_entries(Some(entries)))
}

fn describe(entity: &Entity, values: &Values) -> EntryData {
    let names = entity.iter().map(|(kind, name)| {
        let name = match name {
            Name::Default => None,
            Name::Exact(name) => Some(StrBytes::from_string(name.clone())),
        };
        EntityData::default().with_entity_type(StrBytes::from_static_str(kind.name())).with_entity_name(name)
    });
    let value = |(key, value): (&String, &f64)| {
        ValueData::default().with_key(StrBytes::from_string(key.clone())).with_value(*value)
    };
    EntryData::default().with_entity(names.collect()).with_values(values.iter().map(value).collect())
}

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const SPECIFIED: i8 = 2;

fn filter(components: &[ComponentData]) -> Result<BTreeMap<EntityType, Match>, Error> {
    let mut filter = BTreeMap::new();
    for component in components {
        let name = component.entity_type.as_str();
        if name.is_empty() {
            return Err(refused("Invalid empty entity type."));
        }
        let wanted = wanted(component)?;
        let unsupported = || Error::with_code(ErrorCode::UnsupportedVersion, format!("Unsupported entity type {name}"));
        let kind = EntityType::parse(name).ok_or_else(unsupported)?;
        if filter.insert(kind, wanted).is_some() {
            return Err(refused(format!("Entity type {name} cannot appear more than once in the filter.")));
        }
    }
    if filter.contains_key(&EntityType::Ip) && filter.len() > 1 {
        let why = "Invalid entity filter component combination. IP filter component should not be used with user or \
                   clientId filter component.";
        return Err(refused(why));
    }
    Ok(filter)
}

fn wanted(component: &ComponentData) -> Result<Match, Error> {
    let name = component._match.as_ref();
    let also = |kind: &str| refused(format!("Request specified MATCH_TYPE_{kind}, but also specified a match string."));
    match (component.match_type, name) {
        (EXACT, Some(name)) => Ok(Match::Exact(Name::Exact(name.to_string()))),
        (EXACT, None) => Err(refused("Request specified MATCH_TYPE_EXACT, but set match string to null.")),
        (DEFAULT, None) => Ok(Match::Exact(Name::Default)),
        (DEFAULT, Some(_)) => Err(also("DEFAULT")),
        (SPECIFIED, None) => Ok(Match::Any),
        (SPECIFIED, Some(_)) => Err(also("SPECIFIED")),
        (other, _) => Err(refused(format!("Unknown match type {other}"))),
    }
}
