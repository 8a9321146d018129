//! The options of `kafka-acls`, and which of them go together.

use clap::Args;

use crate::tools::OptionalConnection;

/// What follows the name of the tool. Whether it makes sense is [`Options::action`]'s.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "so many switches the script has")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) connection: OptionalConnection,

    /// Add access control lists
    #[arg(long)]
    add: bool,

    /// Remove access control lists; asks first, unless --force is given
    #[arg(long)]
    remove: bool,

    /// List access control lists, of all resources unless some are named
    #[arg(long)]
    list: bool,

    /// A topic; * stands for all
    #[arg(long, value_name = "TOPIC")]
    pub(super) topic: Vec<String>,

    /// A group; * stands for all
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Vec<String>,

    /// The cluster
    #[arg(long)]
    pub(super) cluster: bool,

    /// A transactional id; * stands for all
    #[arg(long, value_name = "ID")]
    pub(super) transactional_id: Vec<String>,

    /// A delegation token; * stands for all
    #[arg(long, value_name = "TOKEN")]
    pub(super) delegation_token: Vec<String>,

    /// A user as a resource, for whom tokens are made or described
    #[arg(long, value_name = "PRINCIPAL")]
    pub(super) user_principal: Vec<String>,

    /// How names of resources are taken: literal or prefixed; to list and to remove also any or match
    #[arg(long, value_name = "TYPE", default_value = "literal")]
    pub(super) resource_pattern_type: String,

    /// What is allowed or denied: Read, Write, Create, Delete, Alter, Describe, ClusterAction, DescribeConfigs,
    /// AlterConfigs, IdempotentWrite, CreateTokens, DescribeTokens, TwoPhaseCommit, All
    #[arg(long, value_name = "OPERATION")]
    pub(super) operation: Vec<String>,

    /// Who may, as User:name; User:* stands for all
    #[arg(long, value_name = "TYPE:NAME")]
    pub(super) allow_principal: Vec<String>,

    /// Who may not; this counts more than what is allowed
    #[arg(long, value_name = "TYPE:NAME")]
    pub(super) deny_principal: Vec<String>,

    /// With --list: only what these may or may not
    #[arg(long, value_name = "TYPE:NAME", num_args = 0..=1, default_missing_value = "")]
    pub(super) principal: Vec<String>,

    /// From which address those who may may; from any without it
    #[arg(long, value_name = "HOST")]
    pub(super) allow_host: Vec<String>,

    /// From which address those who may not may not; from any without it
    #[arg(long, value_name = "HOST")]
    pub(super) deny_host: Vec<String>,

    /// What a producer needs: Write, Describe and Create on topics, Write and Describe on transactional ids
    #[arg(long)]
    pub(super) producer: bool,

    /// What a consumer needs: Read and Describe on topics, Read on groups
    #[arg(long)]
    pub(super) consumer: bool,

    /// With --producer: what an idempotent one needs
    #[arg(long)]
    pub(super) idempotent: bool,

    /// Do not ask
    #[arg(long)]
    pub(super) force: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Add,
    Remove,
    List,
}

impl Options {
    /// The one thing that is to be done.
    ///
    /// # Errors
    /// The options do not go together, in the words of the script.
    pub(super) fn action(&self) -> Result<Action, String> {
        self.check_servers()?;
        let action = match (self.add, self.remove, self.list) {
            (true, false, false) => Action::Add,
            (false, true, false) => Action::Remove,
            (false, false, true) => Action::List,
            _ => return Err("Command must include exactly one action: --list, --add, --remove.".to_owned()),
        };
        self.check_conflicts()?;
        self.check_conveniences()?;
        Ok(action)
    }

    fn check_servers(&self) -> Result<(), String> {
        let servers = "--bootstrap-server or --bootstrap-controller";
        match (&self.connection.bootstrap_server, &self.connection.bootstrap_controller) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => Err(format!("Only one of {servers} must be specified")),
            (None, None) => Err(format!("One of {servers} must be specified")),
        }
    }

    fn check_conflicts(&self) -> Result<(), String> {
        let given = |name: &'static str| (name, self.is_given(name));
        let denials = [given("operation"), given("deny-principal"), given("deny-host")];
        let names = ["producer", "consumer", "allow-host", "allow-principal", "deny-host", "deny-principal"];
        excludes("list", self.list, &names.map(given))?;
        excludes("producer", self.producer, &denials)?;
        excludes("consumer", self.consumer, &denials)
    }

    fn is_given(&self, name: &str) -> bool {
        match name {
            "producer" => self.producer,
            "consumer" => self.consumer,
            "operation" => !self.operation.is_empty(),
            "allow-host" => !self.allow_host.is_empty(),
            "allow-principal" => !self.allow_principal.is_empty(),
            "deny-host" => !self.deny_host.is_empty(),
            "deny-principal" => !self.deny_principal.is_empty(),
            _ => false,
        }
    }

    fn check_conveniences(&self) -> Result<(), String> {
        let refuse = |text: &str| Err(text.to_owned());
        if !self.principal.is_empty() && !self.list {
            return refuse("The --principal option is only available if --list is set");
        }
        if self.producer && self.topic.is_empty() {
            return refuse("With --producer you must specify a --topic");
        }
        if self.idempotent && !self.producer {
            return refuse("The --idempotent option is only available if --producer is set");
        }
        let others = self.cluster || !self.transactional_id.is_empty();
        if self.consumer && (self.topic.is_empty() || self.group.is_empty() || (!self.producer && others)) {
            return refuse(
                "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option \
                 should be specified.",
            );
        }
        Ok(())
    }
}

fn excludes(name: &str, is_given: bool, others: &[(&str, bool)]) -> Result<(), String> {
    match others.iter().find(|&&(_, other)| is_given && other) {
        Some((other, _)) => Err(format!("Option \"[{name}]\" can't be used with option \"[{other}]\"")),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    /// The options that are said.
    pub(in crate::tools::acls) fn options(said: &str) -> Options {
        Line::parse_from(["--bootstrap-server", "b:1"].into_iter().chain(said.split_whitespace())).options
    }

    #[test]
    fn mistakes_are_told_in_the_words_of_the_script() {
        for (said, told) in [
            ("", "Command must include exactly one action: --list, --add, --remove."),
            ("--list --add", "Command must include exactly one action: --list, --add, --remove."),
            ("--list --producer", "Option \"[list]\" can't be used with option \"[producer]\""),
            (
                "--add --producer --topic t --operation read",
                "Option \"[producer]\" can't be used with option \"[operation]\"",
            ),
            ("--add --principal User:a", "The --principal option is only available if --list is set"),
            ("--add --producer", "With --producer you must specify a --topic"),
            ("--add --idempotent --topic t", "The --idempotent option is only available if --producer is set"),
            (
                "--add --consumer --topic t",
                "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id \
                 option should be specified.",
            ),
            (
                "--list --bootstrap-controller c:1",
                "Only one of --bootstrap-server or --bootstrap-controller must be specified",
            ),
        ] {
            assert_eq!(options(said).action(), Err(told.to_owned()), "{said}");
        }
    }

    #[test]
    fn each_action_is_found() {
        assert_eq!(options("--list --principal User:a").action(), Ok(Action::List));
        assert_eq!(options("--add --consumer --producer --topic t --group g --cluster").action(), Ok(Action::Add));
        assert_eq!(options("--remove --topic t").action(), Ok(Action::Remove));
    }
}
