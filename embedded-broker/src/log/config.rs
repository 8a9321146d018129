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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogConfig {
    /// `max.message.bytes`: the largest batch, header included.
    pub(crate) max_message_bytes: usize,
    /// `segment.bytes`: a segment is closed before it grows past this.
    pub(crate) segment_bytes: usize,
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
    /// `cleanup.policy` contains `compact`: every record needs a key.
    pub(crate) compacted: bool,
}

impl Default for LogConfig {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            max_message_bytes: 1_048_588,
            segment_bytes: 1 << 30,
            compression: None,
            gzip_level: -1,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            compacted: false,
        }
    }
}
