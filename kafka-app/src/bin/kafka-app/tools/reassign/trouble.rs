//! [`Trouble`]: why the tool did not do what it was told, which it says on standard output, with exit code 1.

use std::{fmt, io, io::Write};

use crate::{failure::Failure, tools::Output, wire::WireError};

const EXECUTION: &str = "java.util.concurrent.ExecutionException";

/// Why it was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is told in these words and no more.
    Told(String),
    /// It is told as an exception of Java's: with its class, and with what it comes of. Where it was thrown is left out.
    Thrown(Exception, Vec<Exception>),
    /// It is told on standard error, or standard output is closed.
    Other(Failure),
}

/// An exception of Java's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    class: String,
    message: String,
}

impl Exception {
    pub(super) fn new(class: &str, message: impl Into<String>) -> Self {
        Self { class: class.to_owned(), message: message.into() }
    }

    /// As a Java client tells it.
    pub(super) fn of(error: &WireError) -> Self {
        Self { class: error.exception(), message: error.message() }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.message)
    }
}

impl Trouble {
    /// An exception that comes of no other.
    pub(super) fn thrown(class: &str, message: impl Into<String>) -> Self {
        Self::Thrown(Exception::new(class, message), Vec::new())
    }

    /// What the tool finds wrong in its files.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::thrown("org.apache.kafka.tools.AdminCommandFailedException", message)
    }

    /// What the tool cannot work with.
    pub(super) fn inoperable(message: impl Into<String>) -> Self {
        Self::thrown("org.apache.kafka.tools.AdminOperationException", message)
    }

    /// A topic or partition is not there.
    pub(super) fn unknown(message: impl Into<String>) -> Self {
        Self::failed(Exception::new("org.apache.kafka.common.errors.UnknownTopicOrPartitionException", message))
    }

    /// A call came to this.
    pub(super) fn failed(cause: Exception) -> Self {
        Self::Thrown(Exception::new(EXECUTION, cause.to_string()), vec![cause])
    }

    /// What a call came to led to this.
    pub(super) fn for_a_call(exception: Exception, cause: Exception) -> Self {
        Self::Thrown(exception, vec![Exception::new(EXECUTION, cause.to_string()), cause])
    }

    /// Tells it, and gives the exit code.
    ///
    /// # Errors
    /// Standard output is closed, or it is to be told on standard error.
    pub(super) fn tell(self, out: &mut Output) -> Result<u8, Failure> {
        match self {
            Self::Told(words) => writeln!(out, "{words}")?,
            Self::Thrown(exception, causes) => {
                let causes: String = causes.iter().map(|cause| format!("Caused by: {cause}\n")).collect();
                writeln!(out, "Error: {}\n{exception}\n{causes}", exception.message)?;
            }
            Self::Other(failure) => return Err(failure),
        }
        Ok(1)
    }
}

impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        Self::failed(Exception::of(&error))
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(error.into())
    }
}
