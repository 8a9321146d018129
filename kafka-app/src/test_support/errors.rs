//! [`Refused`]: an error that says what is to be done about it.

use std::{error::Error as StdError, fmt};

use crate::handler::{ErrorClass, KafkaError};

/// An error whose record goes to the dead letter topic at once.
#[derive(Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl StdError for Refused {}

impl KafkaError for Refused {
    fn class(&self) -> ErrorClass {
        ErrorClass::DeadLetter
    }
}
