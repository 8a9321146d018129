//! Listeners that start after others: Spring's `ContainerGroupSequencer`.

use std::sync::Arc;

use super::{
    container::{Container, ListenerState},
    registry::ListenerHandle,
};
use crate::error::{Error, ErrorKind, Result};

impl ListenerHandle {
    /// Starts it once `first` has finished, or runs if that has no end to read to. If `first` fails, so does this one; if it
    /// is stopped, it is waited for until it is started again.
    pub(crate) fn start_after(&self, first: &Self) {
        let (first, second) = (Arc::clone(first.container()), self.clone());
        if second.container().wait_for_its_turn(first.id()) {
            tokio::spawn(async move { second.take_its_turn(&first).await });
        }
    }

    async fn take_its_turn(self, first: &Container) {
        let mut states = self.states();
        let turn = tokio::select! {
            biased;
            _ = states.wait_for(|state| !matches!(state, ListenerState::Waiting { .. })) => return,
            turn = turn(first) => turn,
        };
        // Unless somebody has started or stopped it by now.
        let waits = |state: &ListenerState| matches!(state, ListenerState::Waiting { .. });
        let started = turn
            .map_err(|error| self.never_starts(first, &error))
            .and_then(|()| self.container().start_with_stages(waits));
        if let Err(error) = started {
            self.container().fail_to_start(error);
        }
    }

    fn never_starts(&self, first: &Container, error: &Error) -> Error {
        let text = format!(
            "listener `{}` was not started: it starts after `{}`, which failed: {error}",
            self.id(),
            first.id()
        );
        Error::new(ErrorKind::Listener, text)
    }
}

/// Resolves when who comes after this one may start.
async fn turn(first: &Container) -> Result<()> {
    let mut states = first.states();
    loop {
        let is_it = |state: &ListenerState| match state {
            ListenerState::Finished | ListenerState::Failed(_) => true,
            ListenerState::Running | ListenerState::Paused => !first.listener().until_end,
            _ => false,
        };
        // An error would mean that it is gone, which it is not while it is borrowed here.
        let state = states.wait_for(is_it).await.map_or(ListenerState::Stopped, |state| state.clone());
        match state {
            ListenerState::Finished => return Ok(()),
            ListenerState::Failed(error) => return Err(Error::new(error.kind(), error.to_string())),
            _ => {}
        }
        // Once it is no longer running that is an error, and its state says what is next.
        if first.joined().await.is_ok() {
            return Ok(());
        }
    }
}
