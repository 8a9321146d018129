//! [`Json`]: payloads and keys in JSON, by serde.

use std::{
    error::Error as StdError,
    fmt,
    ops::{Deref, DerefMut},
};

use bytes::{BufMut, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use super::{FromPayload, ToPayload};
use crate::error::{Error, ErrorKind, Result};

/// A payload or a key in JSON. Its type may borrow from the record (`&str` fields, `Cow<str>` with
/// `#[serde(borrow)]`): such text is not copied.
///
/// ```
/// use kafka_app::{FromPayload, Json};
///
/// #[derive(serde::Deserialize)]
/// struct Order<'r> {
///     id: u64,
///     customer: &'r str,
/// }
///
/// let Json(order) = Json::<Order<'_>>::from_payload(br#"{"id": 7, "customer": "ann"}"#)?;
/// assert_eq!((order.id, order.customer), (7, "ann"));
/// # Ok::<_, kafka_app::JsonError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<'r, T: Deserialize<'r>> FromPayload<'r> for Json<T> {
    type Error = JsonError;

    fn from_payload(payload: &'r [u8]) -> Result<Self, JsonError> {
        serde_json::from_slice(payload).map(Self).map_err(JsonError)
    }
}

impl<T: Serialize> ToPayload for Json<T> {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        serde_json::to_writer(buffer.writer(), &self.0).map_err(|error| {
            let type_name = std::any::type_name::<T>();
            Error::new(ErrorKind::Codec, format!("cannot write `{type_name}` as JSON")).with_source(error)
        })
    }
}

/// Bytes that were to be JSON of some type are not; the text says where, and leaves out what the record holds.
pub struct JsonError(serde_json::Error);

impl JsonError {
    /// Line of the first wrong character, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// Column of the first wrong character, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.column()
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match self.0.classify() {
            Category::Data => f.write_str(&without_contents(&text)),
            Category::Io | Category::Syntax | Category::Eof => f.write_str(&text),
        }
    }
}

impl fmt::Debug for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonError({self})")
    }
}

impl StdError for JsonError {}

/// What serde begins a message with when it goes on with something the record holds, and what we say instead.
const TELLING: [(&str, &str); 4] = [
    ("invalid type: ", "invalid type"),
    ("invalid value: ", "invalid value"),
    ("unknown variant ", "unknown variant"),
    ("unknown field ", "unknown field"),
];

/// Keeps what was expected and where, and drops what was found: `invalid type: string "secret", expected u64 at line 1
/// column 9` becomes `invalid type, expected u64 at line 1 column 9`.
fn without_contents(text: &str) -> String {
    let Some((_, told)) = TELLING.iter().find(|(start, _)| text.starts_with(start)) else {
        return text.to_owned();
    };
    // The last of them: what was found may hold these words as well, and is dropped with all it holds.
    let rest = text.rfind(", expected ").or_else(|| text.rfind(", there are no ")).or_else(|| text.rfind(" at line "));
    format!("{told}{}", rest.map_or("", |from| &text[from..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize)]
    #[serde(deny_unknown_fields)]
    struct Order<'r> {
        id: u64,
        customer: &'r str,
    }

    #[derive(Debug, Deserialize)]
    enum Size {
        Small,
    }

    fn error(payload: &str) -> String {
        Json::<Order<'_>>::from_payload(payload.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn text_is_borrowed_from_the_record() {
        let payload = br#"{"id":7,"customer":"ann"}"#;
        let Json(order) = Json::<Order<'_>>::from_payload(payload).unwrap();
        assert_eq!(order.customer.as_ptr(), payload[20..].as_ptr());
    }

    /// Two kinds of payload on one topic, told apart by a tag.
    #[derive(Debug, PartialEq, Deserialize, Serialize)]
    #[serde(tag = "type", rename_all = "kebab-case")]
    enum Event<'r> {
        Placed { id: u64, customer: &'r str },
        Cancelled { id: u64 },
    }

    #[test]
    fn an_enum_tells_the_types_of_a_topic_apart_by_a_tag() {
        let placed = Json::<Event<'_>>::from_payload(br#"{"type":"placed","id":1,"customer":"ann"}"#).unwrap();
        assert_eq!(placed.0, Event::Placed { id: 1, customer: "ann" });
        let mut buffer = BytesMut::new();
        Json(Event::Cancelled { id: 1 }).encode(&mut buffer).unwrap();
        assert_eq!(&buffer[..], br#"{"type":"cancelled","id":1}"#);
        let error = Json::<Event<'_>>::from_payload(br#"{"type":"secret"}"#).unwrap_err().to_string();
        assert!(error.starts_with("unknown variant, expected `placed` or `cancelled`"), "{error}");
    }

    #[test]
    fn a_syntax_error_says_line_and_column() {
        assert_eq!(error("{\"id\": 7,\n  oops}"), "key must be a string at line 2 column 3");
    }

    #[test]
    fn an_error_leaves_out_what_the_record_holds() {
        assert_eq!(error(r#"{"id":"secret, expected x"}"#), "invalid type, expected u64 at line 1 column 26");
        assert_eq!(error(r#"{"id":1,"pin-4711":2}"#), "unknown field, expected `id` or `customer` at line 1 column 18");
        let size = Json::<Size>::from_payload(b"\"Secret\"").unwrap_err();
        assert_eq!(size.to_string(), "unknown variant, expected `Small` at line 1 column 8");
        assert!(!format!("{size:?}").contains("Secret"));
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(error(r#"{"id":1}"#), "missing field `customer` at line 1 column 8");
    }

    #[test]
    fn a_value_without_json_form_is_a_codec_error() {
        let map = std::collections::HashMap::from([((1, 2), 3)]);
        let error = Json(map).encode(&mut BytesMut::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Codec);
        assert!(error.to_string().contains("key must be a string"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = Json(Order { id: 7, customer: "ann" }).to_payload(&mut BytesMut::new()).unwrap().unwrap();
        assert_eq!(&bytes[..], br#"{"id":7,"customer":"ann"}"#);
    }
}
