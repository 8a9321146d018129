//! What each record of a batch must be, and what has to be known of them to store the batch.

use super::rejected::RecordError;
use super::{Place, Rejected, rejected};
use crate::error::ErrorCode;
use crate::log::batch::BatchHeader;
use crate::log::record::{BriefRecord, RecordView};
use crate::log::{LogConfig, TimestampType};

/// The rules for the records of one batch.
pub(super) struct Rules<'a> {
    pub(super) header: &'a BatchHeader,
    pub(super) config: &'a LogConfig,
    pub(super) place: Place<'a>,
    pub(super) now_ms: i64,
    /// Kafka does not look at what is in the records of packed batches that stay as they are: it shows in its words.
    pub(super) skims: bool,
}

/// What a walk over the records has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Walked {
    /// The highest timestamp; -1 if none has one.
    pub(super) highest: i64,
    /// The first record's.
    pub(super) first_timestamp: i64,
    /// Their offset deltas count from 0.
    pub(super) in_order: bool,
}

/// What is wrong with a record.
struct Fault {
    error: RecordError,
    is_about_time: bool,
}

impl Rules<'_> {
    /// Walks over all records: a consumer must be able to do the same.
    pub(super) fn walk(&self, mut bytes: &[u8]) -> Result<Walked, Rejected> {
        let mut walked = Walked { highest: -1, first_timestamp: -1, in_order: true };
        // Nothing is reserved for a batch that is all right.
        let mut faults: Vec<Fault> = Vec::new();
        for index in 0..self.header.records_count {
            let mut record = bytes;
            let Some(brief) = BriefRecord::take(&mut bytes) else {
                return rejected(ErrorCode::InvalidRecord, format!("record {index} of the batch is malformed"));
            };
            let timestamp = self.header.timestamp_of(brief.timestamp_delta);
            if self.lacks_key(brief.has_key) || self.is_wrong_time(timestamp) {
                faults.extend(RecordView::take(&mut record).map(|record| self.fault(index, &record, timestamp)));
            }
            walked.in_order &= brief.offset_delta == index;
            walked.highest = timestamp.max(walked.highest);
            if index == 0 {
                walked.first_timestamp = timestamp;
            }
        }
        if !bytes.is_empty() {
            let message = format!("{} bytes follow the last record of the batch", bytes.len());
            return rejected(ErrorCode::InvalidRecord, message);
        }
        if faults.is_empty() {
            return Ok(walked);
        }
        let is_about_time = faults.iter().any(|fault| fault.is_about_time);
        Err(Rejected::of_records(faults.into_iter().map(|fault| fault.error).collect(), is_about_time))
    }

    fn lacks_key(&self, has_key: bool) -> bool {
        self.config.compacted && !has_key
    }

    /// -1 stands for no timestamp, and is always good. As Kafka, sums and differences may wrap.
    fn is_wrong_time(&self, timestamp: i64) -> bool {
        if self.config.timestamp_type != TimestampType::CreateTime || timestamp == -1 {
            return self.header.has_log_append_time();
        }
        let age = self.now_ms.wrapping_sub(timestamp);
        age > self.config.timestamp_before_max_ms || age.wrapping_neg() > self.config.timestamp_after_max_ms
    }

    /// What is wrong with a record that lacks its key, or has a wrong time.
    #[cold]
    fn fault(&self, index: i32, record: &RecordView<'_>, timestamp: i64) -> Fault {
        if self.lacks_key(record.key.is_some()) {
            let Place { topic, partition } = self.place;
            let message =
                format!("Compacted topic cannot accept message without key in topic partition {topic}-{partition}");
            return Fault { error: RecordError { index, message }, is_about_time: false };
        }
        Fault { error: RecordError { index, message: self.told_of_time(record, timestamp) }, is_about_time: true }
    }

    fn told_of_time(&self, record: &RecordView<'_>, timestamp: i64) -> String {
        let offset = record.offset_delta;
        if self.config.timestamp_type == TimestampType::CreateTime && timestamp != -1 {
            let (before, after) = (self.config.timestamp_before_max_ms, self.config.timestamp_after_max_ms);
            let (earliest, latest) = (self.now_ms.wrapping_sub(before), self.now_ms.wrapping_add(after));
            return format!(
                "Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within \
                 [{earliest}, {latest}]"
            );
        }
        let (kind, none) = if self.skims { ("PartialDefaultRecord", -1) } else { ("DefaultRecord", 0) };
        let len = |field: Option<&[u8]>| field.map_or(none, |field| i64::try_from(field.len()).unwrap_or(i64::MAX));
        let (key, value) = (len(record.key), len(record.value));
        format!(
            "Invalid timestamp type in message {kind}(offset={offset}, timestamp={timestamp}, key={key} \
             bytes, value={value} bytes). Producer should not set timestamp type to LogAppendTime."
        )
    }
}
