//! Quotas of users, clients and addresses.

use std::collections::BTreeMap;

use kafka_protocol::messages::{
    AlterClientQuotasRequest, DescribeClientQuotasRequest,
    alter_client_quotas_request::{EntityData, EntryData, OpData},
    describe_client_quotas_request::ComponentData,
};

use super::{Cluster, KafkaError, Target, WireError, settled::settled, text};

/// Whose quotas they are: names by `user`, `client-id` or `ip`, `None` standing for all without quotas of their own.
pub(crate) type QuotaEntity = BTreeMap<&'static str, Option<String>>;

/// Quotas by name, in the order of the broker's answer.
pub(crate) type Quotas = Vec<(String, f64)>;

/// Which names of a kind are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntityFilter {
    Named(String),
    Default,
    Any,
}

/// The quotas of those that have something of exactly these kinds.
///
/// # Errors
/// No node answers, or it refuses.
pub(crate) async fn describe_quotas(
    cluster: &Cluster,
    filters: &[(&'static str, EntityFilter)],
) -> Result<Vec<(QuotaEntity, Quotas)>, WireError> {
    let component = |(kind, filter): &(&'static str, EntityFilter)| {
        let (how, name) = match filter {
            EntityFilter::Named(name) => (0, Some(text(name))),
            EntityFilter::Default => (1, None),
            EntityFilter::Any => (2, None),
        };
        ComponentData::default().with_entity_type(text(kind)).with_match_type(how).with_match(name)
    };
    let ask = async || {
        let request = |_| {
            DescribeClientQuotasRequest::default()
                .with_components(filters.iter().map(component).collect())
                .with_strict(true)
        };
        let answer = cluster.send(Target::Any, request).await?;
        KafkaError::check(answer.error_code, answer.error_message.as_ref())?;
        Ok(answer)
    };
    let answer = cluster.retrying("describeClientQuotas", ask).await?;
    let kind = |name: &str| filters.iter().map(|(kind, _)| *kind).find(|kind| *kind == name);
    let entry = |entry: &kafka_protocol::messages::describe_client_quotas_response::EntryData| {
        let entity = entry.entity.iter().filter_map(|of| {
            let name = of.entity_name.as_ref().map(|name| name.as_str().to_owned());
            Some((kind(of.entity_type.as_str())?, name))
        });
        let quotas = entry.values.iter().map(|quota| (quota.key.as_str().to_owned(), quota.value));
        (entity.collect(), quotas.collect())
    };
    Ok(answer.entries.iter().flatten().map(entry).collect())
}

/// Sets quotas, and unsets those that are `None`.
///
/// # Errors
/// The controller refuses.
pub(crate) async fn alter_quotas(
    cluster: &Cluster,
    entity: &QuotaEntity,
    changes: &[(String, Option<f64>)],
) -> Result<(), WireError> {
    let of = |(kind, name): (&&'static str, &Option<String>)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.as_deref().map(text))
    };
    let change = |(name, value): &(String, Option<f64>)| {
        OpData::default().with_key(text(name)).with_value(value.unwrap_or_default()).with_remove(value.is_none())
    };
    let entry = EntryData::default()
        .with_entity(entity.iter().map(of).collect())
        .with_ops(changes.iter().map(change).collect());
    let ask = async || {
        let request = |_| AlterClientQuotasRequest::default().with_entries(vec![entry.clone()]);
        let answer = cluster.send(Target::Controller, request).await?;
        settled(answer.entries.iter().map(|changed| (changed.error_code, changed.error_message.as_ref())))
    };
    Ok(cluster.retrying("alterClientQuotas", ask).await??)
}
