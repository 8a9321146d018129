//! [`Receipts`]: what becomes of records that are sent one by one and looked after together.
//!
//! What the handlers of a chunk return would else need a meeting point each: an allocation that one thread makes and another
//! frees, a lock at each look, and a waker.

use std::{
    fmt, mem,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

use super::batch::BatchTable;
use crate::{
    client::ffi::{BatchTicket, MAX_BATCH},
    producer::SendError,
    record::SendResult,
};

/// Who is told what became of many records, each by its index.
pub(in crate::client) trait Collects: Send + Sync {
    /// The answer for a record, each of which is answered once; [`Collects::answered`] counts it.
    fn store(&self, index: usize, result: Result<SendResult, SendError>);

    /// So many answers were stored; true with the last one.
    fn answered(&self, n_records: usize) -> bool;
}

/// What becomes of records by their index: the sender's side.
pub(crate) struct Receipts {
    slots: Arc<Slots>,
    /// Where reports find them.
    place: Option<(Arc<Mutex<BatchTable>>, usize)>,
}

/// What sender and reports share.
struct Slots {
    states: Box<[AtomicU8]>,
    /// Records without an answer, and one more as long as others may be sent.
    n_open: AtomicUsize,
    failures: Mutex<Vec<(usize, SendError)>>,
    waker: Mutex<Option<Waker>>,
}

const OPEN: u8 = 0;
const ACKNOWLEDGED: u8 = 1;
const FAILED: u8 = 2;

impl Receipts {
    /// Of records with an index below this, and below what a ticket has room for.
    pub(super) fn register(batches: &Arc<Mutex<BatchTable>>, n_records: usize) -> Self {
        let slots = Slots::new(n_records);
        let key = batches.lock().insert(Arc::clone(&slots) as _);
        Self { slots, place: Some((Arc::clone(batches), key)) }
    }

    /// Of a double of the client, which answers by [`Receipts::answer`].
    #[cfg(test)]
    pub(crate) fn of_double(n_records: usize) -> Self {
        Self { slots: Slots::new(n_records), place: None }
    }

    /// The ticket for a record that is sent now; `None` where there is no slot for it.
    pub(super) fn ticket(&self, index: usize) -> Option<BatchTicket> {
        let (_, key) = self.place.as_ref()?;
        if index >= self.slots.states.len() {
            return None;
        }
        self.slots.n_open.fetch_add(1, Ordering::Relaxed);
        Some(BatchTicket { key: *key, index })
    }

    /// It was not taken: there will be no report.
    pub(super) fn not_sent(&self) {
        self.slots.n_open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether a record is acknowledged.
    pub(crate) fn is_acknowledged(&self, index: usize) -> bool {
        self.slots.states[index].load(Ordering::Acquire) == ACKNOWLEDGED
    }

    /// Waits for what became of a record; a failure comes out once.
    pub(crate) fn poll(&self, index: usize, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        if let Some(result) = self.slots.take(index) {
            return Poll::Ready(result);
        }
        self.slots.wait(cx.waker());
        // It may have been answered meanwhile.
        self.slots.take(index).map_or(Poll::Pending, Poll::Ready)
    }

    #[cfg(test)]
    pub(crate) fn answer(&self) -> impl Fn(usize, Result<SendResult, SendError>) + Send + Sync + use<> {
        let slots = Arc::clone(&self.slots);
        move |index, result| {
            slots.n_open.fetch_add(1, Ordering::Relaxed);
            slots.store(index, result);
            slots.answered(1);
        }
    }
}

impl Slots {
    fn new(n_records: usize) -> Arc<Self> {
        Arc::new(Self {
            states: (0..n_records.min(MAX_BATCH)).map(|_| AtomicU8::new(OPEN)).collect(),
            n_open: AtomicUsize::new(1),
            failures: Mutex::default(),
            waker: Mutex::default(),
        })
    }

    fn take(&self, index: usize) -> Option<Result<(), SendError>> {
        match self.states[index].load(Ordering::Acquire) {
            OPEN => None,
            FAILED => {
                let mut failures = self.failures.lock();
                let at = failures.iter().position(|(of, _)| *of == index)?;
                Some(Err(failures.swap_remove(at).1))
            }
            _ => Some(Ok(())),
        }
    }

    fn wait(&self, waker: &Waker) {
        let mut waiting = self.waker.lock();
        match &mut *waiting {
            Some(waiting) => waiting.clone_from(waker),
            None => *waiting = Some(waker.clone()),
        }
    }
}

impl Collects for Slots {
    fn store(&self, index: usize, result: Result<SendResult, SendError>) {
        let state = match result {
            Ok(_) => ACKNOWLEDGED,
            Err(error) => {
                self.failures.lock().push((index, error));
                FAILED
            }
        };
        // Release, so that who sees it sees the failure as well.
        self.states[index].store(state, Ordering::Release);
    }

    fn answered(&self, n_records: usize) -> bool {
        let is_last = self.n_open.fetch_sub(n_records, Ordering::AcqRel) == n_records;
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        is_last
    }
}

impl Drop for Receipts {
    /// No more is sent; what is under way is answered yet.
    fn drop(&mut self) {
        if self.slots.n_open.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some((batches, key)) = &self.place
        {
            batches.lock().remove(*key);
        }
    }
}

impl Drop for Slots {
    /// A failure that nobody took must not go unseen.
    fn drop(&mut self) {
        for (_, error) in mem::take(self.failures.get_mut()) {
            tracing::error!(%error, "a record was not delivered, and nobody waited for the answer of its send");
        }
    }
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipts").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::atomic::AtomicUsize,
        task::{Wake, Waker},
    };

    use super::*;
    use crate::{
        error::{Error, ErrorKind},
        record::ProducerRecord,
        test_support::Events,
    };

    const SENT: SendResult = SendResult { partition: 0, offset: 0 };

    fn failure() -> SendError {
        let error = Error::new(ErrorKind::Refused, "the record for `orders` is too large");
        SendError::new(ProducerRecord::default(), error)
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn each_record_has_its_own_answer_in_whatever_order_they_come() {
        let receipts = Receipts::of_double(3);
        let answer = receipts.answer();
        answer(2, Ok(SENT));
        answer(0, Err(failure()));
        assert_eq!([0, 1, 2].map(|index| receipts.is_acknowledged(index)), [false, false, true]);
        let failed = poll_fn(|cx| receipts.poll(0, cx)).await.unwrap_err();
        assert!(failed.to_string().contains("too large"), "{failed}");
        answer(1, Ok(SENT));
        for index in [1, 2] {
            poll_fn(|cx| receipts.poll(index, cx)).await.unwrap();
        }
    }

    #[test]
    fn who_waits_for_one_is_woken_by_any_and_looks_again() {
        let (receipts, woken) = (Receipts::of_double(2), Arc::new(Woken::default()));
        let waker = Waker::from(Arc::clone(&woken));
        let answer = receipts.answer();
        assert!(receipts.poll(0, &Context::from_waker(&waker)).is_pending());
        answer(1, Ok(SENT));
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(receipts.poll(0, &Context::from_waker(&waker)).is_pending());
        answer(0, Ok(SENT));
        assert_eq!(woken.0.load(Ordering::SeqCst), 2);
        assert!(receipts.poll(0, &Context::from_waker(&waker)).is_ready());
    }

    #[test]
    fn a_failure_that_nobody_takes_is_told_in_the_log() {
        let events = Events::collect();
        let receipts = Receipts::of_double(1);
        receipts.answer()(0, Err(failure()));
        drop(receipts);
        assert_eq!(events.lines().len(), 1);
        assert!(events.lines()[0].contains("the record for `orders` is too large"), "{:?}", events.lines());
    }
}
