//! Completions: what waits for the broker's acknowledgment, of one record or of many.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use crate::{producer::SendError, record::SendResult};

/// A send the client accepted: resolves when the broker acknowledged the record or the client gave it up.
///
/// It may be dropped without harm: the record goes out all the same.
#[must_use = "it resolves to whether the broker has the record"]
pub struct PendingSend(Repr);

enum Repr {
    Waiting(Arc<Completion>),
    Done(Option<Result<SendResult, SendError>>),
}

impl PendingSend {
    pub(crate) fn waiting(completion: Arc<Completion>) -> Self {
        Self(Repr::Waiting(completion))
    }

    /// An answer that is there already; for doubles of the client.
    pub(crate) fn done(result: Result<SendResult, SendError>) -> Self {
        Self(Repr::Done(Some(result)))
    }
}

impl Future for PendingSend {
    type Output = Result<SendResult, SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            Repr::Waiting(completion) => completion.poll(cx),
            // Polled after its answer: it stays pending, as futures that are over may.
            Repr::Done(result) => result.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}

impl fmt::Debug for PendingSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSend").finish_non_exhaustive()
    }
}

/// The meeting point of one awaited send and its delivery report: one allocation for both sides.
#[derive(Default)]
pub(crate) struct Completion(Mutex<State>);

#[derive(Default)]
enum State {
    /// Nobody has asked yet.
    #[default]
    Pending,
    Awaited(Waker),
    Done(Result<SendResult, SendError>),
    Taken,
}

impl Completion {
    /// Stores the answer and wakes who waits; a second answer is ignored.
    pub(crate) fn complete(&self, result: Result<SendResult, SendError>) {
        let mut state = self.0.lock();
        match mem::replace(&mut *state, State::Taken) {
            State::Pending => *state = State::Done(result),
            State::Awaited(waker) => {
                *state = State::Done(result);
                drop(state);
                waker.wake();
            }
            old @ (State::Done(_) | State::Taken) => *state = old,
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<SendResult, SendError>> {
        let mut state = self.0.lock();
        match mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Poll::Ready(result),
            State::Taken => Poll::Pending,
            State::Awaited(waker) if waker.will_wake(cx.waker()) => {
                *state = State::Awaited(waker);
                Poll::Pending
            }
            State::Pending | State::Awaited(_) => {
                *state = State::Awaited(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
