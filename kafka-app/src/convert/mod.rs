//! Converters: bytes to values and back, for payloads and keys. One format a file.

#[cfg(feature = "avro")]
mod avro;
mod bytes;
mod context;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json-schema")]
mod json_schema;
mod number;
#[cfg(feature = "protobuf")]
mod protobuf;
mod text;
mod tombstone;
#[cfg(any(feature = "avro", feature = "protobuf", feature = "json-schema"))]
mod type_schemas;
mod valid;

use ::bytes::{Bytes, BytesMut};
use std::error::Error as StdError;

use crate::{error::Result, schema::WithSchema};

#[cfg(feature = "avro")]
pub use avro::Avro;
pub use context::PayloadContext;
#[cfg(feature = "json")]
pub use json::{Json, JsonError};
#[cfg(feature = "json-schema")]
pub use json_schema::JsonSchema;
pub use number::WrongLength;
#[cfg(feature = "protobuf")]
pub(crate) use protobuf::message_at;
#[cfg(feature = "protobuf")]
pub use protobuf::{Protobuf, ProtobufSchema};
pub use text::{NotUtf8, Text};
pub use tombstone::Tombstone;
pub use valid::{Invalid, Valid, Validate};

/// Makes a payload or a key of bytes; the value may borrow from them.
///
/// Whatever implements it is an argument of a listener, and so is `Option` of it, for tombstones.
///
/// ```
/// use kafka_app::FromPayload;
///
/// /// A line of comma separated values, split where it lies: nothing is copied.
/// struct Csv<'r>(Vec<&'r str>);
///
/// impl<'r> FromPayload<'r> for Csv<'r> {
///     type Error = std::str::Utf8Error;
///
///     fn from_payload(payload: &'r [u8]) -> Result<Self, Self::Error> {
///         Ok(Self(std::str::from_utf8(payload)?.split(',').collect()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of a record's bytes",
    label = "no converter",
    note = "there are converters for `Json<T>` with `T: Deserialize`, `Text`, `String`, `&str`, `Bytes`, `Vec<u8>`, `&[u8]`, `i16`, `i32`, `i64`, `f32` and `f64`; other types implement `FromPayload`"
)]
pub trait FromPayload<'r>: Sized {
    /// Why the bytes are no such value; says where, and never what they hold: it is logged.
    type Error: Into<Box<dyn StdError + Send + Sync>>;

    /// Makes the value of the bytes of a payload or a key.
    ///
    /// # Errors
    /// The bytes are no such value; the record goes the dead-letter way at once, since they stay what they are.
    fn from_payload(payload: &'r [u8]) -> Result<Self, Self::Error>;

    /// Whether values are made with schemas that a registry keeps: then an application without one does not start.
    const NEEDS_REGISTRY: bool = false;

    /// Makes the value of a payload or a key, with the record it is of and the schemas of its writers. Overridden by types
    /// that choose their form by a header of the record or by the schema it was written by, and by the formats with schemas.
    ///
    /// ```
    /// use kafka_app::{FromPayload, PayloadContext};
    ///
    /// /// Two kinds of payload on one topic, told apart by the header `type`.
    /// enum Event<'r> {
    ///     Text(&'r str),
    ///     Count(i64),
    /// }
    ///
    /// impl<'r> FromPayload<'r> for Event<'r> {
    ///     type Error = Box<dyn std::error::Error + Send + Sync>;
    ///
    ///     fn from_payload(payload: &'r [u8]) -> Result<Self, Self::Error> {
    ///         Ok(Self::Text(<&str>::from_payload(payload)?))
    ///     }
    ///
    ///     fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
    ///         match cx.header("type") {
    ///             Some(b"count") => Ok(Self::Count(i64::from_payload_of(cx, payload)?)),
    ///             Some(other) => Err(format!("a type of {} bytes is not known", other.len()).into()),
    ///             None => Self::from_payload(payload),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`FromPayload::from_payload`].
    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
        let _ = cx;
        Self::from_payload(payload)
    }

    /// The type as the topology names it: listeners of one topic are to agree on it. Overridden by wrappers that read the
    /// same bytes as what they wrap.
    #[must_use]
    fn payload_type() -> &'static str {
        std::any::type_name::<Self>()
    }
}

/// Makes bytes of a payload: what templates send and listeners return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made into a record's bytes",
    label = "no converter",
    note = "there are converters for `Json<T>` with `T: Serialize`, `Text`, `String`, `&str`, `Bytes`, `Vec<u8>`, `&[u8]`, `i16`, `i32`, `i64`, `f32`, `f64` and `Tombstone`; other types implement `ToPayload`"
)]
pub trait ToPayload {
    /// Appends the bytes to `buffer`, which may hold other records already.
    ///
    /// # Errors
    /// The value has no such form ([`ErrorKind::Codec`](crate::ErrorKind::Codec)); what was appended is taken back.
    fn encode(&self, buffer: &mut BytesMut) -> Result<()>;

    /// The bytes by themselves, made in `buffer`, so that many records share an allocation; `None` is a null payload.
    /// Overridden by types that are bytes already, and by those that can be null.
    ///
    /// # Errors
    /// As [`ToPayload::encode`].
    fn to_payload(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        let start = buffer.len();
        match self.encode(buffer) {
            Ok(()) => Ok(Some(cut(buffer, start))),
            Err(error) => {
                buffer.truncate(start);
                Err(error)
            }
        }
    }

    /// The same of a value that nobody needs any more: what a listener returned. Overridden by types that own their bytes, and
    /// by wrappers.
    ///
    /// # Errors
    /// As [`ToPayload::encode`].
    fn into_payload(self) -> Result<Option<Bytes>>
    where
        Self: Sized,
    {
        self.to_payload(&mut BytesMut::new())
    }

    /// The value as one that is written with a schema: its bytes begin with an id that only a registry can tell, so that
    /// whatever sends it asks for that first, and [`encode`](Self::encode) alone is an error. `None` for every other value.
    ///
    /// A type that wraps one of these, or is one of several, passes it on.
    fn with_schema(&self) -> Option<&dyn WithSchema> {
        None
    }

    /// Whether [`with_schema`](Self::with_schema) says something of any value: then an application without a registry does
    /// not start with a listener that returns them.
    #[must_use]
    fn needs_registry() -> bool
    where
        Self: Sized,
    {
        false
    }

    /// The type as the topology names it: who sends to a topic is to agree with those who read it. Overridden by wrappers
    /// that write the same bytes as what they wrap.
    #[must_use]
    fn sent_type() -> &'static str
    where
        Self: Sized,
    {
        std::any::type_name::<Self>()
    }
}

/// What was appended from there on, as bytes of its own.
pub(crate) fn cut(buffer: &mut BytesMut, start: usize) -> Bytes {
    // `split` leaves the room behind the bytes in the buffer, for the next record; `split_off` would take it along.
    if start == 0 { buffer.split().freeze() } else { buffer.split_off(start).freeze() }
}

/// Makes bytes of a key: any payload type, `Option` of one where a key may be missing, or `()` for none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a record's key",
    label = "no converter",
    note = "a key is any type with `ToPayload` (`String`, `&str`, `Json<T>`, `Bytes`, `i64`, ..), an `Option` of one, or `()` for none"
)]
pub trait ToKey {
    /// The key's bytes, made in `buffer`; `None` is a null key.
    ///
    /// # Errors
    /// As [`ToPayload::encode`].
    fn to_key(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>>;

    /// As [`ToPayload::with_schema`].
    fn key_with_schema(&self) -> Option<&dyn WithSchema> {
        None
    }
}

#[diagnostic::do_not_recommend]
impl<P: ToPayload + ?Sized> ToKey for P {
    fn to_key(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        self.to_payload(buffer)
    }

    fn key_with_schema(&self) -> Option<&dyn WithSchema> {
        self.with_schema()
    }
}

impl<P: ToPayload> ToKey for Option<P> {
    fn to_key(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        self.as_ref().map_or(Ok(None), |key| key.to_payload(buffer))
    }

    fn key_with_schema(&self) -> Option<&dyn WithSchema> {
        self.as_ref().and_then(ToPayload::with_schema)
    }
}

impl ToKey for () {
    fn to_key(&self, _: &mut BytesMut) -> Result<Option<Bytes>> {
        Ok(None)
    }
}

impl<P: ToPayload + ?Sized> ToPayload for &P {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        (**self).encode(buffer)
    }

    fn to_payload(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        (**self).to_payload(buffer)
    }

    fn with_schema(&self) -> Option<&dyn WithSchema> {
        (**self).with_schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ErrorKind};

    struct HalfWritten;

    impl ToPayload for HalfWritten {
        fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
            buffer.extend_from_slice(b"half");
            Err(Error::new(ErrorKind::Codec, "no more"))
        }
    }

    #[test]
    fn records_share_a_buffer_and_keep_apart() {
        let mut buffer = BytesMut::new();
        let first = "one".to_payload(&mut buffer).unwrap();
        let second = "two".to_payload(&mut buffer).unwrap();
        assert_eq!((first.as_deref(), second.as_deref()), (Some(&b"one"[..]), Some(&b"two"[..])));
    }

    #[test]
    fn what_a_failed_encoding_wrote_is_taken_back() {
        let mut buffer = BytesMut::from(&b"kept"[..]);
        HalfWritten.to_payload(&mut buffer).unwrap_err();
        assert_eq!(&buffer[..], b"kept");
    }

    #[test]
    fn a_key_may_be_missing() {
        let mut buffer = BytesMut::new();
        assert_eq!(().to_key(&mut buffer).unwrap(), None);
        assert_eq!(None::<String>.to_key(&mut buffer).unwrap(), None);
        assert_eq!(Some("k").to_key(&mut buffer).unwrap().as_deref(), Some(&b"k"[..]));
    }
}
