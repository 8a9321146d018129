//! Making a log again of what was kept of it.

use super::batch::{BatchHeader, HIGHEST_OFFSET};
use super::config::LogConfig;
use super::partition_log::PartitionLog;
use super::producer_state::ProducerEntry;
use super::segment::Segment;

/// A log that is being made again, batch by batch.
#[derive(Debug)]
pub(crate) struct Restoring {
    log: PartitionLog,
    now_ms: i64,
}

impl Restoring {
    pub(crate) fn new(now_ms: i64) -> Self {
        Self { log: PartitionLog::empty(), now_ms }
    }

    /// The next batch, which lies in the segment that begins at `segment`.
    pub(crate) fn batch(&mut self, segment: i64, header: &BatchHeader, bytes: &[u8], config: &LogConfig) {
        let log = &mut self.log;
        let active = log.segments.back().map_or(0, |last| last.base_offset);
        if active != segment {
            log.freeze_tail();
            if log.end_offset == 0 {
                log.segments.clear();
            }
            log.segments.push_back(Segment::new(segment));
        }
        log.restore_batch(header, bytes, self.now_ms, config);
    }

    /// The log, with what is known beside its batches: where its epochs began, producers that none of its batches tells of
    /// any more, its first offset, and the segment that was active last, which may be empty. What of the copy is of no use
    /// any more is noted as a change.
    pub(crate) fn finish(
        mut self,
        epochs: &[(i32, i64)],
        producers: &[ProducerEntry],
        (start_offset, active): (i64, i64),
    ) -> PartitionLog {
        let log = &mut self.log;
        let start_offset = start_offset.min(HIGHEST_OFFSET);
        // Past the end if the tail was cut off, or all that was there was deleted.
        log.end_offset = log.end_offset.max(start_offset).max(active);
        log.complete(epochs, producers);
        if log.segments.back().is_none_or(|last| last.base_offset != active) {
            log.freeze_tail();
            log.segments.retain(|segment| segment.len > 0);
            log.segments.push_back(Segment::new(active));
        }
        log.changes_mut().want();
        // An offset inside of the log is never out of range.
        let _ = log.delete_before(start_offset);
        self.log
    }
}
