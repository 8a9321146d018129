//! UTF-8 text: [`Text`], `String`, `&str`.

use std::{error::Error as StdError, fmt, ops::Deref};

use bytes::{Bytes, BytesMut};

use super::{FromPayload, ToPayload};
use crate::error::Result;

/// A payload or a key of UTF-8 text, as an argument that says so; the same as `String`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text(pub String);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Bytes that were to be text are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8 {
    /// Position of the first byte that is no UTF-8, from 0.
    pub position: usize,
}

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not UTF-8 from byte {} on", self.position)
    }
}

impl StdError for NotUtf8 {}

impl<'r> FromPayload<'r> for &'r str {
    type Error = NotUtf8;

    fn from_payload(payload: &'r [u8]) -> Result<Self, NotUtf8> {
        std::str::from_utf8(payload).map_err(|error| NotUtf8 { position: error.valid_up_to() })
    }
}

impl<'r> FromPayload<'r> for String {
    type Error = NotUtf8;

    fn from_payload(payload: &'r [u8]) -> Result<Self, NotUtf8> {
        <&str>::from_payload(payload).map(str::to_owned)
    }
}

impl<'r> FromPayload<'r> for Text {
    type Error = NotUtf8;

    fn from_payload(payload: &'r [u8]) -> Result<Self, NotUtf8> {
        String::from_payload(payload).map(Self)
    }
}

impl ToPayload for str {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        buffer.extend_from_slice(self.as_bytes());
        Ok(())
    }
}

impl ToPayload for String {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        self.as_str().encode(buffer)
    }

    fn into_payload(self) -> Result<Option<Bytes>> {
        Ok(Some(self.into()))
    }
}

impl ToPayload for Text {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        self.0.as_str().encode(buffer)
    }

    fn into_payload(self) -> Result<Option<Bytes>> {
        self.0.into_payload()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_no_utf8_names_the_position() {
        let error = String::from_payload(b"caf\xe9 noir").unwrap_err();
        assert_eq!(error.to_string(), "not UTF-8 from byte 3 on");
    }

    #[test]
    fn text_borrows_from_the_record() {
        let payload = "größer".as_bytes();
        let text = <&str>::from_payload(payload).unwrap();
        assert_eq!((text, text.as_ptr()), ("größer", payload.as_ptr()));
    }
}
