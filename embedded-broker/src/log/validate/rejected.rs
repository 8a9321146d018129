//! Why a batch is refused, and how much of it the producer is told.

use crate::error::ErrorCode;

/// Why a batch is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) code: ErrorCode,
    /// What is wrong, for the broker's own log; for the producer too if Kafka `tells` it.
    pub(crate) message: String,
    /// Kafka answers most refusals with the code alone, and clients show their own text for it.
    pub(crate) tells: bool,
    /// The records at fault; empty if it is the batch as a whole.
    pub(crate) records: Vec<RecordError>,
    /// Where the log began that was to take it, or -1.
    pub(crate) log_start: i64,
}

/// What is wrong with one record, by its place in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordError {
    pub(crate) index: i32,
    pub(crate) message: String,
}

impl Rejected {
    /// A refusal that is answered with its code alone.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), tells: false, records: Vec::new(), log_start: -1 }
    }

    /// A refusal whose words Kafka sends along.
    pub(crate) fn told(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { tells: true, ..Self::new(code, message) }
    }

    /// The refusal of a batch that came as far as a log that begins at `log_start`. As Kafka, it is not told where the fault
    /// is in the bytes or their number.
    pub(crate) fn by_log(mut self, log_start: i64) -> Self {
        let is_about_bytes =
            matches!(self.code, ErrorCode::CorruptMessage | ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge);
        if !is_about_bytes {
            self.log_start = log_start;
        }
        self
    }

    /// Single records are at fault: those whose time is out of bounds, or that lack a key. Never empty.
    pub(super) fn of_records(records: Vec<RecordError>, is_about_time: bool) -> Self {
        let (code, message) = if is_about_time {
            let message = "One or more records have been rejected due to invalid timestamp".to_owned();
            (ErrorCode::InvalidTimestamp, message)
        } else {
            (ErrorCode::InvalidRecord, first_three(&records))
        };
        Self { records, ..Self::told(code, message) }
    }
}

fn first_three(records: &[RecordError]) -> String {
    let shown = records.iter().take(3);
    let shown: Vec<String> =
        shown.map(|error| format!("RecordError(batchIndex={}, message='{}')", error.index, error.message)).collect();
    format!(
        "One or more records have been rejected due to {} record errors in total, and only showing the first three \
         errors at most: [{}]",
        records.len(),
        shown.join(", ")
    )
}

pub(crate) fn rejected<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected::new(code, message))
}
