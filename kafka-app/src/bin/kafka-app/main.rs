//! `kafka-app`, the program: one file a command.
//!
//! Data go to standard output, everything else to standard error. Exit codes: 0 done, 1 it could not be done, 2 wrong
//! usage. The names of Kafka's scripts are commands, too, with their own rules (`tools/`).
#![expect(clippy::print_stderr, reason = "a program says there what goes on")]

mod broker;
mod failure;
mod java_properties;
// The signals that end an application end this program: one source, no public item for it.
#[path = "../../shutdown.rs"]
mod shutdown;
mod tools;
mod verbs;
mod wire;

use std::{
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use failure::Failure;
use tools::Tool;

/// Kafka from the command line.
#[derive(Debug, Parser)]
#[command(name = "kafka-app", version, propagate_version = true, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Broker(broker::BrokerCommand),
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    if let Some((tool, rest)) = tool_of(&arguments) {
        return tool.run(rest);
    }
    match CommandLine::parse_from(arguments).command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
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
            Self::Broker(command) => command.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
