//! A listener's start, with those of its retry topics: all of them or none.

use std::sync::Arc;

use super::{Container, ListenerState};
use crate::error::Result;

impl Container {
    /// Starts it and those of its retry topics, if its state is one that `may_start` takes. Whether it is.
    ///
    /// # Errors
    /// As those of [`Container::start`]; what was not running then does not run.
    pub(crate) fn start_with_stages(self: &Arc<Self>, may_start: impl Fn(&ListenerState) -> bool) -> Result<bool> {
        if !may_start(&self.state()) {
            return Ok(false);
        }
        let mut all = std::iter::once(self).chain(self.stages());
        if let Some(stopping) = all.find(|one| matches!(one.state(), ListenerState::Stopping)) {
            return Err(stopping.is_stopping());
        }
        let new: Vec<_> = self.stages().iter().filter(|stage| !stage.is_started()).collect();
        let started = self.stages().iter().try_for_each(Self::start).and_then(|()| self.start_if(may_start));
        if !self.is_started() {
            // Or somebody has stopped it meanwhile.
            for stage in new {
                stage.begin_stop(stage.listener().shutdown_timeout);
            }
        }
        started
    }

    fn is_started(&self) -> bool {
        matches!(self.state(), ListenerState::Running | ListenerState::Paused | ListenerState::Restarting { .. })
    }
}
