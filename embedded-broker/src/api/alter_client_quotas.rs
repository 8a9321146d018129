//! AlterClientQuotas, versions 0 and 1: sets and takes away quotas of users, client ids and addresses.
//!
//! As Kafka: each entity changes whole or not at all; of one that is there twice the second change is ignored, and the
//! answer says so.

use std::collections::BTreeMap;

use kafka_protocol::messages::alter_client_quotas_request::EntryData as Asked;
use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};

use super::answer::outcome;
use super::{Refusal, RequestContext};
use crate::error::Error;
use crate::protocol::StrBytes;
use crate::quotas::entity::{self, NamedEntity, Ops};
use crate::security::acl::kinds::Operation;
use crate::security::acl::resource::Resource;

#[expect(clippy::needless_pass_by_value, reason = "every handler takes its request by value")]
pub(crate) fn handle(
    cx: &RequestContext<'_>,
    request: AlterClientQuotasRequest,
) -> Result<AlterClientQuotasResponse, Refusal> {
    let allowed = cx.may(Operation::AlterConfigs, Resource::Cluster);
    let mut results: BTreeMap<NamedEntity, Result<(), Error>> = BTreeMap::new();
    for asked in &request.entries {
        let named = named(asked);
        let altered = match ops(asked) {
            _ if !allowed => Err(Resource::Cluster.denied_error()),
            Some(ops) if !results.contains_key(&named) => cx.cluster.alter_quotas(&named, &ops, request.validate_only),
            _ => Err(entity::refused(format!("Ignoring duplicate entity {}", entity::print(&named)))),
        };
        results.insert(named, altered);
    }
    let entries = results.iter().map(|(named, altered)| {
        let (code, text) = outcome(altered);
        let entity = named.iter().map(|(kind, name)| {
            EntityData::default()
                .with_entity_type(StrBytes::from_string(kind.clone()))
                .with_entity_name(name.clone().map(StrBytes::from_string))
        });
        EntryData::default().with_error_code(code).with_error_message(text).with_entity(entity.collect())
    });
    Ok(AlterClientQuotasResponse::default().with_entries(entries.collect()))
}

fn named(asked: &Asked) -> NamedEntity {
    let name = |name: &StrBytes| name.to_string();
    asked.entity.iter().map(|one| (name(&one.entity_type), one.entity_name.as_ref().map(name))).collect()
}

/// The changes, if each key is there once.
fn ops(asked: &Asked) -> Option<Ops> {
    let ops = asked.ops.iter().map(|op| (op.key.to_string(), (!op.remove).then_some(op.value)));
    let by_key: BTreeMap<String, Option<f64>> = ops.collect();
    (by_key.len() == asked.ops.len()).then(|| by_key.into_iter().collect())
}
