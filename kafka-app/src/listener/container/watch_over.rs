//! The end of a listener's consumers, and what comes after it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{runtime::Handle, sync::mpsc, time::Instant};

use super::{Container, ListenerState, stop_all};
use crate::{
    clock::wall_clock,
    error::Error,
    listener::{events::ListenerEvent, later::later, pump::StopReport, restarts::Restarts, supervisor::End},
};

impl Container {
    /// Waits for the end of all consumers, and starts them again after a failure where the listener wants it.
    pub(super) async fn watch_over(self: Arc<Self>, mut ended: mpsc::UnboundedReceiver<End>) {
        let mut restarts = Restarts::new(self.spec.listener.restart);
        loop {
            let started = Instant::now();
            let (failure, report) = self.all_ended(&mut ended).await;
            *self.report.lock() = report;
            let Some(error) = failure else { return self.end(None) };
            match restarts.next(started.elapsed(), &error) {
                None => return self.end(Some(error)),
                Some(next) => match self.restart(error, next).await {
                    Some(again) => ended = again,
                    None => return,
                },
            }
        }
    }

    /// When one consumer fails its siblings stop too: a listener runs as a whole or not at all.
    async fn all_ended(&self, ended: &mut mpsc::UnboundedReceiver<End>) -> (Option<Arc<Error>>, StopReport) {
        let mut failure = None;
        let mut report = StopReport::default();
        while let Some(end) = ended.recv().await {
            match end {
                Ok(one) => report.merge(one),
                Err(error) => {
                    let now = std::time::Instant::now();
                    stop_all(&self.consumers.lock(), later(now, self.spec.listener.shutdown_timeout));
                    failure.get_or_insert(Arc::new(error));
                }
            }
        }
        (failure, report)
    }

    fn end(&self, failure: Option<Arc<Error>>) {
        self.state.send_replace(failure.clone().map_or(ListenerState::Stopped, ListenerState::Failed));
        self.spec.events.tell(|listener| match failure {
            None => ListenerEvent::Stopped { listener },
            Some(error) => ListenerEvent::Failed { listener, error },
        });
    }

    /// Waits and starts the consumers again; `None` if somebody stopped or started the listener meanwhile.
    async fn restart(
        &self,
        error: Arc<Error>,
        (attempt, backoff): (u32, Duration),
    ) -> Option<mpsc::UnboundedReceiver<End>> {
        {
            let _nobody_stops_it = self.consumers.lock();
            // Who wants it stopped does not want it to come back.
            if matches!(self.state(), ListenerState::Stopping) {
                self.end(Some(error));
                return None;
            }
            let at = wall_clock_after(backoff);
            self.state.send_replace(ListenerState::Restarting { error: Arc::clone(&error), attempt, at });
        }
        tracing::warn!(listener = self.id(), attempt, ?backoff, %error, "the listener failed and starts again");
        self.spec.events.tell(|listener| ListenerEvent::Restarting { listener, error, attempt, backoff });
        let mut states = self.states();
        let is_over = states.wait_for(|state| !matches!(state, ListenerState::Restarting { .. }));
        if tokio::time::timeout(backoff, is_over).await.is_ok() {
            return None;
        }
        let mut consumers = self.consumers.lock();
        if !matches!(self.state(), ListenerState::Restarting { .. }) {
            return None;
        }
        match self.launch(&mut consumers, &Handle::current()) {
            Ok(ended) => Some(ended),
            Err(error) => {
                self.end(Some(Arc::new(error)));
                None
            }
        }
    }

    /// A listener that waits for its restart stays stopped. The caller holds the consumers.
    pub(super) fn give_up_restart(&self) {
        let waited = self.state.send_if_modified(|state| {
            let waits = matches!(state, ListenerState::Restarting { .. });
            if waits {
                *state = ListenerState::Stopped;
            }
            waits
        });
        if waited {
            self.spec.events.tell(|listener| ListenerEvent::Stopped { listener });
        }
    }
}

/// For people: what is waited for is the back-off itself.
fn wall_clock_after(backoff: Duration) -> SystemTime {
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(wall_clock()).unwrap_or_default());
    now.checked_add(backoff).unwrap_or(now)
}
