//! Why a command ends without having done its work.

use std::{fmt, process::ExitCode};

/// What is said on standard error, and which exit code follows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The command line or a property is wrong: trying again does not help.
    Usage(String),
    /// What was asked for could not be done.
    Failed(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}
