//! Which segments may go because they are old, or because there are too many bytes.

use super::LogConfig;
use super::partition_log::PartitionLog;
use super::segment::Segment;

impl PartitionLog {
    /// Drops what `retention.bytes` and `retention.ms` do not keep: segments as a whole, from the oldest on, the active one
    /// too if it is old. Whether the start has moved.
    pub(crate) fn expire(&mut self, now_ms: i64, config: &LogConfig) -> bool {
        if !config.deletes {
            return false;
        }
        let start = self.start_offset;
        self.drop_oldest(by_size(self.len(), config));
        self.drop_oldest(by_time(now_ms, config));
        self.start_offset != start
    }

    /// Drops segments from the oldest on, as long as `is_too_much` says so.
    fn drop_oldest(&mut self, mut is_too_much: impl FnMut(&Segment) -> bool) {
        let last = self.segments.len() - 1;
        // As Kafka: what followers in sync may lack stays.
        let ends = self.segments.iter().skip(1).map(|next| next.base_offset).chain([self.end_offset]);
        let safe = ends.take_while(|end| *end <= self.replicated.until()).count();
        let is_too_much =
            |(n, segment): &(usize, &Segment)| *n < safe && (*n < last || segment.len > 0) && is_too_much(segment);
        let gone = self.segments.iter().enumerate().take_while(is_too_much).count();
        if gone > 0 {
            let start = self.segments.get(gone).map_or(self.end_offset, |next| next.base_offset);
            // An offset inside of the log is never out of range.
            let _ = self.delete_before(start);
        }
    }
}

fn by_size(len: usize, config: &LogConfig) -> impl FnMut(&Segment) -> bool {
    let kept = usize::try_from(config.retention_bytes).unwrap_or(usize::MAX);
    let mut surplus = len.checked_sub(kept);
    move |segment| {
        let left = surplus.and_then(|surplus| surplus.checked_sub(segment.len));
        surplus = left.or(surplus);
        left.is_some()
    }
}

fn by_time(now_ms: i64, config: &LogConfig) -> impl FnMut(&Segment) -> bool {
    let retention_ms = config.retention_ms;
    move |segment| retention_ms >= 0 && now_ms.saturating_sub(segment.largest_timestamp()) > retention_ms
}
