//! [`Restarts`]: whether a listener that failed starts again, and after how long: pure.

use std::time::Duration;

use crate::{
    config::{Restart, Retry},
    error::{Error, ErrorKind},
    error_handler::BackOff,
};

/// The failures of one listener since it was started.
pub(crate) struct Restarts {
    policy: Restart,
    n_in_a_row: u32,
    delays: BackOff<fn() -> f64>,
}

impl Restarts {
    pub(crate) fn new(policy: Restart) -> Self {
        Self { policy, n_in_a_row: 0, delays: delays(&policy) }
    }

    /// It failed after it had run for this long. Returns which start in a row comes next, from 1, and after how long; `None`:
    /// it stays failed.
    pub(crate) fn next(&mut self, ran_for: Duration, error: &Error) -> Option<(u32, Duration)> {
        if ran_for >= self.policy.reset_after {
            *self = Self::new(self.policy);
        }
        // What is wrong with the configuration is wrong the next time too; and whom its brake stopped is not to go on by itself.
        let is_for_good = matches!(error.kind(), ErrorKind::Config | ErrorKind::DeadLetterBrake);
        if self.n_in_a_row >= self.policy.attempts || is_for_good {
            return None;
        }
        self.n_in_a_row += 1;
        Some((self.n_in_a_row, self.delays.next_delay()))
    }
}

fn delays(policy: &Restart) -> BackOff<fn() -> f64> {
    let Restart { attempts, backoff, multiplier, max_backoff, .. } = *policy;
    BackOff::new(&Retry { attempts, backoff, multiplier, max_backoff, jitter: 0.0 }, || 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn failure() -> Error {
        Error::new(ErrorKind::Listener, "spent")
    }

    #[test]
    fn starts_in_a_row_come_ever_later_and_end() {
        let mut restarts = Restarts::new(Restart { attempts: 3, max_backoff: 3 * SECOND, ..Restart::default() });
        let next: Vec<_> = (0..5).map(|_| restarts.next(SECOND, &failure())).collect();
        assert_eq!(next, [Some((1, SECOND)), Some((2, 2 * SECOND)), Some((3, 3 * SECOND)), None, None]);
    }

    #[test]
    fn who_ran_well_for_a_while_begins_anew() {
        let mut restarts = Restarts::new(Restart { attempts: 1, ..Restart::default() });
        assert_eq!(restarts.next(SECOND, &failure()), Some((1, SECOND)));
        assert_eq!(restarts.next(60 * SECOND, &failure()), Some((1, SECOND)));
        assert_eq!(restarts.next(59 * SECOND, &failure()), None);
    }

    #[test]
    fn what_the_configuration_made_fail_stays_so_and_so_does_all_by_default() {
        let mut restarts = Restarts::new(Restart { attempts: 9, ..Restart::default() });
        assert_eq!(restarts.next(SECOND, &Error::new(ErrorKind::Config, "no such assignor")), None);
        assert_eq!(restarts.next(SECOND, &Error::new(ErrorKind::DeadLetterBrake, "11 of 21")), None);
        assert_eq!(Restarts::new(Restart::default()).next(SECOND, &failure()), None);
    }
}
