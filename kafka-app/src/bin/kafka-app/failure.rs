//! Why a command ends without having done its work.

use std::{
    fmt,
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use kafka_app::admin::BrokerError;

use crate::{say, wire::WireError};

/// What is said on standard error, and which exit code follows.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or a property is wrong: trying again does not help.
    Usage(String),
    /// What was asked for could not be done.
    Failed(String),
    /// Standard output is closed: who read it, as `head` does, has read enough.
    Closed,
    /// A signal ended it, with this exit code; there is nothing to be said.
    Stopped(u8),
}

impl Failure {
    /// Says it on standard error, and gives the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        match self {
            Self::Closed => ExitCode::SUCCESS,
            Self::Stopped(code) => {
                // What comes next at a terminal does not stand behind its `^C`.
                if io::stderr().is_terminal() {
                    say::line("");
                }
                ExitCode::from(*code)
            }
            Self::Usage(text) => {
                say::error(text);
                ExitCode::from(2)
            }
            Self::Failed(text) => {
                say::error(text);
                ExitCode::FAILURE
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
            Self::Closed => f.write_str("standard output is closed"),
            Self::Stopped(_) => f.write_str("a signal has come"),
        }
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        let last = error.last().map_or(String::new(), |last| format!(" ({last})"));
        Self::Failed(format!("{error}{last}"))
    }
}

impl From<kafka_app::Error> for Failure {
    fn from(error: kafka_app::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<io::Error> for Failure {
    /// An error of standard output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(format!("standard output cannot be written to: {error}")),
        }
    }
}
