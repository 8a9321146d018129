//! [`Inbox`]: where the reader of the topic of replies puts them, and where requests wait.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::{
    correlation::{CORRELATION_ID, CorrelationId},
    pending::{Closed, Pending},
    reply::Reply,
};
use crate::record::RawRecord;

/// What became of the replies that were read, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyCounts {
    /// Replies that somebody waited for.
    pub received: u64,
    /// Replies that nobody waited for: they came too late, or are for another application that reads the same topic.
    pub unexpected: u64,
    /// Records without a correlation id of ours: no replies to requests of this kind.
    pub uncorrelated: u64,
}

/// Shared by the requests that wait and the reader of replies.
#[derive(Default)]
pub(crate) struct Inbox {
    pending: Mutex<Pending<mpsc::UnboundedSender<Reply>>>,
    received: AtomicU64,
    unexpected: AtomicU64,
    uncorrelated: AtomicU64,
}

impl Inbox {
    /// A reply was read.
    pub(crate) fn take(&self, topic: &Arc<str>, partition: i32, record: &RawRecord) {
        let mut header = None;
        record.for_each_header(|name, value| {
            if name == CORRELATION_ID {
                header = value;
            }
        });
        let offset = record.offset();
        let Some(id) = header.and_then(CorrelationId::of) else {
            self.uncorrelated.fetch_add(1, Relaxed);
            tracing::debug!(%topic, partition, offset, "a record has no correlation id of ours: it is dropped");
            return;
        };
        let Some(waiter) = self.pending.lock().route(id) else {
            self.unexpected.fetch_add(1, Relaxed);
            tracing::debug!(%topic, partition, offset, correlation_id = %id, "nobody waits for a reply: it is dropped");
            return;
        };
        // Before whoever waits sees it, who may look at the counts next.
        self.received.fetch_add(1, Relaxed);
        // One that stops to wait at this moment was waiting when the reply came.
        let _gone = waiter.send(Reply::of(topic, partition, record));
    }

    /// Waits for replies to a request that is about to be sent.
    pub(super) fn register(
        self: &Arc<Self>,
        id: CorrelationId,
        n_expected: Option<NonZeroUsize>,
    ) -> Result<Waiter, Closed> {
        let (sender, replies) = mpsc::unbounded_channel();
        self.pending.lock().register(id, sender, n_expected)?;
        Ok(Waiter { id, replies, inbox: Arc::clone(self) })
    }

    /// Lets all go that wait; they see the end of their replies.
    pub(super) fn close(&self) {
        self.pending.lock().close();
    }

    pub(super) fn counts(&self) -> ReplyCounts {
        ReplyCounts {
            received: self.received.load(Relaxed),
            unexpected: self.unexpected.load(Relaxed),
            uncorrelated: self.uncorrelated.load(Relaxed),
        }
    }

    #[cfg(test)]
    pub(super) fn n_waiting(&self) -> usize {
        self.pending.lock().len()
    }
}

/// One request that waits; dropping it forgets the request.
pub(super) struct Waiter {
    id: CorrelationId,
    replies: mpsc::UnboundedReceiver<Reply>,
    inbox: Arc<Inbox>,
}

impl Waiter {
    /// The next reply; `None`: there will be none.
    pub(super) async fn next(&mut self) -> Option<Reply> {
        self.replies.recv().await
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.inbox.pending.lock().forget(self.id);
    }
}
