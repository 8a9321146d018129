//! `kafka-app`, the program: one file a command.
//!
//! Data go to standard output, everything else to standard error. Exit codes: 0 done, 1 it could not be done, 2 wrong
//! usage. The names of Kafka's scripts are commands, too, with their own rules (`tools/`).

mod arguments;
mod at_once;
mod broker;
// One clock for all: no public item for it.
#[path = "../../clock.rs"]
mod clock;
mod commands;
mod failure;
mod install_links;
mod java_properties;
mod reader_watch;
mod record_output;
mod say;
// The signals that end an application end this program: one source, no public item for it.
#[path = "../../shutdown.rs"]
mod shutdown;
mod stop;
mod terminal;
mod tools;
mod verbs;
mod wire;

use std::{
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use commands::{completions, man, topology};
use failure::Failure;
use tools::{TOOLS, Tool};

/// Of C, too: librdkafka makes messages on one thread, which this program frees on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Kafka from the command line.
#[derive(Debug, Parser)]
#[command(name = "kafka-app", version, propagate_version = true, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Cluster(commands::ClusterCommand),
    Broker(broker::BrokerCommand),
    Topology(topology::TopologyCommand),
    InstallLinks(install_links::InstallLinks),
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if let Some((tool, rest)) = tool_of(&arguments) {
        return tool.run(rest);
    }
    let done = CommandLine::from_arg_matches(&command_line().get_matches_from(arguments));
    match done.unwrap_or_else(|error| error.exit()).command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

/// The commands, and below them the scripts that are commands, too.
fn command_line() -> clap::Command {
    let names: Vec<_> = TOOLS.iter().map(|tool| format!("  {}", tool.name())).collect();
    let scripts = format!("Kafka's own lines, as they are written (--help after each):\n{}", names.join("\n"));
    CommandLine::command().after_help(scripts)
}

/// The script that is meant, by the name of a link to this program or by its first argument, and its arguments.
fn tool_of(arguments: &[OsString]) -> Option<(&'static Tool, &[OsString])> {
    let at = |index: usize| {
        let tool = Tool::named(arguments.get(index).map(OsString::as_os_str).unwrap_or(OsStr::new("")))?;
        Some((tool, arguments.get(index + 1..).unwrap_or_default()))
    };
    at(0).or_else(|| at(1))
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Cluster(command) => command.run(),
            Self::Broker(command) => command.run(),
            Self::Topology(command) => command.run(),
            Self::InstallLinks(command) => command.run(),
            Self::Completions(command) => {
                command.run(command_line());
                Ok(())
            }
            Self::Man(command) => command.run(command_line()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
    }
}
