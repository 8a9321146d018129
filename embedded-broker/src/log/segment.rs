//! A stretch of the log that is dropped or compacted as a whole: groups in order, found by offset or time.

use super::LogConfig;
use super::batch::BatchHeader;
use super::tail::Group;

/// Bytes of one entry of Kafka's offset index, and of its time index.
const OFFSET_ENTRY: usize = 8;
const TIME_ENTRY: usize = 12;

/// A batch that is to go to the end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving {
    pub(crate) len: usize,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) now_ms: i64,
}

/// One segment, as Kafka has them, without a file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) groups: Vec<Group>,
    /// All bytes, those of the tail included.
    pub(crate) len: usize,
    /// When the first batch came, and its highest timestamp: rolling by time counts from there.
    first: Option<(i64, i64)>,
    max_timestamp: i64,
    last_append_ms: i64,
    /// What Kafka's indexes would hold of it: a full index ends a segment, too.
    index_entries: usize,
    since_entry: usize,
}

impl Segment {
    pub(crate) fn new(base_offset: i64) -> Self {
        Self {
            base_offset,
            groups: Vec::new(),
            len: 0,
            first: None,
            max_timestamp: -1,
            last_append_ms: -1,
            index_entries: 0,
            since_entry: 0,
        }
    }

    /// Notes a batch of `len` bytes that goes to the end.
    pub(crate) fn appended(&mut self, header: &BatchHeader, len: usize, now_ms: i64, config: &LogConfig) {
        self.first.get_or_insert((now_ms, header.max_timestamp));
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
        self.last_append_ms = now_ms;
        self.len += len;
        if self.since_entry > config.index_interval_bytes {
            self.index_entries += 1;
            self.since_entry = 0;
        }
        self.since_entry += len;
    }

    /// Whether a batch has to go to the next segment: this one is full, or is older than `segment_ms` by the timestamps of
    /// its first batch and the new one.
    pub(crate) fn is_full_for(&self, next: &Arriving, segment_ms: i64, config: &LogConfig) -> bool {
        let Some((came, timestamp)) = self.first.filter(|_| self.len > 0) else { return false };
        let waited = if timestamp >= 0 { next.max_timestamp.saturating_sub(timestamp) } else { next.now_ms - came };
        self.len + next.len > config.segment_bytes
            || waited > segment_ms
            || self.index_entries >= config.segment_index_bytes / OFFSET_ENTRY
            || self.index_entries + 1 >= config.segment_index_bytes / TIME_ENTRY
            // Indexes hold offsets by their distance from the first.
            || next.last_offset - self.base_offset > i64::from(i32::MAX)
    }

    pub(crate) fn last_append_ms(&self) -> i64 {
        self.last_append_ms
    }

    /// The highest timestamp; of records without any, when the last of them came.
    pub(crate) fn largest_timestamp(&self) -> i64 {
        if self.max_timestamp >= 0 { self.max_timestamp } else { self.last_append_ms }
    }

    /// The highest timestamp of the first batch, if it has one.
    pub(crate) fn first_timestamp(&self) -> Option<i64> {
        self.first.map(|(_, timestamp)| timestamp).filter(|timestamp| *timestamp >= 0)
    }

    /// The groups from the one that holds `offset` on.
    pub(crate) fn since(&self, offset: i64) -> &[Group] {
        let first = self.groups.partition_point(|group| group.last_offset < offset);
        self.groups.get(first..).unwrap_or_default()
    }

    /// Drops the groups that lie before `offset` as a whole.
    pub(crate) fn drop_before(&mut self, offset: i64) {
        let kept = self.groups.partition_point(|group| group.last_offset < offset);
        for gone in self.groups.drain(..kept) {
            self.len -= gone.bytes.len();
        }
    }

    /// Takes batches off the end until none reaches `offset`.
    pub(crate) fn truncate_to(&mut self, offset: i64) {
        let kept = self.groups.partition_point(|group| group.last_offset < offset);
        let cut = self.groups.drain(kept..).next().and_then(|group| group.before(offset));
        self.groups.extend(cut);
        self.len = self.groups.iter().map(|group| group.bytes.len()).sum();
        self.max_timestamp = self.groups.iter().map(|group| group.max_timestamp).max().unwrap_or(-1);
        if self.groups.is_empty() {
            *self = Self::new(self.base_offset.min(offset));
        }
    }

    /// An empty segment that takes the place of these: as old as the first, and last written to with the last.
    pub(crate) fn in_place_of(segments: &[Self]) -> Option<Self> {
        let (first, last) = (segments.first()?, segments.last()?);
        Some(Self { last_append_ms: last.last_append_ms, ..Self::new(first.base_offset) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::tests::TestBatch;

    fn filled(config: &LogConfig, batches: &[(i64, usize, i64)]) -> Segment {
        let mut segment = Segment::new(0);
        for (timestamp, len, now_ms) in batches {
            let header = BatchHeader::read(&TestBatch::of(&["a"]).at(&[*timestamp]).bytes()).expect("a header");
            segment.appended(&header, *len, *now_ms, config);
        }
        segment
    }

    fn next(len: usize, max_timestamp: i64, now_ms: i64) -> Arriving {
        Arriving { len, last_offset: 9, max_timestamp, now_ms }
    }

    #[test]
    fn a_segment_is_full_by_size_or_by_the_time_of_its_records() {
        let config = LogConfig { segment_bytes: 100, ..LogConfig::default() };
        let segment = filled(&config, &[(1_000, 60, 5_000)]);
        assert!(!segment.is_full_for(&next(40, 1_000, 9_000_000), 50, &config), "the broker's time does not count");
        assert!(segment.is_full_for(&next(41, 1_000, 5_000), 50, &config));
        assert!(!segment.is_full_for(&next(1, 1_050, 5_000), 50, &config));
        assert!(segment.is_full_for(&next(1, 1_051, 5_000), 50, &config));
        let far = Arriving { last_offset: 1 << 31, ..next(1, 1_000, 5_000) };
        assert!(segment.is_full_for(&far, 50, &config));
        assert!(!Segment::new(0).is_full_for(&next(1_000, 1_000, 0), 50, &config), "an empty one takes anything");
    }

    #[test]
    fn records_without_time_count_by_the_brokers() {
        let config = LogConfig::default();
        let segment = filled(&config, &[(-1, 60, 5_000), (-1, 60, 5_020)]);
        assert!(!segment.is_full_for(&next(1, -1, 5_050), 50, &config));
        assert!(segment.is_full_for(&next(1, -1, 5_051), 50, &config));
        assert_eq!(segment.largest_timestamp(), 5_020);
        assert_eq!(filled(&config, &[(7, 60, 5_000), (3, 60, 5_000)]).largest_timestamp(), 7);
    }

    #[test]
    fn a_full_index_ends_a_segment() {
        // An entry for every batch but the first, as each is longer than the interval; 24 bytes hold two entries of time.
        let config = LogConfig { index_interval_bytes: 10, segment_index_bytes: 24, ..LogConfig::default() };
        assert!(!filled(&config, &[(1, 60, 0)]).is_full_for(&next(60, 1, 0), i64::MAX, &config));
        assert!(filled(&config, &[(1, 60, 0), (1, 60, 0)]).is_full_for(&next(60, 1, 0), i64::MAX, &config));
    }
}
