//! [`Window`]: how many records of one sender have no answer yet, so that it waits for room and at last for all.
//!
//! `tests/permutations` runs this file with loom's atomics, in every order that threads may take.

use std::{
    future::poll_fn,
    task::{Poll, Waker},
};

use parking_lot::Mutex;

use crate::sync::{AtomicU64, Ordering};

/// What is under way of one sender, who waits on one task at a time.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// In the low half, how many records have no answer; in the high half, that the sender wants fewer than so many, and 0
    /// while it waits for nothing. In one word, so that an answer either finds the wish or is seen by who makes it.
    state: AtomicU64,
    waiter: Mutex<Option<Waker>>,
}

const HALF: u32 = u32::BITS;
/// The low half; more records than that are never under way.
const OPEN: u64 = (1 << HALF) - 1;

impl Window {
    /// So many records more are to be answered.
    pub(crate) fn open(&self, n_records: usize) {
        self.state.fetch_add(half(n_records), Ordering::Relaxed);
    }

    /// So many were answered. What was stored of them before is seen by who sees them gone.
    pub(crate) fn answered(&self, n_records: usize) {
        let before = self.state.fetch_sub(half(n_records), Ordering::AcqRel);
        if (before & OPEN) - half(n_records) < before >> HALF
            && let Some(waker) = self.waiter.lock().take()
        {
            waker.wake();
        }
    }

    /// Resolves when no more than so many are without an answer.
    pub(crate) async fn at_most(&self, n_records: usize) {
        let wish = half(n_records.saturating_add(1)) << HALF;
        poll_fn(|cx| {
            if self.state.load(Ordering::Acquire) & OPEN > half(n_records) {
                *self.waiter.lock() = Some(cx.waker().clone());
            }
            let wished = |state| (state & OPEN) | if state & OPEN > half(n_records) { wish } else { 0 };
            let (Ok(before) | Err(before)) =
                self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| Some(wished(state)));
            if wished(before) >> HALF == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

fn half(n_records: usize) -> u64 {
    u64::from(u32::try_from(n_records).unwrap_or(u32::MAX))
}
