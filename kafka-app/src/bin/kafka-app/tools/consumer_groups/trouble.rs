//! [`Trouble`]: why the tool did not do what it was told, which it says on standard output, with exit code 0.

use std::io::{self, Write};

use crate::{failure::Failure, say, tools::Output, wire::WireError};

/// Why nothing was done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The options are wrong, which only showed on the way.
    Usage(String),
    /// It failed.
    Failed {
        /// In the words of the script, for standard output.
        told: String,
        /// In ours, for standard error, where the script has a stack trace.
        why: String,
    },
    /// Standard output is closed.
    Output(Failure),
}

/// How many exceptions of Java's an error is wrapped in where the script tells it: its words depend on it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wrapped {
    Not,
    Once,
    Twice,
}

impl Trouble {
    pub(super) fn failed(told: impl Into<String>) -> Self {
        let told = told.into();
        Self::Failed { why: told.clone(), told }
    }

    pub(super) fn of(error: &WireError, wrapped: Wrapped) -> Self {
        let told = match wrapped {
            Wrapped::Not => error.message(),
            Wrapped::Once => error.to_string(),
            Wrapped::Twice => format!("java.util.concurrent.ExecutionException: {error}"),
        };
        Self::told(told, error)
    }

    /// The error in words that say less of it.
    pub(super) fn told(told: impl Into<String>, error: &WireError) -> Self {
        let last = error.last().map_or(String::new(), |last| format!(" ({last})"));
        Self::Failed { told: told.into(), why: format!("{}{last}", error.message()) }
    }

    /// Tells it, and gives the exit code.
    ///
    /// # Errors
    /// Standard output is closed, or it is to be told on standard error, with exit code 1.
    pub(super) fn tell(self, out: &mut Output) -> Result<u8, Failure> {
        match self {
            Self::Usage(problem) => Err(Failure::Failed(problem)),
            Self::Output(failure) => Err(failure),
            Self::Failed { told, why } => {
                print_error(out, &format!("Executing consumer group command failed due to {told}"))?;
                out.flush()?;
                say::error(why);
                Ok(0)
            }
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Output(error.into())
    }
}

/// An error as the script prints it, on standard output.
pub(super) fn print_error(out: &mut impl Write, problem: &str) -> io::Result<()> {
    writeln!(out, "\nError: {problem}")
}
