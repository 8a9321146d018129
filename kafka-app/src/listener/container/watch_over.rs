//! The end of a listener's consumers, and what comes after it.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    runtime::Handle,
    time::{Instant, MissedTickBehavior},
};

use super::{Consumer, Container, ListenerState, Running, stop_all};
use crate::{
    clock::wall_clock,
    error::{Error, ErrorKind},
    listener::{events::ListenerEvent, later::later, pulse::LOOKS, pump::StopReport, restarts::Restarts},
};

/// How consumers ended.
#[derive(Default)]
struct Ended {
    failure: Option<Arc<Error>>,
    report: StopReport,
    /// They were stopped because there was nothing left to read.
    has_finished: bool,
}

impl Container {
    /// Waits for the end of all consumers, and starts them again after a failure where the listener wants it.
    pub(super) async fn watch_over(self: Arc<Self>, mut running: Running) {
        let mut restarts = Restarts::new(self.spec.listener.restart);
        loop {
            let started = Instant::now();
            let Ended { failure, report, has_finished } = self.all_ended(running).await;
            *self.report.lock() = report;
            let Some(error) = failure else {
                let state = if has_finished { ListenerState::Finished } else { ListenerState::Stopped };
                return self.end(&mut self.consumers.lock(), state);
            };
            match restarts.next(started.elapsed(), &error) {
                None => return self.end(&mut self.consumers.lock(), ListenerState::Failed(error)),
                Some(next) => match self.restart(error, next).await {
                    Some(again) => running = again,
                    None => return,
                },
            }
        }
    }

    /// When one consumer fails its siblings stop too: a listener runs as a whole or not at all.
    async fn all_ended(&self, Running { mut ended, ends }: Running) -> Ended {
        let timeout = self.spec.listener.shutdown_timeout;
        let mut all = Ended::default();
        let mut has_read = pin!(async {
            match &ends {
                Some(ends) => self.has_read_to_the_end(ends).await,
                None => std::future::pending().await,
            }
        });
        let mut reads_on = true;
        let mut looks = tokio::time::interval((self.spec.hangs_after / LOOKS).max(Duration::from_millis(1)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let end = tokio::select! {
                biased;
                end = ended.recv() => match end {
                    Some(end) => Some(end),
                    None => return all,
                },
                () = &mut has_read, if reads_on => {
                    reads_on = false;
                    // Who was told to stop by then has stopped, and no more.
                    all.has_finished = self.begin_stop(timeout);
                    continue;
                }
                _ = looks.tick() => self.give_up_who_hangs().map(|error| {
                    all.report.abandoned = true;
                    Err(error)
                }),
            };
            match end {
                Some(Ok(one)) => all.report.merge(one),
                Some(Err(error)) => {
                    stop_all(&self.consumers.lock(), later(std::time::Instant::now(), timeout));
                    all.failure.get_or_insert(Arc::new(error));
                }
                None => {}
            }
            // A thread that was given up says nothing any more, and keeps the channel open. Another one is over after it has said
            // how it ended, so that is looked at last.
            if self.are_all_over() && ended.is_empty() {
                return all;
            }
        }
    }

    fn are_all_over(&self) -> bool {
        let consumers = self.consumers.lock();
        !consumers.is_empty() && consumers.iter().all(|consumer| consumer.pulse.is_over())
    }

    /// A consumer whose client does not come back from a call, as the listener's error. Its thread is left alone from here on: to
    /// ask the client, or to end it, would not come back either.
    fn give_up_who_hangs(&self) -> Option<Error> {
        let now = std::time::Instant::now();
        let consumers = self.consumers.lock();
        let mut looked = (0..).zip(&*consumers);
        let (consumer, hung_for): (u32, _) = looked.find_map(|(n, one)| {
            let hung_for = one.pulse.give_up(self.spec.hangs_after, now)?;
            one.mailbox.promises.end(); // Whatever it was told to do, it does not say that it has.
            Some((n, hung_for))
        })?;
        let text = format!(
            "listener `{}`: a call of the client of its consumer {consumer} has not returned for {hung_for:?}, as when threads of \
             librdkafka wait for each other: its group goes on without it once its session is over. Restart the process; where the \
             listener has `restart`, it goes on with another client, and this one's memory is lost",
            self.id()
        );
        tracing::error!("{text}");
        Some(Error::new(ErrorKind::Listener, text))
    }

    /// Whoever sees the end and starts it anew waits for the consumers, which the caller holds: so it is told first.
    fn end(&self, _nobody_starts_it: &mut Vec<Consumer>, state: ListenerState) {
        self.release_guards();
        self.state.send_replace(state.clone());
        self.n_ends.send_modify(|n_ends| *n_ends += 1);
        self.spec.events.tell(|listener| match state {
            ListenerState::Failed(error) => ListenerEvent::Failed { listener, error },
            ListenerState::Finished => ListenerEvent::Finished { listener },
            _ => ListenerEvent::Stopped { listener },
        });
    }

    /// It starts when the listener with this id has finished, or runs. Whether that is so: it may be running already.
    pub(crate) fn wait_for_its_turn(&self, after: &str) -> bool {
        let _nobody_starts_it = self.consumers.lock();
        self.state.send_if_modified(|state| {
            let is_stopped = matches!(state, ListenerState::Stopped);
            if is_stopped {
                *state = ListenerState::Waiting { after: after.into() };
            }
            is_stopped
        })
    }

    /// Its turn never comes.
    pub(crate) fn fail_to_start(&self, error: Error) {
        let mut consumers = self.consumers.lock();
        if !matches!(self.state(), ListenerState::Waiting { .. }) {
            return; // Somebody has started or stopped it by now.
        }
        tracing::error!(listener = self.id(), %error, "the listener does not start");
        self.end(&mut consumers, ListenerState::Failed(Arc::new(error)));
    }

    /// Waits and starts the consumers again; `None` if somebody stopped or started the listener meanwhile.
    async fn restart(&self, error: Arc<Error>, (attempt, backoff): (u32, Duration)) -> Option<Running> {
        {
            let mut consumers = self.consumers.lock();
            // Who wants it stopped does not want it to come back.
            if matches!(self.state(), ListenerState::Stopping) {
                self.end(&mut consumers, ListenerState::Failed(error));
                return None;
            }
            let (at, error) = (wall_clock_after(backoff), || Arc::clone(&error));
            self.state.send_replace(ListenerState::Restarting { error: error(), attempt, at });
            self.spec.events.tell(|listener| ListenerEvent::Restarting { listener, error: error(), attempt, backoff });
        }
        tracing::warn!(listener = self.id(), attempt, ?backoff, %error, "the listener failed and starts again");
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
            Ok(running) => Some(running),
            Err(error) => {
                self.end(&mut consumers, ListenerState::Failed(Arc::new(error)));
                None
            }
        }
    }

    /// A listener that waits for its start stays stopped. The caller holds the consumers.
    pub(super) fn give_up_waiting(&self) {
        let waited = self.state.send_if_modified(|state| {
            let waits = matches!(state, ListenerState::Restarting { .. } | ListenerState::Waiting { .. });
            if waits {
                self.release_guards();
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
