//! Waiting until the group has answered a listener's consumers, and what is said where it does not.

use std::time::Duration;

use tokio::sync::watch;

use super::{Container, ListenerState};
use crate::{
    error::{Error, ErrorKind, Result},
    listener::pump::ConsumerStatus,
};

impl Container {
    /// Resolves when the group has answered every consumer.
    ///
    /// # Errors
    /// The listener failed or is not running, or the group did not answer in time, with what the client said of it.
    pub(crate) async fn ready(&self, timeout: Duration) -> Result<()> {
        tokio::time::timeout(timeout, self.joined()).await.unwrap_or_else(|_| Err(self.not_ready(timeout)))
    }

    /// The same, however long it takes.
    pub(crate) async fn joined(&self) -> Result<()> {
        let mut states = self.states();
        loop {
            let is_to_come = |state: &ListenerState| {
                matches!(state, ListenerState::Waiting { .. } | ListenerState::Restarting { .. })
            };
            let state = states.wait_for(|state| !is_to_come(state)).await;
            match state.map_or(ListenerState::Stopped, |state| state.clone()) {
                ListenerState::Running | ListenerState::Paused | ListenerState::Stopping => {}
                ListenerState::Finished => return Ok(()),
                ended => return Err(self.not_running(ended)),
            }
            let watched: Vec<_> = self.consumers.lock().iter().map(|consumer| consumer.status.clone()).collect();
            let ended = states.wait_for(|state| {
                !matches!(state, ListenerState::Running | ListenerState::Paused | ListenerState::Stopping)
            });
            tokio::select! {
                biased;
                _ = ended => {}
                () = all_joined(watched) => return Ok(()),
            }
        }
    }

    pub(crate) fn not_running(&self, state: ListenerState) -> Error {
        match state {
            ListenerState::Failed(error) => {
                Error::new(error.kind(), format!("listener `{}` stopped: {error}", self.id()))
            }
            _ => Error::new(ErrorKind::Stopped, format!("listener `{}` is not running", self.id())),
        }
    }

    fn not_ready(&self, timeout: Duration) -> Error {
        let late = format!("listener `{}` did not get ready within {timeout:?}", self.id());
        match self.state() {
            ListenerState::Restarting { error, .. } => return Error::new(error.kind(), format!("{late}: {error}")),
            ListenerState::Waiting { after } => {
                return Error::new(ErrorKind::Unavailable, format!("{late}: it starts after `{after}`"));
            }
            _ => {}
        }
        let consumers = self.consumers.lock();
        let trouble = consumers.iter().find_map(|consumer| consumer.status.borrow().trouble.clone());
        let group = &self.spec.listener.group_id;
        let what = format!("listener `{}`: group `{group}` did not answer within {timeout:?}", self.id());
        match trouble {
            Some(fault) => fault.to_error(&what),
            None => Error::new(ErrorKind::Unavailable, what),
        }
    }
}

/// Resolves when the group has answered each of them.
async fn all_joined(watched: Vec<watch::Receiver<ConsumerStatus>>) {
    for mut status in watched {
        // An error is the end of the consumer, which the state tells.
        if status.wait_for(|status| status.has_joined).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
