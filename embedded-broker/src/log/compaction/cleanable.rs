//! What can be compacted, and whether that is worth it.

use std::collections::HashMap;

use crate::log::LogConfig;
use crate::log::aborted::AbortedTransaction;
use crate::log::partition_log::PartitionLog;
use crate::log::producer_state::LastRecord;
use crate::log::segment::Segment;

/// A picture of the closed segments of a log, and what it takes to compact them.
#[derive(Debug)]
pub(crate) struct Cleanable {
    pub(super) version: u64,
    pub(super) segments: Vec<Segment>,
    /// What lies before was compacted, and no key comes twice in it.
    pub(super) first_dirty: i64,
    /// Nothing from here on is looked at.
    pub(super) until: i64,
    /// By producer id.
    pub(super) last_records: HashMap<i64, LastRecord>,
    /// Of the segments, by first offset.
    pub(super) aborted: Vec<AbortedTransaction>,
}

impl PartitionLog {
    /// What a compaction would work on now: all closed segments up to the first that is too young or undecided. `None` if
    /// there is none, or the uncompacted part is too small; `at_once` takes any, and what was compacted before, too.
    pub(crate) fn cleanable(&self, config: &LogConfig, now_ms: i64, at_once: bool) -> Option<Cleanable> {
        let mut first_dirty = self.compacted_until.max(self.start_offset).min(self.end_offset);
        let n = self.n_cleanable(first_dirty, config, now_ms);
        let until = self.segments.get(n)?.base_offset;
        let segments = self.segments.iter().take(n);
        if at_once {
            first_dirty = first_dirty.min(until);
        } else if !Dirt::of(segments.clone(), first_dirty, until).is_enough(config, now_ms) {
            return None;
        }
        (n > 0).then(|| Cleanable {
            version: self.version,
            first_dirty,
            until,
            last_records: self.producers().last_records(),
            aborted: self.aborted(),
            segments: segments.cloned().collect(),
        })
    }

    /// How many of the oldest segments may be compacted: not the active one, none with undecided records, and none that
    /// has a record younger than `min.compaction.lag.ms`, nor any after it.
    fn n_cleanable(&self, first_dirty: i64, config: &LogConfig, now_ms: i64) -> usize {
        let stable = self.last_stable_offset();
        let too_young = |segment: &Segment| {
            let oldest = now_ms.saturating_sub(config.min_compaction_lag_ms);
            config.min_compaction_lag_ms > 0 && segment.largest_timestamp() > oldest
        };
        let segments = self.segments.iter().zip(self.segments.iter().skip(1));
        let may_be = |(segment, next): &(&Segment, &Segment)| {
            next.base_offset <= stable && (next.base_offset <= first_dirty || !too_young(segment))
        };
        segments.take_while(may_be).count()
    }
}

/// How much of the segments is new since they were compacted.
struct Dirt {
    dirty_len: usize,
    clean_len: usize,
    /// The time of the oldest new segment that has one.
    since: Option<i64>,
}

impl Dirt {
    fn of<'a>(segments: impl Iterator<Item = &'a Segment> + Clone, first_dirty: i64, until: i64) -> Self {
        let nexts = segments.clone().skip(1).map(|next| next.base_offset).chain([until]);
        let dirty = segments.clone().zip(nexts).filter(|(_, next)| *next > first_dirty).map(|(segment, _)| segment);
        let clean = segments.filter(|segment| segment.base_offset < first_dirty);
        Self {
            dirty_len: dirty.clone().map(|segment| segment.len).sum(),
            clean_len: clean.map(|segment| segment.len).sum(),
            since: dirty.filter_map(Segment::first_timestamp).filter(|timestamp| *timestamp > 0).min(),
        }
    }

    /// It is a larger share than `min.cleanable.dirty.ratio`, or has waited for longer than `max.compaction.lag.ms`.
    fn is_enough(&self, config: &LogConfig, now_ms: i64) -> bool {
        let latest = now_ms.saturating_sub(config.max_compaction_lag_ms);
        #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
        let share = self.dirty_len as f64 / (self.dirty_len + self.clean_len) as f64;
        self.dirty_len > 0
            && (share > config.min_cleanable_dirty_ratio || self.since.is_some_and(|since| since < latest))
    }
}
