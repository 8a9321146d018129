//! The options of `kafka-reassign-partitions`, and which of them go together.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Parser;

use super::{super::OptionalConnection, cancel::Cancel, execute::Execute, generate::Generate, verify::Verify};

/// This tool helps to move topic partitions between replicas.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
#[expect(clippy::struct_excessive_bools, reason = "so many switches the script has")]
pub(crate) struct ReassignTool {
    #[command(flatten)]
    pub(super) connection: OptionalConnection,

    /// Propose where the partitions of topics could lie, and change nothing
    #[arg(long)]
    generate: bool,

    /// Have partitions move to where a file says
    #[arg(long)]
    execute: bool,

    /// Say how far the moves of a file are; when all are done, throttles are cleared
    #[arg(long)]
    verify: bool,

    /// Have the moves of a file go back
    #[arg(long)]
    cancel: bool,

    /// List the partitions that move
    #[arg(long)]
    list: bool,

    /// Where partitions are to lie: {"version": 1, "partitions": [{"topic": "foo", "partition": 1, "replicas": [1, 2],
    /// "log_dirs": ["any", "/dir"]}]}, in which log_dirs may be left out
    #[arg(long, value_name = "FILE")]
    reassignment_json_file: Option<PathBuf>,

    /// With --generate: the topics, as {"version": 1, "topics": [{"topic": "foo"}]}
    #[arg(long, value_name = "FILE")]
    topics_to_move_json_file: Option<PathBuf>,

    /// With --generate: the brokers that the partitions are spread over
    #[arg(long, value_name = "ID,...")]
    broker_list: Option<String>,

    /// With --generate: whatever racks the brokers are in
    #[arg(long)]
    disable_rack_aware: bool,

    /// With --execute: at most so many bytes a second between brokers; at least 1024 make sense
    #[arg(long, value_name = "BYTES")]
    throttle: Option<i64>,

    /// With --execute: at most so many bytes a second between the directories of a broker
    #[arg(long, value_name = "BYTES")]
    replica_alter_log_dirs_throttle: Option<i64>,

    /// With --execute and --cancel: how long moves to other directories may take to begin [default: 10000]
    #[arg(long, value_name = "MS")]
    timeout: Option<i64>,

    /// With --execute: even if other partitions move; or to change the throttle of those that do
    #[arg(long)]
    additional: bool,

    /// With --verify and --cancel: leave throttles as they are
    #[arg(long)]
    preserve_throttles: bool,

    /// With --execute: refuse to change how many replicas a partition has
    #[arg(long)]
    disallow_replication_factor_change: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Action<'o> {
    Generate(Generate<'o>),
    Execute(Execute<'o>),
    Verify(Verify<'o>),
    Cancel(Cancel<'o>),
    List,
}

/// The options that name what is to be done, and which others are possible and necessary with each.
const ACTIONS: [(&str, &[&str], &[&str]); 5] = [
    ("generate", &["topics-to-move-json-file", "broker-list"], &["bootstrap-server", "disable-rack-aware"]),
    (
        "execute",
        &[REASSIGNMENT],
        &[
            "bootstrap-server",
            "additional",
            "throttle",
            "replica-alter-log-dirs-throttle",
            "timeout",
            "disallow-replication-factor-change",
        ],
    ),
    ("verify", &[REASSIGNMENT], &["bootstrap-server", "preserve-throttles"]),
    ("cancel", &[REASSIGNMENT], &["bootstrap-server", "bootstrap-controller", "preserve-throttles", "timeout"]),
    ("list", &[], &["bootstrap-server", "bootstrap-controller"]),
];
const REASSIGNMENT: &str = "reassignment-json-file";

impl ReassignTool {
    /// What is to be done with what.
    ///
    /// # Errors
    /// In the script's words: options are missing or exclude each other.
    pub(super) fn action(&self) -> Result<Action<'_>, String> {
        let given = self.given();
        let action = one_action(&given)?;
        let file = path(self.reassignment_json_file.as_deref());
        // More than Java's clocks could count is for ever.
        let timeout = Duration::from_millis(self.timeout.unwrap_or(10_000).try_into().unwrap_or(0));
        Ok(match action {
            "generate" => Action::Generate(Generate {
                file: path(self.topics_to_move_json_file.as_deref()),
                brokers: self.broker_list.as_deref().unwrap_or_default(),
                with_racks: !self.disable_rack_aware,
            }),
            "execute" => Action::Execute(Execute {
                file,
                additional: self.additional,
                throttle: self.throttle.filter(|rate| *rate >= 0),
                log_dirs_throttle: self.replica_alter_log_dirs_throttle.filter(|rate| *rate >= 0),
                timeout,
                may_change_factor: !self.disallow_replication_factor_change,
            }),
            "verify" => Action::Verify(Verify { file, keeps_throttles: self.preserve_throttles }),
            "cancel" => Action::Cancel(Cancel { file, keeps_throttles: self.preserve_throttles, timeout }),
            _ => Action::List,
        })
    }

    /// The names of the options that are given.
    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("generate", self.generate),
            ("execute", self.execute),
            ("verify", self.verify),
            ("cancel", self.cancel),
            ("list", self.list),
            ("bootstrap-server", self.connection.bootstrap_server.is_some()),
            ("bootstrap-controller", self.connection.bootstrap_controller.is_some()),
            (REASSIGNMENT, self.reassignment_json_file.is_some()),
            ("topics-to-move-json-file", self.topics_to_move_json_file.is_some()),
            ("broker-list", self.broker_list.is_some()),
            ("disable-rack-aware", self.disable_rack_aware),
            ("throttle", self.throttle.is_some()),
            ("replica-alter-log-dirs-throttle", self.replica_alter_log_dirs_throttle.is_some()),
            ("timeout", self.timeout.is_some()),
            ("additional", self.additional),
            ("preserve-throttles", self.preserve_throttles),
            ("disallow-replication-factor-change", self.disallow_replication_factor_change),
        ];
        all.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }
}

fn path(path: Option<&Path>) -> &Path {
    path.unwrap_or(Path::new(""))
}

/// The action that is given, if all other options go with it.
fn one_action(given: &[&str]) -> Result<&'static str, String> {
    let mut actions = ACTIONS.iter().filter(|(action, ..)| given.contains(action));
    let (Some((action, required, permitted)), None) = (actions.next(), actions.next()) else {
        let all = ACTIONS.map(|(action, ..)| format!("--{action}")).join(", ");
        return Err(format!("Command must include exactly one action: {all}"));
    };
    match (given.contains(&"bootstrap-server"), given.contains(&"bootstrap-controller")) {
        (true, true) => {
            return Err("Please don't specify both --bootstrap-server and --bootstrap-controller".to_owned());
        }
        (false, false) => return Err("Please specify either --bootstrap-server or --bootstrap-controller".to_owned()),
        _ => {}
    }
    if let Some(missing) = required.iter().find(|option| !given.contains(option)) {
        return Err(format!("Missing required argument \"[{missing}]\""));
    }
    let fits = |option: &&&str| *option == action || required.contains(option) || permitted.contains(option);
    match given.iter().find(|option| !fits(option)) {
        Some(option) => Err(format!("Option \"[{option}]\" can't be used with action \"[{action}]\"")),
        None => Ok(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(arguments: &str) -> String {
        let arguments = format!("kafka-reassign-partitions {arguments}");
        let tool = ReassignTool::try_parse_from(arguments.split_whitespace()).unwrap();
        tool.action().map(|action| format!("{action:?}")).unwrap_err()
    }

    #[test]
    fn options_that_do_not_go_together_are_refused_in_the_scripts_words() {
        let one = "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list";
        for (arguments, words) in [
            ("--bootstrap-server a:1", one),
            ("--bootstrap-server a:1 --list --execute", one),
            ("--list", "Please specify either --bootstrap-server or --bootstrap-controller"),
            (
                "--list --bootstrap-server a:1 --bootstrap-controller a:2",
                "Please don't specify both --bootstrap-server and --bootstrap-controller",
            ),
            ("--execute --bootstrap-server a:1", "Missing required argument \"[reassignment-json-file]\""),
            (
                "--generate --bootstrap-server a:1 --topics-to-move-json-file f",
                "Missing required argument \"[broker-list]\"",
            ),
            (
                "--list --bootstrap-server a:1 --throttle 3",
                "Option \"[throttle]\" can't be used with action \"[list]\"",
            ),
            (
                "--verify --bootstrap-controller a:1 --reassignment-json-file f",
                "Option \"[bootstrap-controller]\" can't be used with action \"[verify]\"",
            ),
        ] {
            assert_eq!(refused(arguments), words, "{arguments}");
        }
    }

    #[test]
    fn what_is_not_said_has_kafkas_defaults() {
        let arguments = "tool --bootstrap-server a:1 --execute --reassignment-json-file f --throttle -1";
        let tool = ReassignTool::command_for_tests(arguments);
        let Ok(Action::Execute(execute)) = tool.action() else { panic!("it is to execute") };
        assert_eq!((execute.throttle, execute.log_dirs_throttle), (None, None));
        assert_eq!(execute.timeout, Duration::from_secs(10));
        assert!(execute.may_change_factor && !execute.additional);
    }

    impl ReassignTool {
        fn command_for_tests(arguments: &str) -> Self {
            Self::try_parse_from(arguments.replace("--throttle -1", "--throttle=-1").split_whitespace()).unwrap()
        }
    }
}
