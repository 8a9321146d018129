//! The options of `kafka-topics`, and which of them go together.

use clap::Parser;

use crate::tools::Connection;

/// This tool helps to create, delete, describe, or change a topic.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "the script's options are flags")]
pub(crate) struct TopicsTool {
    #[command(flatten)]
    pub(super) connection: Connection,

    /// List all available topics
    #[arg(long)]
    pub(super) list: bool,

    /// Create a new topic
    #[arg(long)]
    pub(super) create: bool,

    /// Delete topics
    #[arg(long)]
    pub(super) delete: bool,

    /// Give topics more partitions; kafka-configs alters their configs
    #[arg(long)]
    pub(super) alter: bool,

    /// Show what there is to know of topics
    #[arg(long)]
    pub(super) describe: bool,

    /// The topic; but for --create, a regular expression, in which a comma is an "or"
    #[arg(long, value_name = "TOPIC")]
    pub(super) topic: Vec<String>,

    /// The id of the topic to describe
    #[arg(long, value_name = "ID")]
    pub(super) topic_id: Vec<String>,

    /// With --create: a config of the topic; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) config: Vec<String>,

    /// Not supported any more: kafka-configs deletes configs
    #[arg(long, value_name = "NAME")]
    pub(super) delete_config: Vec<String>,

    /// How many partitions there are to be; if not said with --create, as many as the cluster's default.
    /// Records with a key may come to lie in other partitions when there are more
    #[arg(long, value_name = "COUNT")]
    pub(super) partitions: Vec<String>,

    /// How many replicas each partition of the new topic is to have; if not said, the cluster's default
    #[arg(long, value_name = "COUNT")]
    pub(super) replication_factor: Vec<String>,

    /// Where the replicas lie: ids of brokers, with colons between those of a partition and commas between partitions
    #[arg(long, value_name = "ID:ID,...")]
    pub(super) replica_assignment: Vec<String>,

    /// With --describe: partitions with fewer replicas in sync than they have
    #[arg(long)]
    pub(super) under_replicated_partitions: bool,

    /// With --describe: partitions whose leader is not up
    #[arg(long)]
    pub(super) unavailable_partitions: bool,

    /// With --describe: partitions with fewer replicas in sync than min.insync.replicas says
    #[arg(long)]
    pub(super) under_min_isr_partitions: bool,

    /// With --describe: partitions with as many replicas in sync as min.insync.replicas says
    #[arg(long)]
    pub(super) at_min_isr_partitions: bool,

    /// With --describe: topics with configs that are not the default
    #[arg(long)]
    pub(super) topics_with_overrides: bool,

    /// With --alter, --delete and --describe: it is no error if there is no such topic
    #[arg(long)]
    pub(super) if_exists: bool,

    /// With --create: it is no error if there is such a topic
    #[arg(long)]
    pub(super) if_not_exists: bool,

    /// With --list and --describe: without Kafka's own topics
    #[arg(long)]
    pub(super) exclude_internal: bool,

    /// With --describe: how many partitions the broker may answer with at once
    #[arg(long, value_name = "COUNT")]
    pub(super) partition_size_limit_per_response: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Alter,
    Create,
    Describe,
    List,
    Delete,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::Alter => "alter",
            Self::Create => "create",
            Self::Describe => "describe",
            Self::List => "list",
            Self::Delete => "delete",
        }
    }
}

impl TopicsTool {
    /// What is to be done.
    ///
    /// # Errors
    /// In the script's words: nothing or more than one thing is, an option is missing, or two exclude each other.
    pub(super) fn action(&self) -> Result<Action, String> {
        let given = [
            (self.create, Action::Create),
            (self.list, Action::List),
            (self.alter, Action::Alter),
            (self.describe, Action::Describe),
            (self.delete, Action::Delete),
        ];
        let mut given = given.iter().filter(|(given, _)| *given).map(|(_, action)| *action);
        let (Some(action), None) = (given.next(), given.next()) else {
            let actions = "--list, --describe, --create, --alter or --delete";
            return Err(format!("Command must include exactly one action: {actions}"));
        };
        self.check_required(action)?;
        self.check_excluded(action)?;
        Ok(action)
    }

    fn check_required(&self, action: Action) -> Result<(), String> {
        let missing = |name| Err(format!("Missing required argument \"[{name}]\""));
        match action {
            Action::Describe if self.if_exists && self.topic.is_empty() && self.topic_id.is_empty() => {
                Err("--topic or --topic-id is required to describe a topic".to_owned())
            }
            Action::Create | Action::Alter | Action::Delete if self.topic.is_empty() => missing("topic"),
            Action::Alter if !self.config.is_empty() => Err("Option combination \"[[bootstrap-server], [config]]\" \
                can't be used with option \"[alter]\" (To alter topic configurations, the kafka-configs tool can be used.)"
                .to_owned()),
            Action::Alter if self.partitions.is_empty() => missing("partitions"),
            _ => Ok(()),
        }
    }

    fn check_excluded(&self, action: Action) -> Result<(), String> {
        use Action::{Alter, Create, Delete, Describe, List};
        let reports = [
            (self.under_replicated_partitions, "under-replicated-partitions"),
            (self.under_min_isr_partitions, "under-min-isr-partitions"),
            (self.at_min_isr_partitions, "at-min-isr-partitions"),
            (self.unavailable_partitions, "unavailable-partitions"),
        ];
        let mut only_with: Vec<(bool, &str, &[Action])> = vec![
            (!self.config.is_empty(), "config", &[Alter, Create]),
            (!self.partitions.is_empty(), "partitions", &[Alter, Create]),
            (!self.replication_factor.is_empty(), "replication-factor", &[Create]),
            (!self.replica_assignment.is_empty(), "replica-assignment", &[Alter, Create]),
            (self.topics_with_overrides, "topics-with-overrides", &[Describe]),
            (self.if_exists, "if-exists", &[Alter, Delete, Describe]),
            (self.if_not_exists, "if-not-exists", &[Create]),
            (self.exclude_internal, "exclude-internal", &[List, Describe]),
        ];
        only_with.extend(reports.map(|(given, name)| (given, name, [Describe].as_slice())));
        let excluded =
            |name: &str, other: &str| Err(format!("Option \"[{name}]\" can't be used with option \"[{other}]\""));
        for (given, name, actions) in only_with {
            if given && !actions.contains(&action) {
                return excluded(name, action.name());
            }
        }
        if action == Create && !self.replica_assignment.is_empty() {
            let counts = [(&self.partitions, "partitions"), (&self.replication_factor, "replication-factor")];
            if let Some((_, name)) = counts.iter().find(|(values, _)| !values.is_empty()) {
                return excluded("replica-assignment", name);
            }
        }
        match reports.iter().find(|(given, _)| *given) {
            Some((_, name)) if self.topics_with_overrides => excluded(name, "topics-with-overrides"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(arguments: &str) -> Result<Action, String> {
        let arguments = format!("kafka-topics --bootstrap-server a:1 {arguments}");
        TopicsTool::try_parse_from(arguments.split_whitespace()).unwrap().action()
    }

    #[test]
    fn there_is_exactly_one_action() {
        let refused = "Command must include exactly one action: --list, --describe, --create, --alter or --delete";
        assert_eq!(action("--list --describe").unwrap_err(), refused);
        assert_eq!(action("").unwrap_err(), refused);
        assert_eq!(action("--list"), Ok(Action::List));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(action("--create").unwrap_err(), "Missing required argument \"[topic]\"");
        assert_eq!(action("--delete").unwrap_err(), "Missing required argument \"[topic]\"");
        assert_eq!(action("--alter --topic a").unwrap_err(), "Missing required argument \"[partitions]\"");
        assert_eq!(
            action("--describe --if-exists").unwrap_err(),
            "--topic or --topic-id is required to describe a topic"
        );
    }

    #[test]
    fn options_that_exclude_each_other_are_named() {
        let refused = |arguments: &str| action(arguments).unwrap_err();
        assert_eq!(
            refused("--create --topic x --replica-assignment 1 --partitions 2"),
            "Option \"[replica-assignment]\" can't be used with option \"[partitions]\""
        );
        assert_eq!(
            refused("--describe --topic x --partitions 3"),
            "Option \"[partitions]\" can't be used with option \"[describe]\""
        );
        assert_eq!(refused("--list --if-exists"), "Option \"[if-exists]\" can't be used with option \"[list]\"");
        assert_eq!(
            refused("--alter --topic x --config a=1"),
            "Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" (To alter topic \
             configurations, the kafka-configs tool can be used.)"
        );
        assert!(action("--describe --unavailable-partitions --topics-with-overrides").is_err());
        assert_eq!(action("--alter --topic x --partitions 3 --replica-assignment 1,1,1"), Ok(Action::Alter));
    }
}
