//! [`Waiting`]: who waits for which answer. librdkafka's background thread hands each answer to the one who does.

use std::{
    collections::HashMap,
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr::NonNull,
};

use parking_lot::Mutex;
use rdkafka::{
    bindings::{self as sys},
    client::ClientContext,
    error::KafkaError,
};
use tokio::sync::oneshot;

use super::call::{Answer, Request};
use crate::{
    admin::BrokerError,
    client::{client_log::ClientLog, ffi::text::c_text},
};

/// What became of a call.
pub(crate) type Outcome<T> = Result<T, BrokerError>;

/// Reads an answer and passes it on.
type Taker = Box<dyn FnOnce(&Answer) + Send>;

/// The calls of a client that have no answer yet.
pub(super) struct Waiting {
    calls: Mutex<Calls>,
    log: ClientLog,
}

#[derive(Default)]
struct Calls {
    n_begun: usize,
    takers: HashMap<usize, Taker>,
}

impl Waiting {
    pub(super) fn new(log: ClientLog) -> Self {
        Self { calls: Mutex::default(), log }
    }

    /// A token for a call that is about to begin, and where its answer arrives.
    pub(super) fn begin<R: Request>(&self) -> (usize, oneshot::Receiver<Outcome<R::Answer>>) {
        let (answered, receiver) = oneshot::channel();
        let take = move |answer: &Answer| {
            let outcome = answer.error().map_or_else(|| Ok(R::read(answer)), Err);
            // An error means that nobody waits any more.
            let _ = answered.send(outcome);
        };
        let mut calls = self.calls.lock();
        calls.n_begun += 1;
        let token = calls.n_begun;
        calls.takers.insert(token, Box::new(take));
        (token, receiver)
    }

    /// Nobody waits for this one any more.
    pub(super) fn forget(&self, token: usize) {
        self.calls.lock().takers.remove(&token);
    }

    fn serve(&self, answer: &Answer) {
        if answer.kind() == sys::RD_KAFKA_EVENT_ERROR {
            // SAFETY: the event is alive; its code is one of librdkafka's own.
            let code = unsafe { sys::rd_kafka_event_error(answer.event()) };
            // SAFETY: as above; the text is copied.
            let reason = unsafe { c_text(sys::rd_kafka_event_error_string(answer.event())) };
            return self.log.error(KafkaError::Global(code.into()), reason.trim());
        }
        let taker = self.calls.lock().takers.remove(&answer.token());
        if let Some(take) = taker {
            take(answer);
        }
    }
}

/// librdkafka's background thread calls this with each event, which is ours from then on.
///
/// # Safety
/// `waiting` points to a [`Waiting`] that outlives the client.
pub(super) unsafe extern "C" fn serve(
    _rk: *mut sys::rd_kafka_t,
    event: *mut sys::rd_kafka_event_t,
    waiting: *mut c_void,
) {
    let Some(event) = NonNull::new(event) else { return };
    // SAFETY: the event was given to us.
    let answer = unsafe { Answer::owning(event) };
    // SAFETY: the caller's promise.
    let waiting = unsafe { &*waiting.cast::<Waiting>() };
    // A panic must not unwind into C. Whoever waits for this answer is told, since its sender is gone.
    drop(catch_unwind(AssertUnwindSafe(|| waiting.serve(&answer))));
}
