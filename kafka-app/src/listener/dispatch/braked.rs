//! The brake between a record and its dead letter.

use super::run::Run;
use crate::{error::Error, error_handler::Reason, listener::events::RecordFate, observe};

impl Run<'_> {
    /// Stops the listener in place of one dead letter too many.
    pub(super) fn brake(&self, index: usize, attempt: u32, reason: &Reason) -> Result<(), Error> {
        let guards = &self.shared.policy.guards;
        let Some(brake) = &guards.brake else { return Ok(()) };
        brake.dead_letter(&reason.message, guards.breaker.now()).map_err(|passed| {
            let place = self.place(index, attempt);
            let text = format!("listener `{}` stopped at {place}, which is not committed: {passed}", place.listener);
            observe::stopping(place, &text);
            self.given_up(index, attempt, RecordFate::Stopped, reason);
            Error::new(passed.kind(), text)
        })
    }

    /// The handler was called for these and ended well.
    pub(super) fn ended_well(&self, n_records: usize) {
        if let Some(brake) = &self.shared.policy.guards.brake {
            brake.handled(u64::try_from(n_records).unwrap_or(u64::MAX));
        }
    }
}
