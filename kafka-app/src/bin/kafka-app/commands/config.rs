//! `kafka-app config`: the configs of topics, brokers and groups, one by one. Those that are not named stay as they are.

use std::str::FromStr;

use clap::{Args, Subcommand};
use kafka_app::admin::{AdminClient, AlterConfigOp, ConfigEntry, ConfigResource};
use serde_json::json;

use super::{Answer, ClusterOptions, OutputOptions, done_with, table::Table};
use crate::{arguments::key_and_value, failure::Failure};

#[derive(Debug, Args)]
#[command(about = "Show and change the configs of topics, brokers and groups", arg_required_else_help = true)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(Get),
    Set(Set),
    Unset(Unset),
}

/// What has configs, as it is written: `topic/orders`, `broker/1`, `group/billing`.
#[derive(Debug, Clone)]
struct Resource(ConfigResource);

impl FromStr for Resource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text} is none of topic/NAME, broker/ID and group/NAME");
        let (kind, name) = text.split_once('/').filter(|(_, name)| !name.is_empty()).ok_or_else(unknown)?;
        match kind {
            "topic" => Ok(Self(ConfigResource::topic(name))),
            "group" => Ok(Self(ConfigResource::group(name))),
            "broker" => name.parse().map(|id| Self(ConfigResource::Broker(id))).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

/// Show configs and where they are said
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app config get topic/orders\n  \
    kafka-app config get topic/orders retention.ms cleanup.policy\n  \
    kafka-app config get broker/1 --all -o csv")]
struct Get {
    /// Whose: topic/NAME, broker/ID or group/NAME
    #[arg(value_name = "WHOSE")]
    resource: Resource,
    /// Which; without any, those that are not Kafka's defaults
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Kafka's defaults, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: OutputOptions,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Set configs, and leave the others as they are
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    kafka-app config set topic/orders retention.ms=86400000 cleanup.policy=compact,delete\n  \
    kafka-app config set group/billing consumer.session.timeout.ms=60000")]
struct Set {
    /// Whose: topic/NAME, broker/ID or group/NAME
    #[arg(value_name = "WHOSE")]
    resource: Resource,
    /// What, by Kafka's names
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = key_and_value)]
    configs: Vec<(String, String)>,
    #[command(flatten)]
    cluster: ClusterOptions,
}

/// Take configs back, so that what holds without them counts again
#[derive(Debug, Args)]
#[command(after_long_help = "Example:\n  kafka-app config unset topic/orders retention.ms")]
struct Unset {
    /// Whose: topic/NAME, broker/ID or group/NAME
    #[arg(value_name = "WHOSE")]
    resource: Resource,
    /// Which, by Kafka's names
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    cluster: ClusterOptions,
}

impl ConfigCommand {
    pub(crate) async fn run(self) -> Answer {
        match self.command {
            Command::Get(get) => get.run().await,
            Command::Set(Set { resource, configs, cluster }) => {
                let changes = configs.into_iter().map(|(key, value)| (key, AlterConfigOp::Set(value))).collect();
                alter(&cluster.admin()?, resource.0, changes).await
            }
            Command::Unset(Unset { resource, keys, cluster }) => {
                let changes = keys.into_iter().map(|key| (key, AlterConfigOp::Delete)).collect();
                alter(&cluster.admin()?, resource.0, changes).await
            }
        }
    }
}

/// Changes configs, and says which.
pub(super) async fn alter(
    admin: &AdminClient,
    resource: ConfigResource,
    changes: Vec<(String, AlterConfigOp)>,
) -> Answer {
    let said: Vec<_> = changes
        .iter()
        .map(|(key, change)| match change {
            AlterConfigOp::Set(value) => format!("{key} = {value}"),
            _ => format!("{key} unset"),
        })
        .collect();
    let done = admin.alter_configs_incrementally([(resource, changes)]).await?;
    done_with(done, |resource, ()| format!("{resource}: {}", said.join(", ")))
}

impl Get {
    async fn run(self) -> Answer {
        let Resource(resource) = self.resource;
        let mut answer = self.cluster.admin()?.describe_configs([resource.clone()]).await?;
        let configs = answer.remove(&resource).unwrap_or_else(|| Ok(Default::default()));
        let configs = configs.map_err(|error| Failure::Failed(format!("{resource}: {error}")))?;
        if let Some(unknown) = self.keys.iter().find(|key| !configs.contains_key(*key)) {
            return Err(Failure::Failed(format!("{resource} has no config {unknown}: --all lists those it has")));
        }
        let is_wanted = |entry: &&ConfigEntry| match self.keys.is_empty() {
            true => self.all || !entry.is_default,
            false => self.keys.contains(&entry.name),
        };
        table(configs.values().filter(is_wanted)).render(self.output.output)
    }
}

/// Configs as every command shows them.
pub(super) fn table<'e>(entries: impl Iterator<Item = &'e ConfigEntry>) -> Table {
    let mut table = Table::new(["key", "value", "source"]);
    for entry in entries {
        let value = if entry.is_sensitive { json!("(sensitive)") } else { json!(entry.value) };
        table.row([json!(entry.name), value, json!(entry.source.to_string())]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_configs_is_a_kind_and_a_name() {
        let read = |text: &str| text.parse::<Resource>().map(|Resource(resource)| resource);
        assert_eq!(read("topic/orders"), Ok(ConfigResource::topic("orders")));
        assert_eq!(read("group/a/b"), Ok(ConfigResource::group("a/b")));
        assert_eq!(read("broker/1"), Ok(ConfigResource::Broker(1)));
        for crooked in ["orders", "topic/", "broker/one", "user/alice", ""] {
            assert!(read(crooked).unwrap_err().contains("none of topic/NAME"), "{crooked}");
        }
    }
}
