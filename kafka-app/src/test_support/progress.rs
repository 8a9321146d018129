//! [`FakeProgress`]: a lane that notes what is finished and can be revoked.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::Acks;
use crate::listener::{AckSource, AckTarget, Progress};

/// A lane that notes what is finished and can be revoked.
pub(crate) struct FakeProgress {
    done: Mutex<Vec<u64>>,
    left_to_ack: Mutex<Vec<u64>>,
    revoked: watch::Sender<bool>,
    is_gone: AtomicBool,
    is_handled: AtomicBool,
    ack_target: Option<Arc<dyn AckTarget>>,
    rewound_to: Mutex<Vec<Instant>>,
}

impl FakeProgress {
    pub(crate) fn new() -> Self {
        Self {
            done: Mutex::default(),
            left_to_ack: Mutex::default(),
            revoked: watch::Sender::new(false),
            is_gone: AtomicBool::new(false),
            is_handled: AtomicBool::new(false),
            ack_target: None,
            rewound_to: Mutex::default(),
        }
    }

    /// One whose listener acknowledges by hand.
    pub(crate) fn manual(acks: &Acks) -> Self {
        Self { ack_target: Some(acks.target()), ..Self::new() }
    }

    /// No further record starts.
    pub(crate) fn revoke(&self) {
        self.revoked.send_replace(true);
    }

    /// The partition is somebody else's.
    pub(crate) fn lose(&self) {
        self.is_gone.store(true, Ordering::SeqCst);
        self.revoke();
    }

    /// What is done, in the order it was said.
    pub(crate) fn finished(&self) -> Vec<u64> {
        self.done.lock().clone()
    }

    /// Before when nothing is to come again, for each time it was said.
    pub(crate) fn rewinds(&self) -> Vec<Instant> {
        self.rewound_to.lock().clone()
    }

    /// Whether all that is left is to wait for acknowledgments.
    pub(crate) fn is_handled(&self) -> bool {
        self.is_handled.load(Ordering::SeqCst)
    }

    pub(crate) fn acked_by_hand(&self) -> Vec<u64> {
        self.left_to_ack.lock().clone()
    }
}

impl Progress for FakeProgress {
    fn done(&self, seq: u64) {
        let mut done = self.done.lock();
        assert!(!done.contains(&seq), "record {seq} was done twice");
        done.push(seq);
    }

    fn handled_all(&self) {
        self.is_handled.store(true, Ordering::SeqCst);
    }

    fn is_revoked(&self) -> bool {
        *self.revoked.borrow()
    }

    fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::SeqCst)
    }

    fn revoked(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut revoked = self.revoked.subscribe();
        Box::pin(async move {
            revoked.wait_for(|revoked| *revoked).await.expect("the sender is in the same struct");
        })
    }

    fn rewind(&self, not_before: Instant) {
        self.rewound_to.lock().push(not_before);
        self.revoke();
    }

    fn ack(&self, seq: u64) -> Option<AckSource<'_>> {
        self.ack_target.as_ref().map(|target| AckSource { seq, target })
    }

    fn left_to_ack(&self, seq: u64) {
        self.left_to_ack.lock().push(seq);
    }
}
