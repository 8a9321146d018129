//! What a record carries from retry topic to retry topic, in Spring's headers: how often it was handled, when it is due,
//! and where it came from first. Each hop writes them anew, so they do not grow.

use std::time::Duration;

use bytes::Bytes;

use super::dead_letter::{self, ORIGINAL_CONSUMER_GROUP, Origin, Reason, capped, timestamp_type};
use crate::record::{Headers, ProducerRecord, RawRecord};

/// Which time it is handled in the topic it is in, the dead letter topic too, from 2; four bytes.
pub(crate) const ATTEMPTS: &str = "retry_topic-attempts";
/// Not before this time; milliseconds as the bytes of Java's `BigInteger`.
const DUE: &str = "retry_topic-backoff-timestamp";
/// When it was made; as [`DUE`].
const ORIGINAL_TIMESTAMP_OF_RETRY: &str = "retry_topic-original-timestamp";

pub(super) const ORIGINAL_TOPIC: &str = "kafka_original-topic";
pub(super) const ORIGINAL_PARTITION: &str = "kafka_original-partition";
pub(super) const ORIGINAL_OFFSET: &str = "kafka_original-offset";
const ORIGINAL_TIMESTAMP: &str = "kafka_original-timestamp";
const ORIGINAL_TIMESTAMP_TYPE: &str = "kafka_original-timestamp-type";
pub(super) const EXCEPTION_FQCN: &str = "kafka_exception-fqcn";
pub(super) const EXCEPTION_CAUSE_FQCN: &str = "kafka_exception-cause-fqcn";
pub(super) const EXCEPTION_MESSAGE: &str = "kafka_exception-message";

const OF_THE_FIRST_PLACE: &str = "kafka_original-";
const OF_A_FAILURE: &str = "kafka_exception-";
const OF_RETRY_TOPICS: &str = "retry_topic-";

/// A record on its way to a retry topic.
pub(crate) struct Hop<'h> {
    pub(crate) topic: &'h str,
    /// Which time it will be handled, from 2.
    pub(crate) attempt: u32,
    /// In milliseconds since 1970 UTC.
    pub(crate) due: i64,
}

/// The record as it goes to its next retry topic. `is_on_its_way`: it is in a retry topic already, and where it came from
/// first is in its headers; else whatever they say is of another listener.
pub(crate) fn forwarded(
    record: &RawRecord,
    origin: Origin<'_>,
    is_on_its_way: bool,
    reason: &Reason,
    hop: &Hop<'_>,
    n_partitions: Option<i32>,
) -> ProducerRecord {
    let mut headers = with_places(record, origin, is_on_its_way, reason);
    headers.push(ATTEMPTS, Some(Bytes::copy_from_slice(&hop.attempt.to_be_bytes())));
    headers.push(DUE, Some(shortest(hop.due)));
    ProducerRecord {
        topic: Some(hop.topic.into()),
        partition: n_partitions.filter(|n| origin.partition < *n).map(|_| origin.partition),
        // Of now, as in Spring: one of long ago would be removed by the topic's retention before it is due.
        timestamp: None,
        key: record.key().map(Bytes::copy_from_slice),
        payload: record.payload().map(Bytes::copy_from_slice),
        headers,
    }
}

/// The dead letter of a record whose listener has retry topics; `now` in milliseconds since 1970 UTC. To Spring the dead
/// letter topic is one more hop, without a delay.
pub(crate) fn dead_letter_of_retries(
    record: &RawRecord,
    origin: Origin<'_>,
    is_on_its_way: bool,
    reason: &Reason,
    (topic, now): (&str, i64),
    n_partitions: Option<i32>,
) -> ProducerRecord {
    let handled = if is_on_its_way { n_handled(record).unwrap_or(1) } else { 1 };
    let mut headers = with_places(record, origin, is_on_its_way, reason);
    headers.push(ATTEMPTS, Some(Bytes::copy_from_slice(&handled.saturating_add(1).to_be_bytes())));
    headers.push(DUE, Some(shortest(now)));
    let first = headers.last(ORIGINAL_TIMESTAMP).flatten().and_then(|bytes| bytes.try_into().ok());
    ProducerRecord {
        topic: Some(topic.into()),
        partition: n_partitions.filter(|n| origin.partition < *n).map(|_| origin.partition),
        timestamp: first.map(i64::from_be_bytes).filter(|ms| *ms >= 0),
        key: record.key().map(Bytes::copy_from_slice),
        payload: record.payload().map(Bytes::copy_from_slice),
        headers,
    }
}

fn with_places(record: &RawRecord, origin: Origin<'_>, is_on_its_way: bool, reason: &Reason) -> Headers {
    let mut headers = record.to_headers();
    let knows_origin = is_on_its_way && headers.last(ORIGINAL_TOPIC).is_some();
    let is_kept = |name: &str| {
        let is_of_origin = name.starts_with(OF_THE_FIRST_PLACE)
            || name == ORIGINAL_CONSUMER_GROUP
            || name == ORIGINAL_TIMESTAMP_OF_RETRY;
        (knows_origin && is_of_origin)
            || !(is_of_origin || name.starts_with(OF_A_FAILURE) || name.starts_with(OF_RETRY_TOPICS))
    };
    headers.retain(is_kept);
    let mut push = |name: &str, value: &[u8]| headers.push(name, Some(Bytes::copy_from_slice(value)));
    if !knows_origin {
        let made_at = record.timestamp().to_millis().unwrap_or(-1);
        push(ORIGINAL_TOPIC, origin.topic.as_bytes());
        push(ORIGINAL_PARTITION, &origin.partition.to_be_bytes());
        push(ORIGINAL_OFFSET, &record.offset().to_be_bytes());
        push(ORIGINAL_TIMESTAMP, &made_at.to_be_bytes());
        push(ORIGINAL_TIMESTAMP_TYPE, timestamp_type(record.timestamp()).as_bytes());
        push(ORIGINAL_CONSUMER_GROUP, origin.group_id.as_bytes());
        push(ORIGINAL_TIMESTAMP_OF_RETRY, &shortest(made_at));
    }
    push(EXCEPTION_FQCN, reason.type_name.as_bytes());
    if let Some(cause) = reason.cause_type_name {
        push(EXCEPTION_CAUSE_FQCN, cause.as_bytes());
    }
    push(EXCEPTION_MESSAGE, capped(&reason.message).as_bytes());
    headers
}

/// The topic and partition that a dead letter came from first, as its headers say.
pub(crate) fn original_place(letter: &RawRecord) -> Option<(&str, Option<i32>)> {
    let first = |name| first(letter, name);
    // Of dead letters, a later place is added to the first one; retry topics keep the first one only.
    let places = [(dead_letter::ORIGINAL_TOPIC, dead_letter::ORIGINAL_PARTITION), (ORIGINAL_TOPIC, ORIGINAL_PARTITION)];
    let (topic, partition) =
        places.into_iter().find_map(|(topic, partition)| Some((first(topic)?, first(partition))))?;
    let partition = partition.and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes);
    Some((std::str::from_utf8(topic).ok()?, partition.filter(|partition| *partition >= 0)))
}

/// The value of the first header of that name.
pub(super) fn first<'r>(record: &'r RawRecord, name: &str) -> Option<&'r [u8]> {
    let mut first = None;
    record.for_each_header(|header, value| {
        if header == name {
            first = first.or(value);
        }
    });
    first
}

/// Whether a header is one that a failure put on its record, here or in a Spring application.
pub(crate) fn is_of_failures(name: &str) -> bool {
    [OF_THE_FIRST_PLACE, OF_A_FAILURE, OF_RETRY_TOPICS, "kafka_dlt-", "kafka_key-exception-"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Which time a record is handled, as its header says; `None` without one.
pub(crate) fn n_handled(record: &RawRecord) -> Option<u32> {
    let bytes = record.last_header(ATTEMPTS)??;
    // Spring's first releases wrote one byte.
    let number = match bytes {
        [n] => Some(u32::from(*n)),
        bytes => bytes.try_into().ok().map(i32::from_be_bytes).and_then(|n| u32::try_from(n).ok()),
    };
    number.filter(|n| *n > 0)
}

/// When a record is due, in milliseconds since 1970 UTC; `None`: at once.
pub(crate) fn due(record: &RawRecord) -> Option<i64> {
    let bytes = record.last_header(DUE)??;
    let first = bytes.first().filter(|_| bytes.len() <= 8)?;
    let sign = if first & 0x80 == 0 { 0_i64 } else { -1 };
    Some(bytes.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte)))
}

/// The shortest two's complement, big end first: Java's `BigInteger.toByteArray`.
fn shortest(number: i64) -> Bytes {
    let bytes = number.to_be_bytes();
    let is_spare =
        |pair: &[u8]| matches!(pair, [0, next] if next & 0x80 == 0) || matches!(pair, [0xff, next] if next & 0x80 != 0);
    let n_spare = bytes.windows(2).take_while(|pair| is_spare(pair)).count();
    Bytes::copy_from_slice(&bytes[n_spare..])
}

/// A delay that jitter has shortened; `random` is from 0 to 1.
pub(crate) fn jittered(delay: Duration, jitter: f64, random: f64) -> Duration {
    if jitter == 0.0 { delay } else { delay.mul_f64(1.0 - (jitter * random).clamp(0.0, 1.0)) }
}

/// So long after `now`, which is in milliseconds since 1970 UTC.
pub(crate) fn due_after(now: i64, delay: Duration) -> i64 {
    // Rounded up: never early.
    let ms = delay.as_nanos().div_ceil(1_000_000);
    now.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        handler::Failure,
        record::{OwnedRecord, Timestamp},
    };

    const MAIN: Origin<'_> = Origin { topic: "orders", partition: 3, group_id: "billing" };
    const RETRY: Origin<'_> = Origin { topic: "orders-retry", partition: 3, group_id: "billing-retry" };

    fn source() -> OwnedRecord {
        let mut headers = Headers::new();
        headers.push("trace", Some("t".into()));
        OwnedRecord {
            offset: 258,
            timestamp: Timestamp::CreateTime(5),
            key: Some(b"key".to_vec()),
            payload: Some(b"payload".to_vec()),
            headers,
            leader_epoch: None,
        }
    }

    fn reason(text: &'static str) -> Reason {
        Reason::of_failure(&Failure::retry(text))
    }

    fn hop(attempt: u32, due: i64) -> Hop<'static> {
        Hop { topic: "orders-retry", attempt, due }
    }

    /// As it arrives after it was sent.
    fn arrived(sent: ProducerRecord, offset: i64) -> RawRecord {
        RawRecord::from(OwnedRecord {
            offset,
            timestamp: Timestamp::CreateTime(1_000),
            key: sent.key.map(|key| key.to_vec()),
            payload: sent.payload.map(|payload| payload.to_vec()),
            headers: sent.headers,
            leader_epoch: None,
        })
    }

    fn first_hop() -> ProducerRecord {
        forwarded(&source().into(), MAIN, false, &reason("busy"), &hop(2, 1_764_378_164_000), Some(12))
    }

    #[test]
    fn its_headers_are_springs() {
        let sent = first_hop();
        let header = |name| sent.headers.last(name).flatten().unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(header("retry_topic-attempts"), [0, 0, 0, 2]);
        assert_eq!(header("retry_topic-backoff-timestamp"), &1_764_378_164_000_i64.to_be_bytes()[2..]);
        assert_eq!(header("retry_topic-original-timestamp"), [5]);
        assert_eq!(header("kafka_original-topic"), b"orders");
        assert_eq!(header("kafka_original-partition"), [0, 0, 0, 3]);
        assert_eq!(header("kafka_original-offset"), [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(header("kafka_original-timestamp"), [0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(header("kafka_original-timestamp-type"), b"CreateTime");
        assert_eq!(header("kafka_dlt-original-consumer-group"), b"billing");
        assert_eq!(header("kafka_exception-fqcn"), b"&str");
        assert_eq!(header("kafka_exception-message"), b"busy");
        assert_eq!((sent.partition, sent.timestamp), (Some(3), None));
        assert_eq!((sent.key.as_deref(), sent.payload.as_deref()), (Some(&b"key"[..]), Some(&b"payload"[..])));
    }

    #[test]
    fn headers_do_not_grow_and_tell_of_the_first_place_and_the_last_failure() {
        let first = first_hop();
        let n_headers = first.headers.len();
        let mut record = arrived(first, 7);
        for attempt in 3..10 {
            let sent = forwarded(&record, RETRY, true, &reason("still busy"), &hop(attempt, 2), Some(12));
            assert_eq!(sent.headers.len(), n_headers);
            record = arrived(sent, 8);
        }
        assert_eq!((n_handled(&record), due(&record)), (Some(9), Some(2)));
        let letter = dead_letter_of_retries(&record, RETRY, true, &reason("gone"), ("orders-dlt", 77), Some(12));
        let header = |name| letter.headers.last(name).flatten().map(String::from_utf8_lossy);
        assert_eq!(header("kafka_original-topic").as_deref(), Some("orders"));
        assert_eq!(header("kafka_dlt-original-consumer-group").as_deref(), Some("billing"));
        assert_eq!(header("kafka_exception-message").as_deref(), Some("gone"));
        assert_eq!((letter.timestamp, letter.headers.len()), (Some(5), n_headers));
        let letter = arrived(letter, 9);
        assert_eq!((n_handled(&letter), due(&letter)), (Some(10), Some(77)), "it is handled there the tenth time");
    }

    #[test]
    fn what_another_listener_wrote_is_replaced_in_the_first_hop() {
        let foreign = arrived(first_hop(), 7);
        let origin = Origin { topic: "elsewhere", ..MAIN };
        let sent = forwarded(&foreign, origin, false, &reason("busy"), &hop(2, 0), None);
        assert_eq!(sent.headers.len(), first_hop().headers.len());
        assert_eq!(sent.headers.last(ORIGINAL_TOPIC), Some(Some(&b"elsewhere"[..])));
        assert_eq!(sent.partition, None, "its topic is not known to have that partition");
    }

    #[test]
    fn a_record_without_readable_headers_is_due_at_once() {
        for bytes in [&b""[..], b"123456789"] {
            let mut owned = source();
            owned.headers.push(DUE, Some(Bytes::copy_from_slice(bytes)));
            owned.headers.push(ATTEMPTS, Some(Bytes::copy_from_slice(bytes)));
            let record = RawRecord::from(owned);
            assert_eq!((due(&record), n_handled(&record)), (None, None));
        }
    }

    #[test]
    fn no_delay_is_too_long() {
        assert_eq!(due_after(5, Duration::MAX), i64::MAX);
        assert_eq!(due_after(5, Duration::from_micros(1_001)), 7, "never early");
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_written(number in any::<i64>()) {
            let mut owned = OwnedRecord::default();
            let written = shortest(number);
            prop_assert!(!written.is_empty());
            owned.headers.push(DUE, Some(written));
            prop_assert_eq!(due(&owned.into()), Some(number));
        }

        #[test]
        fn jitter_only_shortens(ms in 0_u64..1_000_000, jitter in 0.0_f64..=1.0, random in 0.0_f64..=1.0) {
            let delay = Duration::from_millis(ms);
            prop_assert!(jittered(delay, jitter, random) <= delay);
            prop_assert!(jittered(delay, jitter, random) >= delay.mul_f64(1.0 - jitter).saturating_sub(Duration::from_micros(1)));
        }
    }
}
