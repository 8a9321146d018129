//! What is true after a row of facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::record::{StateRecord, TopicFacts};
use crate::config::layers::Configs;
use crate::coordinator::group::Group;
use crate::coordinator::transaction::record::{Metadata, TransactionRecord};
use crate::quotas::entity::{Entity, Values};
use crate::replication::Remembered;
use crate::security::acl::binding::Acl;
use crate::security::sasl::scram::ScramHash;
use crate::security::sasl::scram::credentials::{ScramChange, ScramCredential};

/// A cluster as its facts say it.
#[derive(Debug, Default)]
pub(crate) struct StateImage {
    pub(crate) topics: BTreeMap<Uuid, TopicFacts>,
    /// Of the partitions of which anything was said.
    pub(crate) replicas: BTreeMap<(Uuid, i32), Remembered>,
    /// Topics that were deleted since the log was compacted: a crash may have left something of theirs.
    pub(crate) deleted: BTreeSet<Uuid>,
    pub(crate) broker_configs: BTreeMap<Option<i32>, Configs>,
    pub(crate) group_configs: BTreeMap<String, Configs>,
    pub(crate) client_metrics: BTreeMap<String, Configs>,
    pub(crate) quotas: BTreeMap<Entity, Values>,
    pub(crate) scram: BTreeMap<(String, ScramHash), ScramCredential>,
    pub(crate) acls: BTreeSet<Acl>,
    /// Of those that were ever moved.
    pub(crate) features: BTreeMap<String, i16>,
    pub(crate) next_producer_id: i64,
    pub(crate) groups: BTreeMap<Arc<str>, Group>,
    pub(crate) transactions: BTreeMap<Arc<str>, Metadata>,
}

impl StateImage {
    /// Makes one more fact true.
    pub(crate) fn replay(&mut self, record: StateRecord) {
        match record {
            StateRecord::Topic(topic) => _ = self.topics.insert(topic.id, topic),
            StateRecord::TopicDeleted(id) => {
                self.topics.remove(&id);
                self.replicas.retain(|(topic, _), _| *topic != id);
                self.deleted.insert(id);
            }
            StateRecord::Replicas { topic, partition, remembered } => {
                self.replicas.insert((topic, partition), remembered);
            }
            StateRecord::BrokerConfigs { node, configs } => _ = self.broker_configs.insert(node, configs),
            StateRecord::GroupConfigs { group, configs } => _ = self.group_configs.insert(group, configs),
            StateRecord::ClientMetrics { name, configs } if configs.is_empty() => {
                self.client_metrics.remove(&name);
            }
            StateRecord::ClientMetrics { name, configs } => _ = self.client_metrics.insert(name, configs),
            StateRecord::ClientQuotas { entity, values } if values.is_empty() => _ = self.quotas.remove(&entity),
            StateRecord::ClientQuotas { entity, values } => _ = self.quotas.insert(entity, values),
            StateRecord::ScramCredential(ScramChange { user, hash, credential }) => match credential {
                Some(credential) => _ = self.scram.insert((user, hash), credential),
                None => _ = self.scram.remove(&(user, hash)),
            },
            StateRecord::Acl(acl) => _ = self.acls.insert(acl),
            StateRecord::AclRemoved(acl) => _ = self.acls.remove(&acl),
            StateRecord::FeatureLevel { name, level } => _ = self.features.insert(name, level),
            StateRecord::ProducerIds { next } => self.next_producer_id = next,
            StateRecord::Group { id, record } => {
                let group = self.groups.entry(Arc::clone(&id)).or_insert_with(Group::new);
                group.replay(&record);
                if !group.exists() {
                    self.groups.remove(&id);
                }
            }
            StateRecord::Transaction { id, record: TransactionRecord::Metadata(metadata) } => {
                self.transactions.insert(id, metadata);
            }
            StateRecord::Transaction { id, record: TransactionRecord::Expired } => _ = self.transactions.remove(&id),
        }
    }

    /// The fewest facts that make an image like this one.
    pub(crate) fn facts(&self) -> Vec<StateRecord> {
        let mut facts: Vec<_> = self.topics.values().cloned().map(StateRecord::Topic).collect();
        for (&(topic, partition), remembered) in &self.replicas {
            facts.push(StateRecord::Replicas { topic, partition, remembered: remembered.clone() });
        }
        for (&node, configs) in &self.broker_configs {
            facts.push(StateRecord::BrokerConfigs { node, configs: configs.clone() });
        }
        for (group, configs) in &self.group_configs {
            facts.push(StateRecord::GroupConfigs { group: group.clone(), configs: configs.clone() });
        }
        for (name, configs) in &self.client_metrics {
            facts.push(StateRecord::ClientMetrics { name: name.clone(), configs: configs.clone() });
        }
        self.facts_of_access(&mut facts);
        facts.push(StateRecord::ProducerIds { next: self.next_producer_id });
        for (id, group) in &self.groups {
            facts.extend(group.facts().into_iter().map(|record| StateRecord::Group { id: Arc::clone(id), record }));
        }
        for (id, metadata) in &self.transactions {
            let record = TransactionRecord::Metadata(metadata.clone());
            facts.push(StateRecord::Transaction { id: Arc::clone(id), record });
        }
        facts
    }

    /// What clients may do, and how much of it.
    fn facts_of_access(&self, facts: &mut Vec<StateRecord>) {
        for (entity, values) in &self.quotas {
            facts.push(StateRecord::ClientQuotas { entity: entity.clone(), values: values.clone() });
        }
        for ((user, hash), credential) in &self.scram {
            let change = ScramChange { user: user.clone(), hash: *hash, credential: Some(credential.clone()) };
            facts.push(StateRecord::ScramCredential(change));
        }
        facts.extend(self.acls.iter().cloned().map(StateRecord::Acl));
        for (name, &level) in &self.features {
            facts.push(StateRecord::FeatureLevel { name: name.clone(), level });
        }
    }
}
