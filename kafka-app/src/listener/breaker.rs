//! [`Breaker`]: a listener's circuit, as all its consumers, its lanes and those of its retry topics share it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    circuit::{Answer, Change, Circuit, RecordId, Ticket, Verdict},
    events::{EventSink, ListenerEvent},
    metrics::{ListenerMetrics, count},
};
use crate::config::CircuitBreaker;

/// A listener's circuit, shared.
pub(crate) struct Breaker {
    /// Whether anybody has to ask: not while it is closed and nothing has failed since the last success, which is what
    /// lanes meet with nearly every record.
    is_troubled: AtomicBool,
    circuit: Mutex<Circuit>,
    limits: Option<CircuitBreaker>,
    changed: Notify,
    metrics: Arc<ListenerMetrics>,
    events: EventSink,
}

/// What a listener's circuit breaker does now; see [`ListenerHandle::circuit`](crate::ListenerHandle::circuit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitState {
    /// Records are handled.
    Closed,
    /// What the handler needs is down, or the handler said "not now": no record is handled for now.
    #[non_exhaustive]
    Open {
        /// After which one record tries.
        retry_in: Duration,
    },
    /// One record tries, or the next one that comes; the others wait.
    HalfOpen,
}

impl Breaker {
    pub(crate) fn new(limits: Option<CircuitBreaker>, metrics: Arc<ListenerMetrics>, events: EventSink) -> Arc<Self> {
        Arc::new(Self {
            is_troubled: AtomicBool::new(false),
            circuit: Mutex::new(Circuit::new(limits)),
            limits,
            changed: Notify::new(),
            metrics,
            events,
        })
    }

    pub(crate) fn is_troubled(&self) -> bool {
        self.is_troubled.load(Ordering::Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        !self.is_troubled() || self.circuit.lock().is_closed()
    }

    /// The record that tries while all others wait for it.
    pub(crate) fn trying(&self) -> Option<RecordId> {
        if self.is_troubled() { self.circuit.lock().trying().cloned() } else { None }
    }

    pub(crate) fn state(&self, now: Instant) -> CircuitState {
        let circuit = self.circuit.lock();
        match circuit.open_until(now) {
            Some(until) => CircuitState::Open { retry_in: until.saturating_duration_since(now) },
            None if circuit.is_closed() => CircuitState::Closed,
            None => CircuitState::HalfOpen,
        }
    }

    /// Until when nothing is handed over.
    pub(crate) fn open_until(&self, now: Instant) -> Option<Instant> {
        if self.is_troubled() { self.circuit.lock().open_until(now) } else { None }
    }

    /// Closed, as at the beginning: its listener starts anew.
    pub(crate) fn reset(&self) {
        self.change(|circuit| {
            circuit.reset();
            None
        });
    }

    /// For a call that need not ask.
    pub(crate) fn pass(&self) -> Pass<'_> {
        Pass { breaker: self, place: None }
    }

    /// Waits until the handler may be called for this record, or for the batch that begins with it; `Err` says until when it may
    /// not, if that is longer from now than `longest`.
    pub(crate) async fn admit(&self, record: RecordId, longest: Option<Duration>) -> Result<Pass<'_>, Instant> {
        if !self.is_troubled() {
            return Ok(self.pass());
        }
        let place = Place { breaker: self, ticket: self.circuit.lock().enter() };
        loop {
            let changed = self.changed.notified();
            let now = self.now();
            // Not in the match: its lock would be held over an await.
            let answer = self.circuit.lock().ask(place.ticket, &record, now);
            match answer {
                Answer::Go => return Ok(self.pass()),
                Answer::Try => return Ok(Pass { breaker: self, place: Some(place) }),
                Answer::NotBefore(until)
                    if longest.is_some_and(|longest| until.saturating_duration_since(now) > longest) =>
                {
                    return Err(until);
                }
                Answer::NotBefore(until) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(until.into()) => {}
                    }
                }
                Answer::Later => changed.await,
            }
        }
    }

    /// The runtime's time, which tests may pause.
    #[expect(clippy::unused_self, reason = "its clock, wherever that comes from")]
    pub(crate) fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// A call that asked nobody ended well, or otherwise than in a failure that may pass.
    pub(crate) fn answered(&self) {
        self.answered_by(None);
    }

    fn answered_by(&self, trying: Option<Ticket>) {
        if self.is_troubled() {
            let now = self.now();
            self.change(|circuit| circuit.answered(trying, now));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Circuit) -> Option<Change>) {
        let changed = {
            let mut circuit = self.circuit.lock();
            let changed = change(&mut circuit);
            self.is_troubled.store(!circuit.is_quiet(), Ordering::Relaxed);
            changed
        };
        self.changed.notify_waiters();
        if let Some(Change::Closed { open_for }) = changed {
            tracing::info!(listener = self.events.listener(), ?open_for, "what the handler needs is back: it goes on");
            self.events.tell(|listener| ListenerEvent::CircuitClosed { listener, open_for });
        }
    }

    fn failed(&self, trying: Option<Ticket>, record: RecordId, not_before: Option<Duration>, reason: &str) -> Verdict {
        let (mut verdict, mut opened, now) = (Verdict::Counts, None, self.now());
        self.change(|circuit| {
            let (said, change) = circuit.failed(trying, record, not_before, now);
            (verdict, opened) = (said, change);
            change
        });
        if let Some(Change::Opened { pause, n_failed }) = opened {
            count(&self.metrics.circuit_opened);
            let listener = self.events.listener();
            tracing::error!(listener, ?pause, n_failed, error = reason, "no record is handled for a while");
            let error = reason.to_owned();
            self.events.tell(|listener| ListenerEvent::CircuitOpened { listener, pause, n_failed, error });
        }
        verdict
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One who waits, or tries.
struct Place<'b> {
    breaker: &'b Breaker,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let now = self.breaker.now();
        self.breaker.change(|circuit| {
            circuit.leave(self.ticket, now);
            None
        });
    }
}

/// May call the handler once, and says what came of it; one that says nothing leaves the try to the next.
#[must_use = "it says what came of the call"]
pub(crate) struct Pass<'b> {
    breaker: &'b Breaker,
    /// It is the try that all wait for.
    place: Option<Place<'b>>,
}

impl Pass<'_> {
    /// The call ended well, or otherwise than in a failure that may pass: what the handler needs is there.
    pub(crate) fn answered(self) {
        self.breaker.answered_by(self.place.as_ref().map(|place| place.ticket));
    }

    /// The call failed in a way that may pass; `not_before`: the handler said itself after how long. Whether that counts.
    pub(crate) fn failed(self, record: RecordId, not_before: Option<Duration>, reason: &str) -> Verdict {
        self.breaker.failed(self.place.as_ref().map(|place| place.ticket), record, not_before, reason)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future as _, poll_fn};

    use super::*;
    use crate::{listener::events::EventBus, record::TopicPartition};

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Arc<Breaker> {
        let limits = CircuitBreaker { failures: 1, pause: 10 * SECOND, max_pause: 30 * SECOND, probes: None };
        Breaker::new(Some(limits), Arc::default(), EventBus::default().sink("bill"))
    }

    fn record() -> RecordId {
        (TopicPartition::new("orders", 0), 7)
    }

    async fn fail(breaker: &Breaker) -> Verdict {
        let pass = breaker.admit(record(), None).await.unwrap_or_else(|until| panic!("not before {until:?}"));
        pass.failed(record(), None, "down")
    }

    #[tokio::test(start_paused = true)]
    async fn all_wait_until_one_has_tried_and_then_all_go() {
        let breaker = breaker();
        assert_eq!(fail(&breaker).await, Verdict::Postponed);
        let began = breaker.now();
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let breaker = Arc::clone(&breaker);
                tokio::spawn(async move {
                    let pass =
                        breaker.admit(record(), None).await.unwrap_or_else(|until| panic!("not before {until:?}"));
                    let is_try = pass.place.is_some();
                    if is_try {
                        tokio::time::sleep(SECOND).await; // The others wait for this one.
                    }
                    let at = breaker.now();
                    pass.answered();
                    (is_try, at)
                })
            })
            .collect();
        let mut tries = 0;
        for waiting in waiting {
            let (is_try, at) = waiting.await.expect("it does not panic");
            tries += u32::from(is_try);
            assert_eq!(at - began, 11 * SECOND);
        }
        assert_eq!((tries, breaker.state(breaker.now())), (1, CircuitState::Closed));
        assert!(!breaker.is_troubled());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_dropped_while_it_tries_leaves_the_try_to_the_next() {
        let breaker = breaker();
        fail(&breaker).await;
        let first = breaker.admit(record(), None).await;
        assert_eq!(breaker.state(breaker.now()), CircuitState::HalfOpen);
        let mut second = Box::pin(breaker.admit(record(), None));
        poll_fn(|cx| {
            assert!(second.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(first);
        assert!(second.await.is_ok_and(|pass| pass.place.is_some()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_tried_before_a_reset_takes_nobodys_place_after_it() {
        let breaker = breaker();
        fail(&breaker).await;
        let cut_off = breaker.admit(record(), None).await;
        breaker.reset();
        fail(&breaker).await;
        let mut waiting = Box::pin(breaker.admit(record(), None));
        poll_fn(|cx| {
            assert!(waiting.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(cut_off);
        let pass = tokio::time::timeout(60 * SECOND, waiting).await.expect("its place is still its own");
        assert!(pass.is_ok_and(|pass| pass.place.is_some()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_wait_so_long_is_told_until_when() {
        let breaker = breaker();
        fail(&breaker).await;
        let now = breaker.now();
        assert_eq!(breaker.admit(record(), Some(9 * SECOND)).await.map(|_| ()), Err(now + 10 * SECOND));
        assert_eq!(breaker.state(now), CircuitState::Open { retry_in: 10 * SECOND });
        assert!(breaker.admit(record(), Some(10 * SECOND)).await.is_ok());
        breaker.reset();
        assert_eq!(breaker.state(now), CircuitState::Closed);
    }
}
