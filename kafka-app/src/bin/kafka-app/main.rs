//! `kafka-app`, the program: one file a command.
//!
//! Data go to standard output, everything else to standard error. Exit codes: 0 done, 1 it could not be done, 2 wrong
//! usage.
#![expect(clippy::print_stderr, reason = "a program says there why it ends")]

mod broker;
mod failure;
mod java_properties;
// The signals that end an application end this program: one source, no public item for it.
#[path = "../../shutdown.rs"]
mod shutdown;
mod verbs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

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
    match CommandLine::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
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
