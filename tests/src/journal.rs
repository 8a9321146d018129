//! [`Journal`]: what handlers did, in the order they did it, and a way to wait for it.

use std::sync::Arc;

use anyhow::{Result, bail};
use tokio::sync::watch;

use crate::PATIENCE;

/// One call of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which handler or instance.
    pub who: String,
    /// Partition of the record.
    pub partition: i32,
    /// Offset of the record.
    pub offset: i64,
    /// Payload as text.
    pub payload: String,
    /// Which delivery it was, from 1.
    pub attempt: u32,
}

/// Shared by the handlers of a test as application state.
#[derive(Debug, Clone)]
pub struct Journal(Arc<watch::Sender<Vec<Entry>>>);

impl Default for Journal {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }
}

impl Journal {
    /// Notes one call.
    pub fn note(&self, who: &str, metadata: &kafka_app::RecordMetadata, payload: impl Into<String>, attempt: u32) {
        let entry = Entry {
            who: who.to_owned(),
            partition: metadata.partition,
            offset: metadata.offset,
            payload: payload.into(),
            attempt,
        };
        self.0.send_modify(|entries| entries.push(entry));
    }

    /// All calls so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.0.borrow().clone()
    }

    /// Payloads so far, in order.
    #[must_use]
    pub fn payloads(&self) -> Vec<String> {
        self.0.borrow().iter().map(|entry| entry.payload.clone()).collect()
    }

    /// Which deliveries of a payload there were.
    #[must_use]
    pub fn attempts(&self, payload: &str) -> Vec<u32> {
        self.0.borrow().iter().filter(|entry| entry.payload == payload).map(|entry| entry.attempt).collect()
    }

    /// Waits until `enough` holds and returns the entries.
    ///
    /// # Errors
    /// If it does not hold in time; the text has what there is.
    pub async fn wait_until(&self, mut enough: impl FnMut(&[Entry]) -> bool) -> Result<Vec<Entry>> {
        let mut entries = self.0.subscribe();
        // The guard must be gone before anything else looks: a second look behind a waiting writer would wait for itself.
        let seen = async { entries.wait_for(|entries| enough(entries)).await.map(|seen| seen.clone()) };
        match tokio::time::timeout(PATIENCE, seen).await {
            Ok(seen) => Ok(seen?),
            Err(_) => {
                let seen = self.entries();
                bail!("not seen in time; there are {} entries, the last: {:?}", seen.len(), seen.last())
            }
        }
    }

    /// Waits for at least `n` calls.
    ///
    /// # Errors
    /// As [`Journal::wait_until`].
    pub async fn wait_for(&self, n: usize) -> Result<Vec<Entry>> {
        self.wait_until(|entries| entries.len() >= n).await
    }
}
