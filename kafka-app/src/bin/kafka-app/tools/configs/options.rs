//! The options of `kafka-configs`, and which of them go together.

use std::path::PathBuf;

use clap::Parser;

use super::entity::{Entities, EntityType};
use crate::tools::AnyConnection;

/// This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group.
#[derive(Debug, Parser)]
pub(crate) struct ConfigsTool {
    #[command(flatten)]
    pub(super) connection: AnyConnection,

    /// Change configs
    #[arg(long)]
    alter: bool,

    /// Show configs
    #[arg(long)]
    describe: bool,

    /// With --describe: all configs, not only those that were set for this one
    #[arg(long)]
    pub(super) all: bool,

    #[command(flatten)]
    pub(super) entities: Entities,

    /// With --alter: configs to set; a value with commas stands in square brackets
    #[arg(long, value_name = "NAME=VALUE,...")]
    pub(super) add_config: Option<String>,

    /// With --alter: a file of properties to set
    #[arg(long, value_name = "FILE")]
    pub(super) add_config_file: Option<PathBuf>,

    /// With --alter: configs to unset
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(super) delete_config: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Describe,
    Alter,
}

/// The addresses in it are checked elsewhere, as that asks name servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) action: Action,
    pub(super) kinds: Vec<EntityType>,
}

impl ConfigsTool {
    /// What is to be done with what.
    ///
    /// # Errors
    /// In the script's words: options are missing, exclude each other, or name what cannot be.
    pub(super) fn wish(&self) -> Result<Wish, String> {
        let action = match (self.describe, self.alter) {
            (true, false) => Action::Describe,
            (false, true) => Action::Alter,
            _ => return Err("Command must include exactly one action: --describe, --alter".to_owned()),
        };
        if action == Action::Describe {
            let changes =
                [(self.add_config.is_some(), "add-config"), (!self.delete_config.is_empty(), "delete-config")];
            if let Some((_, name)) = changes.iter().find(|(given, _)| *given) {
                return Err(format!("Option \"[describe]\" can't be used with option \"[{name}]\""));
            }
        }
        let kinds = self.entities.kinds()?;
        self.check_broker_ids(&kinds)?;
        match action {
            Action::Describe => self.check_describe(&kinds)?,
            Action::Alter => self.check_alter(&kinds)?,
        }
        Ok(Wish { action, kinds })
    }

    fn has_name(&self) -> bool {
        self.entities.names.iter().any(|name| !name.is_empty())
    }

    fn check_broker_ids(&self, kinds: &[EntityType]) -> Result<(), String> {
        let of_brokers = kinds.iter().find(|kind| [EntityType::Brokers, EntityType::BrokerLoggers].contains(kind));
        let Some(kind) = of_brokers else { return Ok(()) };
        let mut names = self.entities.names.iter().filter(|name| !name.is_empty());
        match names.find(|name| name.parse::<i32>().is_err()) {
            Some(name) => {
                Err(format!("The entity name for {} must be a valid integer broker id, but it is: {name}", kind.name()))
            }
            None => Ok(()),
        }
    }

    fn check_describe(&self, kinds: &[EntityType]) -> Result<(), String> {
        let names = || kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(",");
        if self.entities.default && !has_defaults(kinds) {
            return Err(format!("--entity-default must not be specified with --describe of {}", names()));
        }
        if kinds.contains(&EntityType::BrokerLoggers) && !self.has_name() {
            return Err(format!("An entity name must be specified with --describe of {}", names()));
        }
        Ok(())
    }

    fn check_alter(&self, kinds: &[EntityType]) -> Result<(), String> {
        if has_defaults(kinds) {
            if self.entities.names.is_empty() {
                return Err(
                    "An entity-name or default entity must be specified with --alter of users, clients, brokers or \
                            ips"
                    .to_owned(),
                );
            }
        } else if !self.has_name() {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            return Err(format!("An entity name must be specified with --alter of {}", names.join(",")));
        }
        if self.add_config.is_some() && self.add_config_file.is_some() {
            return Err("Only one of --add-config or --add-config-file must be specified".to_owned());
        }
        if self.add_config.is_none() && self.add_config_file.is_none() && self.delete_config.is_empty() {
            return Err(
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter"
                    .to_owned(),
            );
        }
        if kinds.len() != self.entities.names.len() {
            return Err("An entity name must be specified for every entity type".to_owned());
        }
        Ok(())
    }
}

/// Whether there are configs of those that have none of their own.
fn has_defaults(kinds: &[EntityType]) -> bool {
    let with = [EntityType::Users, EntityType::Clients, EntityType::Brokers, EntityType::Ips];
    kinds.iter().any(|kind| with.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(arguments: &str) -> Result<Wish, String> {
        let arguments = format!("kafka-configs --bootstrap-server a:1 {arguments}");
        ConfigsTool::try_parse_from(arguments.split_whitespace()).unwrap().wish()
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_in_the_scripts_words() {
        for (arguments, words) in [
            ("", "Command must include exactly one action: --describe, --alter"),
            ("--describe --alter --topic a", "Command must include exactly one action: --describe, --alter"),
            (
                "--describe --topic a --add-config b=1",
                "Option \"[describe]\" can't be used with option \"[add-config]\"",
            ),
            ("--describe", "At least one entity type must be specified"),
            (
                "--describe --broker abc",
                "The entity name for brokers must be a valid integer broker id, but it is: abc",
            ),
            (
                "--describe --entity-type topics --entity-default",
                "--entity-default must not be specified with --describe of topics",
            ),
            (
                "--describe --entity-type broker-loggers",
                "An entity name must be specified with --describe of broker-loggers",
            ),
            (
                "--alter --entity-type topics --entity-default --add-config a=1",
                "An entity name must be specified with --alter of topics",
            ),
            (
                "--alter --topic a",
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter",
            ),
            (
                "--alter --topic a --add-config a=1 --add-config-file b",
                "Only one of --add-config or --add-config-file must be specified",
            ),
            (
                "--alter --entity-type users --add-config a=1",
                "An entity-name or default entity must be specified with --alter of users, clients, brokers or ips",
            ),
            (
                "--alter --entity-type users --entity-name a --entity-type clients --add-config a=1",
                "An entity name must be specified for every entity type",
            ),
        ] {
            assert_eq!(wish(arguments).unwrap_err(), words, "{arguments}");
        }
    }

    #[test]
    fn what_goes_together_is_done() {
        let expected = Wish { action: Action::Alter, kinds: vec![EntityType::Brokers] };
        assert_eq!(wish("--alter --entity-type brokers --entity-default --add-config a=1"), Ok(expected.clone()));
        assert_eq!(wish("--alter --broker-defaults --delete-config a"), Ok(expected));
        assert!(wish("--describe --entity-type users --entity-name alice --entity-type clients").is_ok());
    }
}
