//! [`DeadLetterInfo`]: what a dead letter tells of its failure.

use super::{dead_letter, retry_topic};
use crate::record::RawRecord;

/// Where a dead letter came from and why it was given up, as its headers tell: the framework's, which are Spring's, of
/// listeners and of retry topics. What they do not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetterInfo {
    /// The topic in which it was first.
    pub original_topic: Option<String>,
    /// Its partition there.
    pub original_partition: Option<i32>,
    /// Its offset there.
    pub original_offset: Option<i64>,
    /// The group that gave it up.
    pub consumer_group: Option<String>,
    /// The type of the last error, or of what caused it where that is told: Spring's own exceptions only wrap it.
    pub exception_class: Option<String>,
    /// Its text.
    pub exception_message: Option<String>,
}

impl DeadLetterInfo {
    /// What the headers of a record tell.
    #[must_use]
    pub fn of(record: &RawRecord) -> Self {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| retry_topic::first(record, name));
        let last = |names: &[&str]| names.iter().find_map(|name| record.last_header(name).flatten());
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let partition = first([dead_letter::ORIGINAL_PARTITION, retry_topic::ORIGINAL_PARTITION]);
        let offset = first([dead_letter::ORIGINAL_OFFSET, retry_topic::ORIGINAL_OFFSET]);
        Self {
            original_topic: text(first([dead_letter::ORIGINAL_TOPIC, retry_topic::ORIGINAL_TOPIC])),
            original_partition: partition.and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes),
            original_offset: offset.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes),
            consumer_group: text(last(&[dead_letter::ORIGINAL_CONSUMER_GROUP])),
            exception_class: text(last(&[
                dead_letter::EXCEPTION_CAUSE_FQCN,
                retry_topic::EXCEPTION_CAUSE_FQCN,
                dead_letter::EXCEPTION_FQCN,
                retry_topic::EXCEPTION_FQCN,
            ])),
            exception_message: text(last(&[dead_letter::EXCEPTION_MESSAGE, retry_topic::EXCEPTION_MESSAGE])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Headers, OwnedRecord};

    fn info(headers: &[(&str, &'static [u8])]) -> DeadLetterInfo {
        let mut all = Headers::new();
        headers.iter().for_each(|(name, value)| all.push(*name, Some((*value).into())));
        DeadLetterInfo::of(&OwnedRecord { headers: all, ..OwnedRecord::default() }.into())
    }

    #[test]
    fn the_first_place_and_the_last_failure_are_told() {
        let told = info(&[
            ("kafka_dlt-original-topic", b"orders"),
            ("kafka_dlt-original-topic", b"orders-dlt"),
            ("kafka_dlt-original-partition", &[0, 0, 0, 2]),
            ("kafka_dlt-original-offset", &[0, 0, 0, 0, 0, 0, 1, 2]),
            ("kafka_dlt-original-consumer-group", b"billing"),
            ("kafka_dlt-exception-fqcn", b"first"),
            ("kafka_dlt-exception-fqcn", b"last"),
            ("kafka_dlt-exception-message", b"busy \xff"),
        ]);
        let expected = DeadLetterInfo {
            original_topic: Some("orders".to_owned()),
            original_partition: Some(2),
            original_offset: Some(258),
            consumer_group: Some("billing".to_owned()),
            exception_class: Some("last".to_owned()),
            exception_message: Some("busy \u{fffd}".to_owned()),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn letters_of_retry_topics_tell_it_too_and_others_nothing() {
        let told = info(&[
            ("kafka_original-topic", b"orders"),
            ("kafka_original-partition", &[0, 0]),
            ("kafka_exception-fqcn", b"outer"),
            ("kafka_exception-cause-fqcn", b"inner"),
        ]);
        assert_eq!((told.original_topic.as_deref(), told.original_partition), (Some("orders"), None));
        assert_eq!(told.exception_class.as_deref(), Some("inner"));
        assert_eq!(info(&[]), DeadLetterInfo::default());
    }
}
