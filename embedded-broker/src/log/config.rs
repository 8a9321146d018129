//! What a log needs to know of its topic's configs, typed.

use super::compression::Compression;

/// Whose time a record carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TimestampType {
    /// The producer's: `CreateTime`.
    #[default]
    CreateTime,
    /// The broker's when it appended: `LogAppendTime`.
    LogAppendTime,
}

/// The configs of one topic that its logs act on: resolved once per change, never per request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogConfig {
    /// `max.message.bytes`: the largest batch, header included.
    pub(crate) max_message_bytes: usize,
    /// `segment.bytes`: a segment is closed before it grows past this.
    pub(crate) segment_bytes: usize,
    /// `segment.ms`: a segment is closed when its records span more.
    pub(crate) segment_ms: i64,
    /// `segment.jitter.ms`: up to this much earlier, so that segments made together do not end together.
    pub(crate) segment_jitter_ms: i64,
    /// `segment.index.bytes`: a segment whose index would be longer is closed.
    pub(crate) segment_index_bytes: usize,
    /// `index.interval.bytes`: how many bytes one entry of an index stands for.
    pub(crate) index_interval_bytes: usize,
    /// `compression.type`: how batches are stored; `None` for `producer`, which leaves it to whoever sends.
    pub(crate) compression: Option<Compression>,
    /// `compression.gzip.level`: 1 to 9, or -1 for gzip's own default.
    pub(crate) gzip_level: i32,
    /// `message.timestamp.type`.
    pub(crate) timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how far behind the broker's time a record's may lie.
    pub(crate) timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how far ahead of the broker's time a record's may lie.
    pub(crate) timestamp_after_max_ms: i64,
    /// `cleanup.policy` contains `compact`: of each key only the latest record stays, and every record needs a key.
    pub(crate) compacted: bool,
    /// `cleanup.policy` contains `delete`: what is old or too much goes.
    pub(crate) deletes: bool,
    /// `retention.ms`: how old a segment's newest record may be; negative for any age.
    pub(crate) retention_ms: i64,
    /// `retention.bytes`: segments go while as many bytes are left; negative for any number.
    pub(crate) retention_bytes: i64,
    /// `delete.retention.ms`: how long compaction keeps tombstones.
    pub(crate) delete_retention_ms: i64,
    /// `min.compaction.lag.ms`: younger records are not compacted.
    pub(crate) min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: older records are compacted even if it is hardly worth it.
    pub(crate) max_compaction_lag_ms: i64,
    /// `flush.messages`: after as many records the disk has to confirm them; without a data directory nothing is on a disk.
    pub(crate) flush_messages: i64,
    /// `flush.ms`: a batch that comes as long after the last confirmation has to be confirmed.
    pub(crate) flush_ms: i64,
    /// `min.cleanable.dirty.ratio`: compaction is worth it if more than this share of the bytes is new.
    pub(crate) min_cleanable_dirty_ratio: f64,
    /// `min.insync.replicas`: how many have to have a record before it counts.
    pub(crate) min_in_sync: usize,
    /// `unclean.leader.election.enable`: rather lose records than be without a leader.
    pub(crate) elects_unclean: bool,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            max_message_bytes: 1_048_588,
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            compression: None,
            gzip_level: -1,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
            deletes: true,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            delete_retention_ms: 86_400_000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            min_cleanable_dirty_ratio: 0.5,
            min_in_sync: 1,
            elects_unclean: false,
        }
    }
}
