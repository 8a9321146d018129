//! What goes from a partition's log: records that are deleted, expired, compacted away, or cut off at the end. Whoever waits
//! for more looks again.

use std::io;
use std::sync::Arc;

use super::{Partition, State};
use crate::error::ErrorCode;
use crate::log::{self, OutOfRange};

impl Partition {
    /// Deletes the records before `offset`, at this node; -1 stands for all that can be read. Returns the new start.
    pub(crate) fn delete_records(&self, node: Option<i32>, offset: i64) -> Result<i64, ErrorCode> {
        let mut state = self.state.lock();
        state.check_writable().map_err(|rejected| rejected.code)?;
        state.check_leader(node)?;
        let high_watermark = state.replicas.high_watermark();
        let offset = if offset == -1 { high_watermark } else { offset };
        if offset > high_watermark {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let start = state.log.delete_before(offset).map_err(|_| ErrorCode::OffsetOutOfRange)?;
        state.keep(None).map_err(|rejected| rejected.code)?;
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
        Ok(start)
    }

    /// Drops what the topic's retention does not keep. Returns whether the start has moved.
    pub(crate) fn expire(&self, now_ms: i64) -> bool {
        let mut state = self.state.lock();
        if state.check_writable().is_err() {
            return false;
        }
        let State { config, log, .. } = &mut *state;
        let moved = log.expire(now_ms, config);
        // If it cannot be kept, the partition is offline, and said so.
        _ = state.keep(None);
        let waits = if moved { std::mem::take(&mut state.waits) } else { Vec::new() };
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
        moved
    }

    /// Compacts the closed segments, if there is enough to do; `at_once` closes the active one first and always does.
    /// Returns whether anything was compacted. Records are copied without the lock: appends go on meanwhile.
    ///
    /// # Errors
    ///
    /// If a batch cannot be unpacked. The log stays as it is.
    pub(crate) fn compact(&self, now_ms: i64, at_once: bool) -> io::Result<bool> {
        loop {
            let mut state = self.state.lock();
            let config = Arc::clone(&state.config);
            if !config.compacted || state.check_writable().is_err() {
                return Ok(false);
            }
            if at_once {
                state.log.roll();
            }
            let cleanable = state.log.cleanable(&config, now_ms, at_once);
            drop(state);
            let Some(cleanable) = cleanable else { return Ok(false) };
            let cleaned = log::clean(&cleanable, &config, now_ms)?;
            let mut state = self.state.lock();
            if state.check_writable().is_err() {
                return Ok(false);
            }
            if state.log.replace(cleaned) {
                // If it cannot be kept, the partition is offline, and said so.
                _ = state.keep(None);
                return Ok(true);
            }
        }
    }

    /// Cuts the log off at `offset` and begins a new leader epoch there, as an unclean election does whose new leader had
    /// no more.
    pub(crate) fn truncate(&self, offset: i64) -> Result<(), ErrorCode> {
        let mut state = self.state.lock();
        state.check_writable().map_err(|rejected| rejected.code)?;
        let State { replicas, log, .. } = &mut *state;
        // What was recovered may say that the last epoch there is has been reached.
        let next_epoch = replicas.leader_epoch().saturating_add(1);
        log.truncate_to(offset, next_epoch).map_err(|OutOfRange| ErrorCode::OffsetOutOfRange)?;
        replicas.cut_off(offset, next_epoch);
        state.replicas_moved();
        state.keep_remembered();
        state.keep(None).map_err(|rejected| rejected.code)?;
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
        Ok(())
    }
}
