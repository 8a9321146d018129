//! What becomes of one dead letter: pure.

use std::fmt;

use bytes::Bytes;

use crate::{
    error_handler::{is_of_failures, original_place},
    record::{ProducerRecord, RawRecord},
};

/// How often a record was replayed; four bytes. It stays on the record, so that one that fails again is known.
pub(super) const REPLAYS: &str = "kafka_app-replays";

/// What is done about a dead letter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes back to where it came from; its partition is one that it had there.
    Replay(ProducerRecord),
    Leave(WhyLeft),
}

/// Why a dead letter was not replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyLeft {
    /// No header says which topic it came from.
    NoOrigin,
    /// It was replayed as often as is allowed, and is here again.
    Replayed(u32),
}

impl fmt::Display for WhyLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOrigin => write!(f, "none of its headers says which topic it came from"),
            Self::Replayed(times) => write!(f, "it was replayed {times} times already"),
        }
    }
}

/// Decides about a dead letter; `limit`: how often a record may be replayed; `to`: where it goes, if not where it came from.
pub(super) fn judge(letter: &RawRecord, limit: u32, to: Option<&str>) -> Verdict {
    let place = to.map(|topic| (topic, None)).or_else(|| original_place(letter));
    let Some((topic, partition)) = place else { return Verdict::Leave(WhyLeft::NoOrigin) };
    let n_replays = n_replays(letter);
    if n_replays >= limit {
        return Verdict::Leave(WhyLeft::Replayed(n_replays));
    }
    let mut headers = letter.to_headers();
    headers.retain(|name| name != REPLAYS && !is_of_failures(name));
    headers.push(REPLAYS, Some(Bytes::copy_from_slice(&(n_replays + 1).to_be_bytes())));
    Verdict::Replay(ProducerRecord {
        topic: Some(topic.into()),
        partition,
        // Of now: one of long ago could be removed by its topic's retention before it is read.
        timestamp: None,
        key: letter.key().map(Bytes::copy_from_slice),
        payload: letter.payload().map(Bytes::copy_from_slice),
        headers,
    })
}

fn n_replays(letter: &RawRecord) -> u32 {
    let bytes = letter.last_header(REPLAYS).flatten().and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Headers, OwnedRecord};

    fn letter(headers: &[(&str, &[u8])]) -> RawRecord {
        let mut all = Headers::new();
        headers.iter().for_each(|(name, value)| all.push(*name, Some(Bytes::copy_from_slice(value))));
        let (key, payload) = (Some(b"k".to_vec()), Some(b"p".to_vec()));
        OwnedRecord { key, payload, headers: all, ..OwnedRecord::default() }.into()
    }

    fn replayed(headers: &[(&str, &[u8])]) -> ProducerRecord {
        match judge(&letter(headers), 3, None) {
            Verdict::Replay(record) => record,
            verdict @ Verdict::Leave(_) => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_letter_goes_back_without_the_headers_of_its_failures_and_with_its_own() {
        let record = replayed(&[
            ("trace", b"t"),
            ("kafka_dlt-original-topic", b"orders"),
            ("kafka_dlt-original-partition", &[0, 0, 0, 2]),
            ("kafka_dlt-exception-message", b"busy"),
        ]);
        assert_eq!((record.topic.as_deref(), record.partition), (Some("orders"), Some(2)));
        assert_eq!((record.key.as_deref(), record.payload.as_deref()), (Some(&b"k"[..]), Some(&b"p"[..])));
        let headers: Vec<_> = record.headers.iter().collect();
        assert_eq!(headers, [("trace", Some(&b"t"[..])), (REPLAYS, Some(&[0, 0, 0, 1][..]))]);
    }

    #[test]
    fn where_it_came_from_first_counts() {
        let twice: &[(&str, &[u8])] =
            &[("kafka_dlt-original-topic", b"orders"), ("kafka_dlt-original-topic", b"orders-dlt")];
        assert_eq!(replayed(twice).topic.as_deref(), Some("orders"));
        let of_retries: &[(&str, &[u8])] =
            &[("kafka_original-topic", b"orders"), ("retry_topic-attempts", &[0, 0, 0, 4])];
        let record = replayed(of_retries);
        assert_eq!((record.topic.as_deref(), record.headers.len()), (Some("orders"), 1));
    }

    #[test]
    fn one_that_was_replayed_often_enough_is_left() {
        let origin: (&str, &[u8]) = ("kafka_original-topic", b"orders");
        assert_eq!(replayed(&[origin, (REPLAYS, &[0, 0, 0, 2])]).headers.last(REPLAYS), Some(Some(&[0, 0, 0, 3][..])));
        let verdict = judge(&letter(&[origin, (REPLAYS, &[0, 0, 0, 3])]), 3, None);
        assert_eq!(verdict, Verdict::Leave(WhyLeft::Replayed(3)));
    }

    #[test]
    fn one_of_unknown_origin_is_left() {
        assert_eq!(judge(&letter(&[("trace", b"t")]), 3, None), Verdict::Leave(WhyLeft::NoOrigin));
    }

    #[test]
    fn where_it_is_to_go_counts_before_where_it_came_from() {
        let origin: &[(&str, &[u8])] =
            &[("kafka_original-topic", b"orders"), ("kafka_original-partition", &[0, 0, 0, 2])];
        for headers in [origin, &[]] {
            match judge(&letter(headers), 3, Some("mended")) {
                Verdict::Replay(record) => {
                    assert_eq!((record.topic.as_deref(), record.partition), (Some("mended"), None))
                }
                verdict @ Verdict::Leave(_) => panic!("{verdict:?}"),
            }
        }
    }
}
