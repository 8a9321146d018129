//! Where facts are kept: nowhere, or in the state log of a data directory.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{StateImage, StateRecord};
use crate::error::{Error, ErrorCode};
use crate::persist::disk::Disk;
use crate::persist::state_log::{Entries, StateLog};

/// The keeper of facts. Whoever makes one true gives it to the store before telling anybody.
#[derive(Debug, Default)]
pub(crate) struct StateStore {
    log: Option<StateLog>,
    /// A fact could not be kept: what is in memory is ahead of the disk, and no client may be told of it.
    broken: AtomicBool,
}

impl StateStore {
    /// Opens the state log of a data directory and returns what it says.
    pub(crate) fn open(dir: &Path, disk: Disk, sync: bool) -> io::Result<(Self, StateImage)> {
        let mut image = StateImage::default();
        let log = StateLog::open(dir, disk, sync, |payload| {
            image.replay(StateRecord::decode(payload)?);
            Ok(())
        })?;
        Ok((Self { log: Some(log), broken: AtomicBool::new(false) }, image))
    }

    /// Keeps these facts, all of them or none. Without a data directory they are not even made.
    ///
    /// # Errors
    ///
    /// `KAFKA_STORAGE_ERROR` when they could not be written; from then on nothing is kept any more.
    pub(crate) fn keep<I>(&self, facts: impl FnOnce() -> I) -> Result<(), Error>
    where
        I: IntoIterator<Item = StateRecord>,
    {
        let Some(log) = &self.log else { return Ok(()) };
        let mut entries = Entries::default();
        let written = facts()
            .into_iter()
            .try_for_each(|fact| fact.encode().map(|payload| entries.push(&payload)))
            .and_then(|()| log.append(&entries));
        written.map_err(|error| {
            if !self.broken.swap(true, Ordering::SeqCst) {
                tracing::error!(%error, "the data directory cannot be written: this broker answers nobody any more");
            }
            let why = format!("the data directory cannot be written: {error}");
            Error::with_code(ErrorCode::KafkaStorageError, why)
        })
    }

    /// Whether a fact was lost: the broker must not answer anybody, as if it had been killed before that fact.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Returns once every fact has reached the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.log.as_ref().map_or(Ok(()), StateLog::sync)
    }

    /// Rewrites the log as what it says, however short it is.
    #[cfg(test)]
    pub(crate) fn compact_now(&self) -> io::Result<()> {
        self.log.as_ref().map_or(Ok(()), compact)
    }

    /// Rewrites the log as what it says, if it has grown long enough for that.
    pub(crate) fn compact_if_long(&self) -> io::Result<()> {
        match &self.log {
            Some(log) if log.is_worth_compacting() => compact(log),
            _ => Ok(()),
        }
    }
}

fn compact(log: &StateLog) -> io::Result<()> {
    let mut compaction = log.compact()?;
    let mut image = StateImage::default();
    compaction.read(|payload| {
        image.replay(StateRecord::decode(payload)?);
        Ok(())
    })?;
    for fact in image.facts() {
        compaction.write(&fact.encode()?)?;
    }
    compaction.finish()
}
