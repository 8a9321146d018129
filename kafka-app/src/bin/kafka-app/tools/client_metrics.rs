//! `kafka-client-metrics`: which metrics brokers want to be told by clients.

use std::io::Write;

use clap::Parser;

use super::{
    Connection, Output, ToolCommand,
    java_order::{DEFAULT_CAPACITY, by_hash},
    kafka_uuid,
};
use crate::{
    failure::Failure,
    wire::{
        Change, ClientSettings, Cluster, Config, ResourceType, WireError, alter_configs, describe_configs,
        list_config_resources,
    },
};

/// This tool helps to manipulate and describe client metrics configurations.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "the script's options are flags")]
pub(crate) struct ClientMetricsTool {
    #[command(flatten)]
    connection: Connection,

    /// Make a subscription, or change one
    #[arg(long)]
    alter: bool,

    /// Delete a subscription
    #[arg(long)]
    delete: bool,

    /// Show subscriptions
    #[arg(long)]
    describe: bool,

    /// List the names of subscriptions
    #[arg(long)]
    list: bool,

    /// The name of the subscription
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Make a name up
    #[arg(long)]
    generate_name: bool,

    /// How often clients push, in milliseconds; empty for the default
    #[arg(long, value_name = "MILLISECONDS")]
    interval: Option<String>,

    /// Which clients, by client_id, client_instance_id, client_software_name, client_software_version, client_source_address
    /// and client_source_port
    #[arg(long, value_name = "NAME=VALUE,...")]
    r#match: Vec<String>,

    /// Which metrics, by the beginnings of their names
    #[arg(long, value_name = "PREFIX,...")]
    metrics: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Alter,
    Delete,
    Describe,
    List,
}

impl ToolCommand for ClientMetricsTool {
    async fn run(self, out: &mut Output) -> Result<u8, Failure> {
        let action = self.action().map_err(Failure::Failed)?;
        let settings = ClientSettings::of(&self.connection.properties()?)?;
        match self.act(action, settings).await {
            Ok(printed) => {
                out.write_all(printed.as_bytes())?;
                Ok(0)
            }
            Err(error) => {
                writeln!(out, "Error while executing client metrics command : {}", error.message())?;
                Ok(1)
            }
        }
    }
}

impl ClientMetricsTool {
    fn action(&self) -> Result<Action, String> {
        let given = [
            (self.alter, Action::Alter),
            (self.delete, Action::Delete),
            (self.describe, Action::Describe),
            (self.list, Action::List),
        ];
        let mut given = given.iter().filter(|(given, _)| *given).map(|(_, action)| *action);
        let (Some(action), None) = (given.next(), given.next()) else {
            return Err("Command must include exactly one action: --alter, --delete, --describe or --list.".to_owned());
        };
        let of_alter = [
            (self.generate_name, "generate-name"),
            (self.interval.is_some(), "interval"),
            (!self.r#match.is_empty(), "match"),
            (!self.metrics.is_empty(), "metrics"),
        ];
        let named = (self.name.is_some() && action == Action::List, "name");
        if let Some((_, name)) = [named].iter().chain(&of_alter).find(|(given, _)| *given)
            && action != Action::Alter
        {
            let action = format!("{action:?}").to_ascii_lowercase();
            return Err(format!("Option \"[{action}]\" can't be used with option \"[{name}]\""));
        }
        match action {
            Action::Alter if self.name.is_some() == self.generate_name => {
                Err("One of --name or --generate-name must be specified with --alter.".to_owned())
            }
            Action::Alter
                if self.interval.as_ref().is_some_and(|text| !text.is_empty() && text.parse::<i32>().is_err()) =>
            {
                Err("Invalid interval value. Enter an integer, or leave empty to reset.".to_owned())
            }
            Action::Delete if self.name.is_none() => {
                Err("A client metrics resource name must be specified with --delete.".to_owned())
            }
            action => Ok(action),
        }
    }

    /// Does it, and says what is to be printed.
    async fn act(&self, action: Action, settings: ClientSettings) -> Result<String, WireError> {
        let call = if action == Action::Alter { "incrementalAlterConfigs" } else { "listConfigResources" };
        let cluster = Cluster::connect(settings, call).await?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => kafka_uuid::format(*uuid::Uuid::new_v4().as_bytes()),
        };
        match action {
            Action::Alter => {
                alter_configs(&cluster, ResourceType::ClientMetrics, &name, &self.changes()).await?;
                Ok(format!("Altered client metrics config for {name}.\n"))
            }
            Action::Delete => {
                let configs = configs(&cluster, &name).await?;
                let gone: Vec<_> = configs.into_iter().map(|config| (config.name, Change::Delete)).collect();
                alter_configs(&cluster, ResourceType::ClientMetrics, &name, &gone).await?;
                Ok(format!("Deleted client metrics config for {name}.\n"))
            }
            Action::Describe => {
                let known = list_config_resources(&cluster, ResourceType::ClientMetrics).await?;
                let names = match &self.name {
                    Some(name) if !known.contains(name) => {
                        return Ok(format!(
                            "The client metric resource {name} doesn't exist and doesn't have dynamic config.\n"
                        ));
                    }
                    Some(name) => vec![name.clone()],
                    None => known,
                };
                let mut printed = String::new();
                for name in names {
                    printed.push_str(&described(&name, configs(&cluster, &name).await?));
                }
                Ok(printed)
            }
            Action::List => {
                let known = list_config_resources(&cluster, ResourceType::ClientMetrics).await?;
                Ok(format!("{}\n", known.join("\n")))
            }
        }
    }

    fn changes(&self) -> Vec<(String, Change)> {
        let lists = |values: &[String]| (!values.is_empty()).then(|| values.join(","));
        let wanted = [
            ("interval.ms", self.interval.clone()),
            ("metrics", lists(&self.metrics)),
            ("match", lists(&self.r#match)),
        ];
        let change = |(name, value): (&str, Option<String>)| {
            let value = value?;
            Some((name.to_owned(), if value.is_empty() { Change::Delete } else { Change::Set(value) }))
        };
        wanted.into_iter().filter_map(change).collect()
    }
}

async fn configs(cluster: &Cluster, name: &str) -> Result<Vec<Config>, WireError> {
    let mut configs = describe_configs(cluster, ResourceType::ClientMetrics, &[name.to_owned()], false).await?;
    Ok(configs.remove(name).transpose()?.unwrap_or_default())
}

fn described(name: &str, mut configs: Vec<Config>) -> String {
    by_hash(&mut configs, DEFAULT_CAPACITY, |config| &config.name);
    let line = |config: &Config| format!("  {}={}\n", config.name, config.value.as_deref().unwrap_or("null"));
    let lines: String = configs.iter().map(line).collect();
    format!("Client metrics configs for {name} are:\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(arguments: &str) -> ClientMetricsTool {
        let arguments = format!("kafka-client-metrics --bootstrap-server a:1 {arguments}");
        ClientMetricsTool::try_parse_from(arguments.split_whitespace()).unwrap()
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_in_the_scripts_words() {
        for (arguments, words) in [
            ("--list --describe", "Command must include exactly one action: --alter, --delete, --describe or --list."),
            ("--list --name a", "Option \"[list]\" can't be used with option \"[name]\""),
            ("--delete --name a --interval 1", "Option \"[delete]\" can't be used with option \"[interval]\""),
            ("--alter", "One of --name or --generate-name must be specified with --alter."),
            ("--alter --name a --generate-name", "One of --name or --generate-name must be specified with --alter."),
            ("--alter --name a --interval x", "Invalid interval value. Enter an integer, or leave empty to reset."),
            ("--delete", "A client metrics resource name must be specified with --delete."),
        ] {
            assert_eq!(tool(arguments).action().unwrap_err(), words, "{arguments}");
        }
        assert_eq!(tool("--describe --name a").action(), Ok(Action::Describe));
    }

    #[test]
    fn what_is_empty_is_unset() {
        let changes = tool("--alter --name a --interval= --metrics a.,b.").changes();
        let set = Change::Set("a.,b.".to_owned());
        assert_eq!(changes, [("interval.ms".to_owned(), Change::Delete), ("metrics".to_owned(), set)]);
    }
}
