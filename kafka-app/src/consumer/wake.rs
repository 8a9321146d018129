//! [`Wake`] and [`Ready`]: how the client's threads tell a consumer that there is something for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::client::Signal;

/// Wakes who waits for a consumer; events of the client are told to it.
#[derive(Default)]
pub(super) struct Wake(Notify);

impl Wake {
    /// Until something has come since the last call, or this time has passed.
    pub(super) async fn wait(&self, at_most: Duration) {
        // That the time has passed is as good.
        let _ = tokio::time::timeout(at_most, self.0.notified()).await;
    }
}

impl Signal for Wake {
    fn signal(&self) {
        self.0.notify_one();
    }
}

/// Whether there may be records in a partition's queue.
pub(super) struct Ready {
    /// Set at first: records may have come before the queue was asked to tell.
    is_set: AtomicBool,
    wake: Arc<Wake>,
}

impl Ready {
    pub(super) fn new(wake: &Arc<Wake>) -> Arc<Self> {
        Arc::new(Self { is_set: AtomicBool::new(true), wake: Arc::clone(wake) })
    }

    /// Whether to look; asked before the look, so that what comes meanwhile is told again.
    pub(super) fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }

    /// There is more.
    pub(super) fn set(&self) {
        self.is_set.store(true, Ordering::Release);
    }
}

impl Signal for Ready {
    fn signal(&self) {
        self.set();
        self.wake.signal();
    }
}
