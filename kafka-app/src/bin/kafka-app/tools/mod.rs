//! Kafka's own lines: each of its scripts, with its options, its output and its exit codes.
//!
//! One file a tool. They are reached as `kafka-app kafka-topics --list …`, or through a link to this program that has the
//! name of a script (`kafka-topics`, `kafka-topics.sh`). What they print is Apache Kafka 4.1.1's, recorded from it and
//! compared with it by `tests/conformance/command-lines`; wrong usage may be answered in better words.

mod acls;
mod api_versions;
mod client;
mod client_metrics;
mod cluster;
mod configs;
mod connection;
mod console;
mod consumer_groups;
mod delete_records;
mod features;
mod get_offsets;
mod groups;
mod jaas;
mod java_order;
mod kafka_uuid;
mod leader_election;
mod log_dirs;
mod metadata_quorum;
mod once;
mod patterns;
mod perf;
mod reassign;
mod topics;
mod transactions;
mod verifiable;

pub(crate) use connection::{AnyConnection, Connection, OptionalConnection, Servers};
pub(crate) use patterns::IncludeList;

use std::{
    ffi::{OsStr, OsString},
    io::{self, BufWriter, Stdout, Write},
    path::Path,
    process::ExitCode,
};

use clap::{Arg, ArgAction, Parser, error::ErrorKind};

use crate::failure::Failure;

/// The Kafka whose scripts these are: what they answer to `--version`.
const KAFKA_VERSION: &str = "4.1.1";

/// Where a tool prints: standard output, written to when a tool ends or asks for it.
pub(crate) type Output = BufWriter<Stdout>;

/// What one of Kafka's scripts does, once its options are read.
pub(crate) trait ToolCommand: Parser {
    /// Whether help is what was asked for, with exit code 0, also by no arguments at all: so it is with some of the scripts.
    const HELP_IS_AN_ANSWER: bool = false;

    /// Does it, and says which exit code the script has then.
    ///
    /// # Errors
    /// What is to be said on standard error before the program ends with exit code 1. What the script says on standard
    /// output is printed by the tool itself.
    async fn run(self, out: &mut Output) -> Result<u8, Failure>;
}

/// A script of Kafka's, by its name.
pub(crate) struct Tool {
    name: &'static str,
    run: fn(&'static str, &[OsString]) -> ExitCode,
}

/// Every script that this program stands in for, by name.
pub(crate) const TOOLS: &[Tool] = &[
    Tool::of::<acls::AclsTool>("kafka-acls"),
    Tool::of::<api_versions::ApiVersionsTool>("kafka-broker-api-versions"),
    Tool::of::<client_metrics::ClientMetricsTool>("kafka-client-metrics"),
    Tool::of::<cluster::ClusterTool>("kafka-cluster"),
    Tool::of::<configs::ConfigsTool>("kafka-configs"),
    Tool::of::<console::consumer::ConsoleConsumer>("kafka-console-consumer"),
    Tool::of::<console::producer::ConsoleProducer>("kafka-console-producer"),
    Tool::of::<consumer_groups::ConsumerGroupsTool>("kafka-consumer-groups"),
    Tool::of::<perf::consumer::ConsumerPerformance>("kafka-consumer-perf-test"),
    Tool::of::<delete_records::DeleteRecordsTool>("kafka-delete-records"),
    Tool::of::<features::FeaturesTool>("kafka-features"),
    Tool::of::<get_offsets::GetOffsetsTool>("kafka-get-offsets"),
    Tool::of::<groups::GroupsTool>("kafka-groups"),
    Tool::of::<leader_election::LeaderElectionTool>("kafka-leader-election"),
    Tool::of::<log_dirs::LogDirsTool>("kafka-log-dirs"),
    Tool::of::<metadata_quorum::MetadataQuorumTool>("kafka-metadata-quorum"),
    Tool::of::<perf::producer::ProducerPerformance>("kafka-producer-perf-test"),
    Tool::of::<reassign::ReassignTool>("kafka-reassign-partitions"),
    Tool::of::<topics::TopicsTool>("kafka-topics"),
    Tool::of::<transactions::TransactionsTool>("kafka-transactions"),
    Tool::of::<verifiable::consumer::VerifiableConsumer>("kafka-verifiable-consumer"),
    Tool::of::<verifiable::producer::VerifiableProducer>("kafka-verifiable-producer"),
];

impl Tool {
    const fn of<C: ToolCommand>(name: &'static str) -> Self {
        Self { name, run: run::<C> }
    }

    /// The name of the script, without `.sh`.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The tool that a name stands for: that of the script with or without `.sh`, and with any path in front.
    pub(crate) fn named(name: &OsStr) -> Option<&'static Self> {
        let name = Path::new(name).file_name()?.to_str()?;
        let name = name.strip_suffix(".sh").unwrap_or(name);
        TOOLS.iter().find(|tool| tool.name == name)
    }

    /// Runs it with the arguments that follow its name.
    pub(crate) fn run(&self, arguments: &[OsString]) -> ExitCode {
        (self.run)(self.name, arguments)
    }
}

fn run<C: ToolCommand>(name: &'static str, arguments: &[OsString]) -> ExitCode {
    let command = match parse::<C>(name, arguments) {
        Ok(command) => command,
        Err(error) => return refuse(&error, C::HELP_IS_AN_ANSWER),
    };
    let mut out = BufWriter::new(io::stdout());
    let done = in_runtime(command, &mut out).and_then(|code| out.flush().map(|()| code).map_err(Failure::from));
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            // What was printed before it failed, unless nobody reads it.
            let _ = out.flush();
            failure.tell()
        }
    }
}

/// As the scripts read their options: what follows an option that needs a value is its value, whatever it begins with; an
/// option without one may be repeated. And a long name may be cut short as long as one is meant.
fn parse<C: ToolCommand>(name: &'static str, arguments: &[OsString]) -> Result<C, clap::Error> {
    let command = C::command()
        .name(name)
        .bin_name(name)
        .version(KAFKA_VERSION)
        .no_binary_name(true)
        .infer_long_args(true)
        .mut_args(as_scripts_read_it);
    let command = command.arg_required_else_help(C::HELP_IS_AN_ANSWER);
    let mut matches = command.try_get_matches_from(arguments)?;
    C::from_arg_matches_mut(&mut matches)
}

fn as_scripts_read_it(option: Arg) -> Arg {
    match option.get_action() {
        // One that may stand alone, or takes several values, ends where the next option begins.
        ArgAction::Set | ArgAction::Append if option.get_num_args().is_none() => option.allow_hyphen_values(true),
        ArgAction::SetTrue => {
            let id = option.get_id().clone();
            option.overrides_with(id)
        }
        _ => option,
    }
}

/// As the scripts do: help is usage, too, and usage goes to standard error with exit code 1; but for those whose help is an
/// answer.
fn refuse(error: &clap::Error, help_is_an_answer: bool) -> ExitCode {
    let is_answer = match error.kind() {
        ErrorKind::DisplayVersion => true,
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => help_is_an_answer,
        _ => false,
    };
    let said = match error.kind() {
        ErrorKind::DisplayVersion => writeln!(io::stdout(), "{KAFKA_VERSION}"),
        _ if is_answer => write!(io::stdout(), "{}", error.render()),
        _ => write!(io::stderr(), "{}", error.render()),
    };
    // Nobody is left to be told that this could not be said.
    let _ = said;
    if is_answer { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_runtime<C: ToolCommand>(command: C, out: &mut Output) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("no threads can be started: {error}")))?;
    let done = runtime.block_on(command.run(out));
    // What still waits for a broker must not keep the program.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_found_by_its_name_with_or_without_ending_and_path() {
        for name in ["kafka-cluster", "kafka-cluster.sh", "/opt/kafka/bin/kafka-cluster.sh", "./kafka-cluster"] {
            assert_eq!(Tool::named(OsStr::new(name)).map(Tool::name), Some("kafka-cluster"), "{name}");
        }
        for name in ["", "kafka-app", "kafka-cluster.bat", "cluster"] {
            assert!(Tool::named(OsStr::new(name)).is_none(), "{name}");
        }
    }
}
