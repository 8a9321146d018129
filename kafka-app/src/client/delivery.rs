//! Completions: what waits for the broker's acknowledgment, of one record or of many.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::{producer::Collects, window::Window};
use crate::{
    producer::SendError,
    record::{ProducerRecord, SendResult},
};

/// A send the client accepted: resolves when the broker acknowledged the record or the client gave it up.
///
/// It may be dropped without harm: the record goes out all the same, and should it fail then, the log says so.
#[must_use = "it resolves to whether the broker has the record"]
pub struct PendingSend(Arc<Completion>);

impl PendingSend {
    pub(crate) fn waiting(completion: Arc<Completion>) -> Self {
        Self(completion)
    }

    /// An answer that is there already; for doubles of the client.
    #[cfg(test)]
    pub(crate) fn done(result: Result<SendResult, SendError>) -> Self {
        let completion = Completion::default();
        completion.complete(result);
        Self(Arc::new(completion))
    }
}

impl Future for PendingSend {
    type Output = Result<SendResult, SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl fmt::Debug for PendingSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSend").finish_non_exhaustive()
    }
}

/// The meeting point of one awaited send and its delivery report: one allocation for both sides.
#[derive(Default)]
pub(crate) struct Completion {
    state: Mutex<State>,
    /// What the caller chose of these, for giving the record back: librdkafka forgets the time of a failed record, and
    /// does not say whether the partition was chosen or computed.
    partition: Option<i32>,
    timestamp: Option<i64>,
}

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
    /// For a record that chooses its partition or time.
    pub(crate) fn choosing(partition: Option<i32>, timestamp: Option<i64>) -> Self {
        Self { state: Mutex::default(), partition, timestamp }
    }

    /// The record of a delivery report with what its sender chose.
    pub(super) fn restore(&self, record: ProducerRecord) -> ProducerRecord {
        ProducerRecord { partition: self.partition, timestamp: self.timestamp, ..record }
    }

    /// Stores the answer and wakes who waits; a second answer is ignored.
    pub(crate) fn complete(&self, result: Result<SendResult, SendError>) {
        let mut state = self.state.lock();
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
        let mut state = self.state.lock();
        match mem::replace(&mut *state, State::Taken) {
            State::Done(result) => Poll::Ready(result),
            // Polled after its answer: it stays pending, as futures that are over may.
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

impl Drop for Completion {
    /// A failure that nobody took must not go unseen.
    fn drop(&mut self) {
        if let State::Done(Err(error)) = self.state.get_mut() {
            tracing::error!(%error, "a record was not delivered, and nobody waited for the answer of its send");
        }
    }
}

/// The meeting point of a batch and its delivery reports: a slot for each record.
pub(crate) struct BatchCompletion {
    slots: Box<[Slot]>,
    /// Records without an answer.
    n_open: AtomicUsize,
    failures: Mutex<Vec<(usize, SendError)>>,
    /// Where its sender waits for this and others.
    window: Arc<Window>,
}

#[derive(Default)]
struct Slot {
    partition: AtomicI32,
    offset: AtomicI64,
}

impl BatchCompletion {
    pub(crate) fn new(n_records: usize, window: Arc<Window>) -> Self {
        window.open(n_records);
        Self {
            slots: (0..n_records).map(|_| Slot::default()).collect(),
            n_open: AtomicUsize::new(n_records),
            failures: Mutex::default(),
            window,
        }
    }

    /// Whether every record has its answer.
    pub(crate) fn is_done(&self) -> bool {
        self.n_open.load(Ordering::Acquire) == 0
    }

    /// Where each record is, in order; meaningless for those that failed.
    pub(crate) fn results(&self) -> impl Iterator<Item = SendResult> {
        let load = |slot: &Slot| SendResult {
            partition: slot.partition.load(Ordering::Relaxed),
            offset: slot.offset.load(Ordering::Relaxed),
        };
        self.slots.iter().map(load)
    }

    /// The records that failed, by their index in the batch.
    pub(crate) fn take_failures(&self) -> Vec<(usize, SendError)> {
        let mut failures = mem::take(&mut *self.failures.lock());
        failures.sort_by_key(|(index, _)| *index);
        failures
    }
}

impl Collects for BatchCompletion {
    fn store(&self, index: usize, result: Result<SendResult, SendError>) {
        match result {
            Ok(sent) => {
                self.slots[index].partition.store(sent.partition, Ordering::Relaxed);
                self.slots[index].offset.store(sent.offset, Ordering::Relaxed);
            }
            Err(error) => self.failures.lock().push((index, error)),
        }
    }

    fn answered(&self, n_records: usize) -> bool {
        // Release, so that who sees zero also sees every slot; acquire, so that the last one passes on what others stored.
        let is_last = self.n_open.fetch_sub(n_records, Ordering::AcqRel) == n_records;
        self.window.answered(n_records);
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::{Error, ErrorKind},
        test_support::Events,
    };

    fn failed() -> PendingSend {
        let error = Error::new(ErrorKind::Refused, "the record for `orders` is too large");
        PendingSend::done(Err(SendError::new(ProducerRecord::default(), error)))
    }

    #[tokio::test]
    async fn a_failure_that_nobody_takes_is_told_in_the_log() {
        let events = Events::collect();
        failed().await.expect_err("it failed");
        assert!(events.lines().is_empty(), "whoever awaits it knows");
        drop(failed());
        assert_eq!(events.lines().len(), 1);
        assert!(events.lines()[0].contains("the record for `orders` is too large"), "{:?}", events.lines());
    }
}
