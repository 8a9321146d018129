//! A copy that was not there when things happened to its log: as far as it is like it, it stays, and the rest goes.

use std::io;

use super::{KeptLog, Place, producers_before};
use crate::log::{BatchHeader, LogConfig, PartitionLog};
use crate::persist::partition_dir::PartitionDir;

/// What tells batches at the same place apart.
fn identity(header: &BatchHeader) -> (i64, i64, i32, u32) {
    (header.base_offset, header.last_offset(), header.leader_epoch, header.crc)
}

impl KeptLog {
    /// Reads the files again, and makes them the front of the log.
    pub(super) fn match_with(&mut self, log: &PartitionLog, config: &LogConfig) -> io::Result<()> {
        let place = Place {
            path: self.path.clone(),
            topic_id: self.topic_id.clone(),
            disk: self.disk.clone(),
            check: false,
            now_ms: self.flushed_ms,
        };
        let mut found = Self::open(&place, config)?;
        found.kept.unflushed = self.unflushed;
        found.kept.keep_what_is_like(log, &mut found.log, config)?;
        *self = found.kept;
        Ok(())
    }

    /// Makes the copy the front of `log`, which shows all of itself: `own` is what the copy has.
    pub(super) fn keep_what_is_like(
        &mut self,
        log: &PartitionLog,
        own: &mut PartitionLog,
        config: &LogConfig,
    ) -> io::Result<()> {
        own.show_all();
        let first = log.segment_bases().next().unwrap_or_default();
        let end = if own.segment_bases().any(|base| base == first) {
            own.segment_bases().take_while(|base| *base < first).try_for_each(|base| self.dir.remove(base))?;
            self.cut_at_the_first_difference(log, own, config)?
        } else {
            self.begin_at(log, first)?;
            first
        };
        self.dir.remove_snapshots_behind(end)?;
        // Where the log has no batches any more, there are none to get.
        self.end = log.batches_from(end).next().map_or(log.end_offset(), |_| end);
        (self.followed, self.is_stale) = (log.end_offset(), false);
        if log.start_offset() <= self.end {
            self.write_start(log.start_offset())?;
        }
        self.write_epochs(log, false)
    }

    /// Begins anew, with a segment at `first`.
    fn begin_at(&mut self, log: &PartitionLog, first: i64) -> io::Result<()> {
        self.dir = PartitionDir::create(&self.path, &self.topic_id, self.disk.clone())?;
        (self.start_offset, self.epochs) = (0, Vec::new());
        if first > 0 {
            self.dir.roll(first, &producers_before(log, first))?;
            self.dir.remove(0)?;
        }
        Ok(())
    }

    /// Returns where the first batch would follow that is not here.
    fn cut_at_the_first_difference(
        &mut self,
        log: &PartitionLog,
        own: &PartitionLog,
        config: &LogConfig,
    ) -> io::Result<i64> {
        // In front of where both begin, one may have what the other has dropped.
        let start = log.start_offset().max(own.start_offset());
        let bases: Vec<i64> = log.segment_bases().collect();
        let own_bases: Vec<i64> = own.segment_bases().skip_while(|base| *base < bases[0]).collect();
        let mut end = bases[0];
        for (n, base) in bases.iter().copied().enumerate() {
            let is_kept = |(header, _): &(BatchHeader, &[u8])| header.last_offset() >= start;
            let mut theirs = log.segment_batches(base).filter(is_kept);
            let mut ours = own.segment_batches(base).filter(is_kept);
            end = end.max(base);
            let is_same = loop {
                match (theirs.next(), ours.next()) {
                    (Some((their, _)), Some((our, _))) if identity(&their) == identity(&our) => {
                        end = their.last_offset() + 1;
                    }
                    (None, None) => break true,
                    (_, None) => break own_bases.len() == n + 1,
                    (_, Some(_)) => break false,
                }
            };
            let (next, own_next) = (bases.get(n + 1), own_bases.get(n + 1));
            if is_same && own_next.is_none() {
                return Ok(end);
            }
            if !is_same || next != own_next {
                let same = log.segment_batches(base).filter(|(header, _)| header.last_offset() < end);
                let aborted: Vec<_> =
                    log.aborted_by_marker().iter().filter(|aborted| aborted.last_offset < end).cloned().collect();
                self.dir.rewrite((base, i64::MAX), same, &aborted, config.index_interval_bytes)?;
                return Ok(end);
            }
        }
        Ok(end)
    }
}
