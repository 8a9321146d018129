//! What each record of a batch must be, and what has to be known of them to store the batch.

use super::rejected::RecordError;
use super::{Place, Rejected, rejected};
use crate::error::ErrorCode;
use crate::log::batch::BatchHeader;
use crate::log::record::RecordView;
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

/// What is wrong with records so far; nothing is reserved for a batch that is all right.
#[derive(Default)]
struct Faults {
    records: Vec<RecordError>,
    is_about_time: bool,
}

impl Rules<'_> {
    /// Walks over all records: a consumer must be able to do the same.
    pub(super) fn walk(&self, mut bytes: &[u8]) -> Result<Walked, Rejected> {
        let mut walked = Walked { highest: -1, first_timestamp: -1, in_order: true };
        let mut faults = Faults::default();
        for index in 0..self.header.records_count {
            let Some(record) = RecordView::take(&mut bytes).filter(RecordView::has_valid_headers) else {
                return rejected(ErrorCode::InvalidRecord, format!("record {index} of the batch is malformed"));
            };
            let timestamp = self.header.timestamp_of(record.timestamp_delta);
            self.look_at(index, &record, timestamp, &mut faults);
            walked.in_order &= record.offset_delta == index;
            walked.highest = timestamp.max(walked.highest);
            if index == 0 {
                walked.first_timestamp = timestamp;
            }
        }
        if !bytes.is_empty() {
            let message = format!("{} bytes follow the last record of the batch", bytes.len());
            return rejected(ErrorCode::InvalidRecord, message);
        }
        if faults.records.is_empty() {
            return Ok(walked);
        }
        Err(Rejected::of_records(faults.records, faults.is_about_time))
    }

    fn look_at(&self, index: i32, record: &RecordView<'_>, timestamp: i64, faults: &mut Faults) {
        let message = if self.config.compacted && record.key.is_none() {
            let Place { topic, partition } = self.place;
            format!("Compacted topic cannot accept message without key in topic partition {topic}-{partition}")
        } else if let Some(message) = self.wrong_time(record, timestamp) {
            faults.is_about_time = true;
            message
        } else {
            return;
        };
        faults.records.push(RecordError { index, message });
    }

    /// -1 stands for no timestamp, and is always good. As Kafka, sums and differences may wrap.
    fn wrong_time(&self, record: &RecordView<'_>, timestamp: i64) -> Option<String> {
        let offset = record.offset_delta;
        if self.config.timestamp_type == TimestampType::CreateTime && timestamp != -1 {
            let (before, after) = (self.config.timestamp_before_max_ms, self.config.timestamp_after_max_ms);
            let age = self.now_ms.wrapping_sub(timestamp);
            if age <= before && age.wrapping_neg() <= after {
                return None;
            }
            let (earliest, latest) = (self.now_ms.wrapping_sub(before), self.now_ms.wrapping_add(after));
            return Some(format!(
                "Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within \
                 [{earliest}, {latest}]"
            ));
        }
        self.header.has_log_append_time().then(|| {
            let (kind, none) = if self.skims { ("PartialDefaultRecord", -1) } else { ("DefaultRecord", 0) };
            let len = |field: Option<&[u8]>| field.map_or(none, |field| i64::try_from(field.len()).unwrap_or(i64::MAX));
            let (key, value) = (len(record.key), len(record.value));
            format!(
                "Invalid timestamp type in message {kind}(offset={offset}, timestamp={timestamp}, key={key} \
                 bytes, value={value} bytes). Producer should not set timestamp type to LogAppendTime."
            )
        })
    }
}
