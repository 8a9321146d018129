//! Records as lines of JSON: what `consume -o jsonl` prints and `produce --format jsonl` reads.
//!
//! ```json
//! {"topic":"orders","partition":0,"offset":7,"timestamp":1764400000000,"headers":[{"key":"trace","value":"t1"}],"key":"42","value":"shoes"}
//! ```
//!
//! Keys and values are strings, null for what is null, and `{"base64":"…"}` for bytes that are no UTF-8.

use std::{fmt, io::Write as _, str};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use kafka_app::{Headers, ProducerRecord, RawRecord, TopicPartition};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, json};

/// Appends a record as a line, without its end.
pub(super) fn write(at: &TopicPartition, record: &RawRecord, line: &mut Vec<u8>) {
    line.extend_from_slice(b"{\"topic\":");
    write_text(&at.topic, line);
    append(line, format_args!(",\"partition\":{},\"offset\":{},\"timestamp\":", at.partition, record.offset()));
    match record.timestamp().to_millis() {
        Some(ms) => append(line, format_args!("{ms}")),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b",\"headers\":[");
    let mut is_first = true;
    record.for_each_header(|name, value| {
        line.extend_from_slice(if is_first { b"{\"key\":" } else { b",{\"key\":" });
        is_first = false;
        write_text(name, line);
        line.extend_from_slice(b",\"value\":");
        write_bytes(value, line);
        line.push(b'}');
    });
    line.extend_from_slice(b"],\"key\":");
    write_bytes(record.key(), line);
    line.extend_from_slice(b",\"value\":");
    write_bytes(record.payload(), line);
    line.push(b'}');
}

/// Bytes as one of these objects has them.
pub(super) fn value(bytes: Option<&[u8]>) -> Value {
    match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
        None => Value::Null,
        Some((_, Ok(text))) => json!(text),
        Some((bytes, Err(_))) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

fn write_bytes(bytes: Option<&[u8]>, line: &mut Vec<u8>) {
    match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
        None => line.extend_from_slice(b"null"),
        Some((_, Ok(text))) => write_text(text, line),
        Some((bytes, Err(_))) => append(line, format_args!("{{\"base64\":\"{}\"}}", STANDARD.encode(bytes))),
    }
}

fn write_text(text: &str, line: &mut Vec<u8>) {
    // Text into memory: neither can fail.
    let _ = serde_json::to_writer(line, text);
}

/// A write into memory, which does not fail.
fn append(line: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = line.write_fmt(text);
}

/// The record of a line; its offset is left out.
///
/// # Errors
/// What is wrong with it, and in which column.
pub(super) fn read(line: &[u8]) -> Result<ProducerRecord, String> {
    let read: Line = serde_json::from_slice(line).map_err(|error| match error.line() {
        1 => error.to_string().replace(" at line 1 column ", ", in column "),
        _ => error.to_string(),
    })?;
    Ok(ProducerRecord {
        topic: read.topic.map(Into::into),
        partition: read.partition,
        timestamp: read.timestamp,
        key: read.key.0,
        payload: read.value.0,
        headers: read.headers.unwrap_or_default().0,
    })
}

/// A name that is none of these is more likely a slip than meant: a misspelt `value` would be a tombstone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    topic: Option<String>,
    partition: Option<i32>,
    #[serde(rename = "offset")]
    _offset: Option<i64>,
    timestamp: Option<i64>,
    headers: Option<ReadHeaders>,
    #[serde(default)]
    key: Content,
    /// kcat and kaf call it payload.
    #[serde(alias = "payload")]
    value: Content,
}

/// Bytes, or null.
#[derive(Default)]
struct Content(Option<Bytes>);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, null or {\"base64\": \"…\"}; JSON that is to be sent is a string, too (jq's tojson)")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content(None))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content(Some(Bytes::copy_from_slice(text.as_bytes()))))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Content, E> {
        Ok(Content(Some(text.into())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let key: Option<String> = map.next_key()?;
        if key.as_deref() != Some("base64") {
            return Err(de::Error::invalid_type(de::Unexpected::Map, &self));
        }
        let bytes = STANDARD.decode(map.next_value::<String>()?);
        let bytes = bytes.map_err(|error| de::Error::custom(format_args!("this is no base64: {error}")))?;
        match map.next_key::<String>()? {
            None => Ok(Content(Some(bytes.into()))),
            Some(_) => Err(de::Error::invalid_type(de::Unexpected::Map, &self)),
        }
    }
}

/// Headers as objects with `key` and `value`, or, shorter by hand, as one object.
#[derive(Default)]
struct ReadHeaders(Headers);

impl<'de> Deserialize<'de> for ReadHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = ReadHeaders;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("headers as [{\"key\": \"…\", \"value\": \"…\"}] or {\"…\": \"…\"}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<ReadHeaders, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Header {
            key: String,
            value: Content,
        }
        let mut headers = Headers::new();
        while let Some(header) = all.next_element::<Header>()? {
            headers.push(header.key, header.value.0);
        }
        Ok(ReadHeaders(headers))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReadHeaders, A::Error> {
        let mut headers = Headers::new();
        while let Some((name, value)) = map.next_entry::<String, Content>()? {
            headers.push(name, value.0);
        }
        Ok(ReadHeaders(headers))
    }
}

#[cfg(test)]
mod tests {
    use kafka_app::{OwnedRecord, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn written(record: OwnedRecord) -> String {
        let mut line = Vec::new();
        write(&TopicPartition::new("orders", 3), &record.into(), &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_record_is_a_line_that_programs_read() {
        let mut headers = Headers::new();
        headers.push("trace", Some("t\"1".into()));
        headers.push("trace", None);
        let record = OwnedRecord {
            offset: 7,
            timestamp: Timestamp::CreateTime(5),
            key: Some(b"\xff\0".to_vec()),
            payload: Some(b"two\nshoes".to_vec()),
            headers,
            leader_epoch: None,
        };
        let expected = r#"{"topic":"orders","partition":3,"offset":7,"timestamp":5,"headers":[{"key":"trace","value":"t\"1"},{"key":"trace","value":null}],"key":{"base64":"/wA="},"value":"two\nshoes"}"#;
        assert_eq!(written(record), expected);
        let nothing =
            r#"{"topic":"orders","partition":3,"offset":0,"timestamp":null,"headers":[],"key":null,"value":null}"#;
        assert_eq!(written(OwnedRecord::default()), nothing);
    }

    #[test]
    fn a_line_may_say_as_little_as_a_value() {
        let record = read(br#"{"value":"shoes"}"#).unwrap();
        assert_eq!(record, ProducerRecord { payload: Some("shoes".into()), ..ProducerRecord::default() });
        let record = read(br#" {"headers":{"a":"1","b":null},"payload":null, "key":""} "#).unwrap();
        assert_eq!((record.key.as_deref(), record.payload.as_deref()), (Some(&b""[..]), None));
        assert_eq!(record.headers.iter().collect::<Vec<_>>(), [("a", Some(&b"1"[..])), ("b", None)]);
    }

    #[track_caller]
    fn refused(line: &str, why: &str) {
        let refused = read(line.as_bytes()).unwrap_err();
        assert!(refused.contains(why), "{line}: {refused}");
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        refused(r#"{"key":"1"}"#, "missing field `value`");
        refused(r#"{"vlaue":"1"}"#, "unknown field `vlaue`");
        refused(r#"{"value":{"id":1}}"#, "tojson");
        refused(r#"{"value":17}"#, "expected a string, null or {\"base64\": \"…\"}");
        refused(r#"{"value":{"base64":"???"}}"#, "no base64");
        refused(r#"{"value":{"base64":"","more":1}}"#, "expected a string");
        refused(r#"{"value":"x","partition":"1"}"#, "in column 28");
        refused(r#"{"value":"x","headers":[{"name":"a"}]}"#, "unknown field `name`");
        refused("shoes", "expected value, in column 1");
        refused(r#"{"value":"x"} more"#, "trailing characters");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            key in proptest::option::of(any::<Vec<u8>>()),
            payload in proptest::option::of(any::<Vec<u8>>()),
            name in any::<String>(),
            value in proptest::option::of(any::<Vec<u8>>()),
            time in proptest::option::of(any::<i64>()),
        ) {
            let mut headers = Headers::new();
            headers.push(name, value.map(Bytes::from));
            let timestamp = time.map_or(Timestamp::NotAvailable, Timestamp::CreateTime);
            let record = OwnedRecord {
                timestamp, key: key.clone(), payload: payload.clone(), headers: headers.clone(), ..OwnedRecord::default()
            };
            let expected = ProducerRecord {
                topic: Some("orders".into()),
                partition: Some(3),
                timestamp: time,
                key: key.map(Bytes::from),
                payload: payload.map(Bytes::from),
                headers,
            };
            prop_assert_eq!(read(written(record).as_bytes()).unwrap(), expected);
        }
    }
}
