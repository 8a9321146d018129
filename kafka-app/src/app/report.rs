//! [`StopReport`]: what an application left behind when it stopped.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// What a stop could not finish within its deadline, and which listeners had failed before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a stop that was cut off left records unhandled"]
pub struct StopReport {
    /// A sentence for each thing that was cut off: listener, what, how much.
    pub cut_off: Vec<String>,
    /// Listeners that had stopped by themselves, each with its reason.
    pub failed: Vec<(String, String)>,
}

impl StopReport {
    /// Whether everything that had begun was finished and no listener had failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.cut_off.is_empty() && self.failed.is_empty()
    }

    /// For tests: nothing may have been cut off.
    ///
    /// # Panics
    /// With the report, if it is not clean.
    #[track_caller]
    pub fn expect_clean(&self) {
        assert!(self.is_clean(), "the stop was not clean: {self}");
    }

    /// The report as the result of a program.
    ///
    /// # Errors
    /// If it is not clean, with its text.
    pub fn into_result(self) -> Result<()> {
        if self.is_clean() { Ok(()) } else { Err(Error::new(ErrorKind::Listener, self.to_string())) }
    }
}

impl fmt::Display for StopReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_clean() {
            return f.write_str("everything was finished");
        }
        let failed = self.failed.iter().map(|(id, reason)| format!("listener {id} had failed: {reason}"));
        let lines = failed.chain(self.cut_off.iter().cloned()).collect::<Vec<_>>();
        f.write_str(&lines.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_anything_in_it_is_an_error_that_says_it() {
        let report = StopReport {
            cut_off: vec!["listener a: 3 records in hand".to_owned()],
            failed: vec![("b".to_owned(), "corrupt".to_owned())],
        };
        let error = report.into_result().unwrap_err().to_string();
        assert_eq!(error, "listener b had failed: corrupt; listener a: 3 records in hand");
        StopReport::default().expect_clean();
    }
}
