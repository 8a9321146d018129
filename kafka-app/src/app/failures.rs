//! [`Failures`]: what went wrong with one thing after another, told at once.

use crate::error::{Error, ErrorKind, Result};

/// Errors of a start that does not end at the first one.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<Error>);

impl Failures {
    /// What there is; else its error is kept, and there is nothing.
    pub(super) fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Whether no broker answered: whatever else is asked takes as long, and says the same.
    pub(super) fn are_of_brokers(&self) -> bool {
        self.0.iter().any(|error| error.kind() == ErrorKind::Unavailable)
    }

    /// The last thing, if neither it nor one before it failed.
    ///
    /// # Errors
    /// All errors there are.
    pub(super) fn unless_any<T>(mut self, last: Result<T>) -> Result<T> {
        match last {
            Ok(last) => self.into_result().map(|()| last),
            Err(error) => {
                self.0.push(error);
                Err(self.into_error())
            }
        }
    }

    /// # Errors
    /// All errors there are, if there are any.
    pub(super) fn into_result(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    /// One as it is; several in one, of the kind that has to be mended first.
    fn into_error(mut self) -> Error {
        if self.0.len() == 1 {
            return self.0.remove(0);
        }
        // Trying again later is of no use while something else is wrong.
        let kind = self.0.iter().map(Error::kind).find(|kind| *kind != ErrorKind::Unavailable);
        let list = self.0.iter().map(|error| format!("\n  - {error}")).collect::<String>();
        let text = format!("{} things keep the application from starting:{list}", self.0.len());
        Error::new(kind.unwrap_or(ErrorKind::Unavailable), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(failures: &mut Failures, kind: ErrorKind, text: &str) {
        assert_eq!(failures.note(Err::<(), _>(Error::new(kind, text))), None);
    }

    #[test]
    fn one_error_is_told_as_it_is_and_several_are_a_list() {
        let mut failures = Failures::default();
        assert_eq!(failures.note(Ok(7)), Some(7));
        assert!(Failures::default().into_result().is_ok());
        failed(&mut failures, ErrorKind::Unavailable, "nobody is there");
        assert!(failures.are_of_brokers());
        failed(&mut failures, ErrorKind::Config, "no topic");
        let error = failures.into_result().unwrap_err();
        assert_eq!(
            error.to_string(),
            "2 things keep the application from starting:\n  - nobody is there\n  - no topic"
        );
        assert_eq!(error.kind(), ErrorKind::Config);
        let mut one = Failures::default();
        failed(&mut one, ErrorKind::Refused, "no");
        assert!(!one.are_of_brokers());
        assert_eq!(one.into_result().unwrap_err().to_string(), "no");
    }
}
