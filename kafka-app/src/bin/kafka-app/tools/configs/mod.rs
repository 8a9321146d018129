//! `kafka-configs`: configs of topics, brokers, loggers, groups and client metrics, quotas, and passwords for SCRAM.

mod changes;
mod entity;
mod options;
mod quotas;
mod resources;
mod show;

pub(crate) use options::ConfigsTool;

use std::{collections::BTreeMap, io::Write};

use changes::Changes;
use entity::EntityType;
use options::{Action, Wish};
use tokio::net::lookup_host;

use super::{Output, ToolCommand, connection::read_properties};
use crate::failure::Failure;

impl ToolCommand for ConfigsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let Wish { action, kinds } = self.wish().map_err(Failure::Failed)?;
        let names = &self.entities.names;
        if kinds.contains(&EntityType::Ips) {
            check_addresses(names).await?;
        }
        let Some(&kind) = kinds.first() else { return Ok(0) };
        let of_quotas = [EntityType::Users, EntityType::Clients, EntityType::Ips].contains(&kind);
        match action {
            Action::Describe => {
                let cluster = self.connection.cluster("describeConfigs").await?;
                if of_quotas {
                    quotas::describe(&cluster, &kinds, names, out).await?;
                } else {
                    let name = names.first().map(String::as_str);
                    resources::describe(&cluster, kind, name, self.all, out).await?;
                }
            }
            Action::Alter => {
                let changes = self.changes()?;
                let name = names.first().map(String::as_str).unwrap_or_default();
                let cluster = self.connection.cluster("describeConfigs").await?;
                if of_quotas {
                    quotas::alter(&cluster, &kinds, names, &changes).await?;
                } else {
                    resources::alter(&cluster, kind, name, &changes).await?;
                }
                match name {
                    "" => writeln!(out, "Completed updating default config for {} in the cluster.", kind.name())?,
                    name => writeln!(out, "Completed updating config for {} {name}.", kind.singular())?,
                }
            }
        }
        Ok(0)
    }
}

impl ConfigsTool {
    fn changes(&self) -> Result<Changes, Failure> {
        let mut set = match &self.add_config_file {
            Some(path) => read_properties(path)?,
            None => BTreeMap::new(),
        };
        if let Some(pairs) = &self.add_config {
            set.extend(changes::pairs(pairs).map_err(Failure::Failed)?);
        }
        Changes::of(set, &self.delete_config).map_err(Failure::Failed)
    }
}

async fn check_addresses(names: &[String]) -> Result<(), Failure> {
    for name in names.iter().filter(|name| !name.is_empty()) {
        if lookup_host((name.as_str(), 0)).await.is_err() {
            let words = format!("The entity name for ips must be a valid IP or resolvable host, but it is: {name}");
            return Err(Failure::Failed(words));
        }
    }
    Ok(())
}
