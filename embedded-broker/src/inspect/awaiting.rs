//! Waiting for something that can be looked at: by blocking a thread, or as a future that needs no runtime.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::{Timestamp, Waiter, Woken};
use crate::cluster::Cluster;
use crate::coordinator::TimerKey;
use crate::error::Error;

/// What is waited for.
pub(crate) trait Awaited {
    /// What is there when it has come.
    type Output;
    /// Wakes the waiter if the next look could see something else.
    type Watch;

    fn cluster(&self) -> &Arc<Cluster>;

    /// Has `waiter` woken whenever it is worth looking again.
    fn watch(&self, number: u64, waiter: &Arc<Waiter>);

    /// Takes back what was said to [`watch`](Self::watch).
    fn unwatch(&self, number: u64);

    /// Has `waiter` woken if there is something new since now: asked for before each look, where what is to be watched depends
    /// on what is there.
    fn watch_next(&self, waiter: &Arc<Waiter>) -> Self::Watch;

    /// What was waited for, if it is there; an error if it cannot come any more.
    fn look(&self) -> Option<Result<Self::Output, Error>>;

    /// What to say when the time is over.
    fn too_late(&self) -> Error;
}

/// A wait that has begun. The broker's threads wake it.
pub(crate) struct Waiting<A: Awaited> {
    asked: A,
    deadline: Timestamp,
    number: u64,
    waiter: Arc<Waiter>,
    timer_is_set: bool,
    watch: Option<A::Watch>,
}

impl<A: Awaited> Waiting<A> {
    /// Gives up after `patience` of the broker's clock.
    pub(crate) fn begin(asked: A, patience: Duration) -> Self {
        let cluster = asked.cluster();
        let deadline = cluster.clock.now().saturating_add(patience);
        let (number, waiter) = cluster.register_waiter();
        asked.watch(number, &waiter);
        Self { asked, deadline, number, waiter, timer_is_set: false, watch: None }
    }

    /// What was waited for, if it is there; else the waiter is woken when it may be.
    fn look(&mut self) -> Option<Result<A::Output, Error>> {
        self.watch = Some(self.asked.watch_next(&self.waiter));
        self.asked.look()
    }

    /// Blocks this thread until it is over.
    pub(crate) fn wait(mut self) -> Result<A::Output, Error> {
        loop {
            if let Some(done) = self.look() {
                return done;
            }
            if self.waiter.wait(&self.asked.cluster().clock, Some(self.deadline)) == Woken::Deadline {
                return self.asked.look().unwrap_or_else(|| Err(self.asked.too_late()));
            }
        }
    }
}

impl<A: Awaited + Unpin> Future for Waiting<A>
where
    A::Watch: Unpin,
{
    type Output = Result<A::Output, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            if let Some(done) = self.look() {
                return Poll::Ready(done);
            }
            if self.asked.cluster().clock.now() >= self.deadline {
                return Poll::Ready(Err(self.asked.too_late()));
            }
            if !self.timer_is_set {
                self.timer_is_set = true;
                self.asked.cluster().timers.schedule(TimerKey::Await(self.number), self.deadline);
            }
            if !self.waiter.poll_wake(cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

impl<A: Awaited> Drop for Waiting<A> {
    fn drop(&mut self) {
        let cluster = self.asked.cluster();
        cluster.timers.cancel(&TimerKey::Await(self.number));
        self.asked.unwatch(self.number);
        cluster.unregister_waiter(self.number);
    }
}
