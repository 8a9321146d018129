//! Converters: bytes to values and back, for payloads and keys. One format a file.

mod bytes;
#[cfg(feature = "json")]
mod json;
mod number;
mod text;
mod tombstone;

use ::bytes::{Bytes, BytesMut};
use std::error::Error as StdError;

use crate::{error::Result, record::RawRecord};

#[cfg(feature = "json")]
pub use json::{Json, JsonError};
pub use number::WrongLength;
pub use text::{NotUtf8, Text};
pub use tombstone::Tombstone;

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

    /// Makes the value of a record's payload. Overridden by types that choose their form by a header of the record;
    /// keys never come this way.
    ///
    /// # Errors
    /// As [`FromPayload::from_payload`].
    fn from_payload_of(record: &'r RawRecord, payload: &'r [u8]) -> Result<Self, Self::Error> {
        let _ = record;
        Self::from_payload(payload)
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
            // `split` leaves the room behind the bytes in the buffer, for the next record; `split_off` would take it along.
            Ok(()) if start == 0 => Ok(Some(buffer.split().freeze())),
            Ok(()) => Ok(Some(buffer.split_off(start).freeze())),
            Err(error) => {
                buffer.truncate(start);
                Err(error)
            }
        }
    }
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
}

#[diagnostic::do_not_recommend]
impl<P: ToPayload + ?Sized> ToKey for P {
    fn to_key(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        self.to_payload(buffer)
    }
}

impl<P: ToPayload> ToKey for Option<P> {
    fn to_key(&self, buffer: &mut BytesMut) -> Result<Option<Bytes>> {
        self.as_ref().map_or(Ok(None), |key| key.to_payload(buffer))
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
