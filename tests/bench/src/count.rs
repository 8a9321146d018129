//! Handlers count what they handle: the time begins with the first record, and ends with the last. Shared by path with
//! `tests/bench-ruststream`.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result};
use tokio::sync::Notify;

use crate::protocol::{Measured, Stopwatch};

static N_HANDLED: AtomicU64 = AtomicU64::new(0);
static N_EXPECTED: AtomicU64 = AtomicU64::new(0);
static STARTED: OnceLock<Stopwatch> = OnceLock::new();
static ENDED: OnceLock<Measured> = OnceLock::new();
static DONE: Notify = Notify::const_new();

/// How many records there will be; before the first.
pub(crate) fn expect(n_records: u64) {
    N_EXPECTED.store(n_records, Ordering::Relaxed);
}

/// One record was handled.
pub(crate) fn count() {
    let n_before = N_HANDLED.fetch_add(1, Ordering::Relaxed);
    if n_before == 0 {
        let _ = STARTED.set(Stopwatch::start());
    }
    if n_before + 1 == N_EXPECTED.load(Ordering::Relaxed)
        && let Some(watch) = STARTED.get()
    {
        let _ = ENDED.set(watch.stop(n_before + 1));
        DONE.notify_one();
    }
}

/// Returns when all expected records are handled.
pub(crate) async fn all_counted() {
    DONE.notified().await;
}

/// What was measured up to then.
pub(crate) fn counted() -> Result<Measured> {
    ENDED.get().cloned().context("the last record was not timed")
}
