//! The dead letter of a record: its own bytes, and Spring's headers that say where it came from and why.

use std::{error::Error as StdError, fmt::Write as _};

use bytes::Bytes;

use crate::{
    handler::{Failure, Rejection},
    record::{Headers, ProducerRecord, RawRecord, Timestamp},
};

/// Longest text of `kafka_dlt-exception-message`, in bytes: a dead letter has to fit where its record did.
const MESSAGE_MAX_BYTES: usize = 2048;

pub(super) const ORIGINAL_TOPIC: &str = "kafka_dlt-original-topic";
pub(super) const ORIGINAL_PARTITION: &str = "kafka_dlt-original-partition";
pub(super) const ORIGINAL_OFFSET: &str = "kafka_dlt-original-offset";
const ORIGINAL_TIMESTAMP: &str = "kafka_dlt-original-timestamp";
const ORIGINAL_TIMESTAMP_TYPE: &str = "kafka_dlt-original-timestamp-type";
pub(super) const ORIGINAL_CONSUMER_GROUP: &str = "kafka_dlt-original-consumer-group";
pub(super) const EXCEPTION_FQCN: &str = "kafka_dlt-exception-fqcn";
pub(super) const EXCEPTION_CAUSE_FQCN: &str = "kafka_dlt-exception-cause-fqcn";
pub(super) const EXCEPTION_MESSAGE: &str = "kafka_dlt-exception-message";

/// Headers of an earlier failure, which the new one replaces; where the record came from is kept, and added to.
const OF_ANOTHER_FAILURE: &str = "kafka_dlt-exception-";

/// Where a record came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
    pub(crate) group_id: &'a str,
}

/// Why a record is given up.
#[derive(Debug, Clone)]
pub(crate) struct Reason {
    pub(super) type_name: &'static str,
    pub(super) cause_type_name: Option<&'static str>,
    /// The error and what caused it, as one line.
    pub(crate) message: String,
    /// Where the error itself wants the record given up to.
    pub(crate) destination: Option<String>,
}

impl Reason {
    pub(crate) fn of_failure(failure: &Failure) -> Self {
        Self {
            type_name: failure.type_name,
            cause_type_name: None,
            message: chain(&*failure.error),
            destination: failure.dead_letter_topic.clone(),
        }
    }

    /// Types of causes are known for rejections only: Rust's errors do not tell theirs.
    pub(crate) fn of_rejection(rejection: &Rejection) -> Self {
        Self {
            type_name: "kafka_app::Rejection",
            cause_type_name: Some(rejection.type_name),
            message: chain(rejection),
            destination: None,
        }
    }
}

/// The dead letter of `record`, for `topic` with that many partitions (`None`: unknown). It keeps its partition where the
/// topic has it.
pub(crate) fn dead_letter(
    record: &RawRecord,
    origin: Origin<'_>,
    reason: &Reason,
    topic: &str,
    n_partitions: Option<i32>,
) -> ProducerRecord {
    ProducerRecord {
        topic: Some(topic.into()),
        partition: n_partitions.filter(|n| origin.partition < *n).map(|_| origin.partition),
        timestamp: record.timestamp().to_millis(),
        key: record.key().map(Bytes::copy_from_slice),
        payload: record.payload().map(Bytes::copy_from_slice),
        headers: headers(record, origin, reason),
    }
}

fn headers(record: &RawRecord, origin: Origin<'_>, reason: &Reason) -> Headers {
    let mut headers = record.to_headers();
    headers.retain(|name| !name.starts_with(OF_ANOTHER_FAILURE));
    let mut push = |name: &str, value: &[u8]| headers.push(name, Some(Bytes::copy_from_slice(value)));
    push(ORIGINAL_TOPIC, origin.topic.as_bytes());
    push(ORIGINAL_PARTITION, &origin.partition.to_be_bytes());
    push(ORIGINAL_OFFSET, &record.offset().to_be_bytes());
    push(ORIGINAL_TIMESTAMP, &record.timestamp().to_millis().unwrap_or(-1).to_be_bytes());
    push(ORIGINAL_TIMESTAMP_TYPE, timestamp_type(record.timestamp()).as_bytes());
    push(ORIGINAL_CONSUMER_GROUP, origin.group_id.as_bytes());
    push(EXCEPTION_FQCN, reason.type_name.as_bytes());
    if let Some(cause) = reason.cause_type_name {
        push(EXCEPTION_CAUSE_FQCN, cause.as_bytes());
    }
    push(EXCEPTION_MESSAGE, capped(&reason.message).as_bytes());
    headers
}

/// As Java's `TimestampType` prints itself.
pub(super) fn timestamp_type(timestamp: Timestamp) -> &'static str {
    match timestamp {
        Timestamp::NotAvailable => "NoTimestampType",
        Timestamp::CreateTime(_) => "CreateTime",
        Timestamp::LogAppendTime(_) => "LogAppendTime",
    }
}

/// The error and its sources, each once: many errors tell their source in their own text.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let told = error.to_string();
        if !text.contains(&told) {
            let _ = write!(text, ": {told}");
        }
        source = error.source();
    }
    text
}

pub(super) fn capped(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::OwnedRecord;

    const ORIGIN: Origin<'_> = Origin { topic: "orders", partition: 3, group_id: "billing" };

    fn source() -> OwnedRecord {
        OwnedRecord {
            offset: 258,
            timestamp: Timestamp::CreateTime(5),
            key: Some(b"key".to_vec()),
            payload: Some(b"payload".to_vec()),
            ..OwnedRecord::default()
        }
    }

    fn reason() -> Reason {
        Reason::of_failure(&Failure::retry("till is closed"))
    }

    fn letter(record: OwnedRecord) -> ProducerRecord {
        dead_letter(&record.into(), ORIGIN, &reason(), "orders-dlt", Some(12))
    }

    #[test]
    fn a_dead_letter_has_the_bytes_and_the_time_of_its_record() {
        let letter = letter(source());
        assert_eq!((letter.topic.as_deref(), letter.timestamp), (Some("orders-dlt"), Some(5)));
        assert_eq!(letter.key.as_deref(), Some(&b"key"[..]));
        assert_eq!(letter.payload.as_deref(), Some(&b"payload"[..]));
    }

    #[test]
    fn nulls_stay_null() {
        let letter = letter(OwnedRecord { key: None, payload: None, ..source() });
        assert_eq!((letter.key, letter.payload), (None, None));
    }

    #[test]
    fn its_headers_are_springs() {
        let letter = letter(source());
        let header = |name| letter.headers.last(name).flatten().unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(header("kafka_dlt-original-topic"), b"orders");
        assert_eq!(header("kafka_dlt-original-partition"), [0, 0, 0, 3]);
        assert_eq!(header("kafka_dlt-original-offset"), [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(header("kafka_dlt-original-timestamp"), [0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(header("kafka_dlt-original-timestamp-type"), b"CreateTime");
        assert_eq!(header("kafka_dlt-original-consumer-group"), b"billing");
        assert_eq!(header("kafka_dlt-exception-fqcn"), b"&str");
        assert_eq!(header("kafka_dlt-exception-message"), b"till is closed");
    }

    #[test]
    fn a_rejection_tells_the_type_of_its_cause() {
        let reason = Reason::of_rejection(&Rejection::new("Text", crate::NotUtf8 { position: 3 }));
        let letter = dead_letter(&source().into(), ORIGIN, &reason, "orders-dlt", None);
        let header = |name| letter.headers.last(name).flatten().map(String::from_utf8_lossy);
        assert_eq!(header("kafka_dlt-exception-fqcn").as_deref(), Some("kafka_app::Rejection"));
        assert_eq!(header("kafka_dlt-exception-cause-fqcn").as_deref(), Some(std::any::type_name::<crate::NotUtf8>()));
    }

    #[test]
    fn headers_of_the_record_are_kept_and_those_of_an_earlier_failure_replaced() {
        let mut headers = Headers::new();
        headers.push("trace", Some("t".into()));
        headers.push(ORIGINAL_TOPIC, Some("first".into()));
        headers.push(EXCEPTION_MESSAGE, Some("old".into()));
        let letter = letter(OwnedRecord { headers, ..source() });
        let of = |name: &str| letter.headers.iter().filter(|(n, _)| *n == name).count();
        assert_eq!((of("trace"), of(ORIGINAL_TOPIC), of(EXCEPTION_MESSAGE)), (1, 2, 1));
        assert_eq!(letter.headers.last(EXCEPTION_MESSAGE), Some(Some(&b"till is closed"[..])));
    }

    #[test]
    fn the_partition_is_kept_where_the_topic_has_it() {
        let partition =
            |n_partitions| dead_letter(&source().into(), ORIGIN, &reason(), "orders-dlt", n_partitions).partition;
        assert_eq!((partition(Some(4)), partition(Some(3)), partition(None)), (Some(3), None, None));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let reason = Reason::of_failure(&Failure::retry("ü".repeat(2_000)));
        let letter = dead_letter(&source().into(), ORIGIN, &reason, "orders-dlt", None);
        assert_eq!(letter.headers.last(EXCEPTION_MESSAGE).flatten().map(<[u8]>::len), Some(MESSAGE_MAX_BYTES));
        let reason = Reason::of_failure(&Failure::retry(format!("x{}", "ü".repeat(2_000))));
        let letter = dead_letter(&source().into(), ORIGIN, &reason, "orders-dlt", None);
        let message = letter.headers.last(EXCEPTION_MESSAGE).flatten().unwrap();
        assert!(std::str::from_utf8(message).is_ok_and(|text| text.len() == MESSAGE_MAX_BYTES - 1));
    }

    #[test]
    fn causes_are_told_once() {
        let error = crate::Error::new(crate::ErrorKind::Unavailable, "cannot bill").with_source("till is closed");
        assert_eq!(Reason::of_failure(&Failure::retry(error)).message, "cannot bill: till is closed");
    }
}
