//! The configs of groups and of client metrics: kept by name, whether or not there is such a group or client.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Cluster;
use crate::config::client_metrics::Subscription;
use crate::config::group_config;
use crate::config::layers::Configs;
use crate::coordinator::group::config::GroupConfig;
use crate::error::{Error, ErrorCode};
use crate::state::StateRecord;

/// All of them at one moment.
#[derive(Debug, Default, Clone)]
pub(crate) struct ResourceConfigs {
    groups: BTreeMap<String, GroupEntry>,
    client_metrics: BTreeMap<String, (Configs, Arc<Subscription>)>,
    /// How often client metrics have changed: clients are then told anew what to push.
    client_metrics_version: u64,
}

#[derive(Debug, Clone)]
struct GroupEntry {
    configs: Configs,
    resolved: Arc<GroupConfig>,
}

impl ResourceConfigs {
    /// What was set for a group.
    pub(crate) fn group(&self, name: &str) -> Configs {
        self.groups.get(name).map(|entry| entry.configs.clone()).unwrap_or_default()
    }

    /// Groups that were ever given configs: as in Kafka, one that has lost them all stays.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.keys().map(String::as_str)
    }

    pub(super) fn set_group(&mut self, name: &str, configs: Configs, defaults: &GroupConfig) {
        let resolved = Arc::new(group_config::resolve(defaults, &configs));
        self.groups.insert(name.to_owned(), GroupEntry { configs, resolved });
    }

    pub(super) fn set_client_metrics(&mut self, name: &str, configs: Configs, subscription: Arc<Subscription>) {
        self.client_metrics_version += 1;
        if configs.is_empty() {
            self.client_metrics.remove(name);
        } else {
            self.client_metrics.insert(name.to_owned(), (configs, subscription));
        }
    }

    /// What was set for a client metrics resource.
    pub(crate) fn client_metrics(&self, name: &str) -> Configs {
        self.client_metrics.get(name).map(|(configs, _)| configs.clone()).unwrap_or_default()
    }

    pub(crate) fn client_metrics_version(&self) -> u64 {
        self.client_metrics_version
    }

    /// Every client metrics resource and its subscription, by name.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = (&str, &Arc<Subscription>)> {
        self.client_metrics.iter().map(|(name, (_, subscription))| (name.as_str(), subscription))
    }
}

impl Cluster {
    /// The configs of groups and client metrics, as they are now.
    pub(crate) fn resource_configs(&self) -> Arc<ResourceConfigs> {
        Arc::clone(&self.resource_configs.read())
    }

    /// What the coordinator goes by for a group: the broker's settings, and over them what was set for the group.
    pub(crate) fn group_config(&self, group: &str) -> Arc<GroupConfig> {
        let configs = self.resource_configs.read();
        configs.groups.get(group).map_or_else(|| Arc::clone(&self.group_defaults), |entry| Arc::clone(&entry.resolved))
    }

    /// Changes a group's configs by `change`, which is given the present ones; only looks when `validate_only`.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, `INVALID_CONFIG`, or what `change` says.
    pub(crate) fn alter_group_configs(
        &self,
        name: &str,
        validate_only: bool,
        change: impl FnOnce(&Configs) -> Result<Configs, Error>,
    ) -> Result<(), Error> {
        if name.is_empty() {
            return Err(Error::with_code(ErrorCode::InvalidRequest, "Default group resources are not allowed."));
        }
        let _one_at_a_time = self.changes.lock();
        let configs = change(&self.resource_configs().group(name))?;
        group_config::check(&self.broker_configs(), self.first_node(), &configs)?;
        let fact = || StateRecord::GroupConfigs { group: name.to_owned(), configs: configs.clone() };
        self.alter_resource(validate_only, fact, |all| all.set_group(name, configs.clone(), &self.group_defaults))
    }

    /// As [`alter_group_configs`](Self::alter_group_configs), for client metrics; a resource without configs is gone.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST`, `INVALID_CONFIG`, or what `change` says.
    pub(crate) fn alter_client_metrics(
        &self,
        name: &str,
        validate_only: bool,
        change: impl FnOnce(&Configs) -> Result<Configs, Error>,
    ) -> Result<(), Error> {
        if name.is_empty() {
            return Err(Error::with_code(ErrorCode::InvalidRequest, "Subscription name can't be empty"));
        }
        let _one_at_a_time = self.changes.lock();
        let configs = change(&self.resource_configs().client_metrics(name))?;
        let subscription = Arc::new(Subscription::read(&configs)?);
        let fact = || StateRecord::ClientMetrics { name: name.to_owned(), configs: configs.clone() };
        self.alter_resource(validate_only, fact, |all| all.set_client_metrics(name, configs.clone(), subscription))
    }

    /// Keeps a change that was checked, and makes it. Whoever looks at the configs meanwhile goes on with what they were;
    /// if nobody does, nothing is copied: a request may change thousands.
    fn alter_resource(
        &self,
        validate_only: bool,
        fact: impl FnOnce() -> StateRecord,
        change: impl FnOnce(&mut ResourceConfigs),
    ) -> Result<(), Error> {
        if !validate_only {
            self.state.keep(|| [fact()])?;
            change(Arc::make_mut(&mut self.resource_configs.write()));
            self.metadata_changed();
        }
        Ok(())
    }
}
