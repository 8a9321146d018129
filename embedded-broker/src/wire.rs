//! The primitives of Kafka's wire format that the hand-written codecs need. Reading never trusts a length.

use bytes::{Buf, BufMut, BytesMut};
use uuid::Uuid;

use crate::protocol::Malformed;

/// Reads the fields of a body one after the other, without copying.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// Lengths are varints and structures end with tagged fields.
    flexible: bool,
}

type Field<T> = Result<T, Malformed>;

fn short() -> Malformed {
    Malformed::new("the body ends inside a field")
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], flexible: bool) -> Self {
        Self { bytes, flexible }
    }

    pub(crate) fn i16(&mut self) -> Field<i16> {
        self.bytes.try_get_i16().map_err(|_| short())
    }

    pub(crate) fn i32(&mut self) -> Field<i32> {
        self.bytes.try_get_i32().map_err(|_| short())
    }

    pub(crate) fn uuid(&mut self) -> Field<Uuid> {
        self.bytes.try_get_u128().map(Uuid::from_u128).map_err(|_| short())
    }

    /// A string or null.
    pub(crate) fn nullable_string(&mut self) -> Field<Option<&'a str>> {
        let len = if self.flexible { self.compact_len()? } else { usize::try_from(self.i16()?).ok() };
        let Some(len) = len else { return Ok(None) };
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| Malformed::new("a string is not UTF-8"))?;
        Ok(Some(text))
    }

    pub(crate) fn string(&mut self) -> Field<&'a str> {
        self.nullable_string()?.ok_or_else(|| Malformed::new("a string is null where it must not be"))
    }

    /// Bytes or null.
    pub(crate) fn nullable_bytes(&mut self) -> Field<Option<&'a [u8]>> {
        let len = if self.flexible { self.compact_len()? } else { usize::try_from(self.i32()?).ok() };
        len.map(|len| self.take(len)).transpose()
    }

    /// The number of elements of an array that must not be null; never more than the bytes that are left.
    pub(crate) fn array_len(&mut self) -> Field<usize> {
        self.nullable_array_len()?.ok_or_else(|| Malformed::new("an array is null where it must not be"))
    }

    /// The number of elements of an array, or null; never more than the bytes that are left.
    pub(crate) fn nullable_array_len(&mut self) -> Field<Option<usize>> {
        let len = if self.flexible { self.compact_len()? } else { usize::try_from(self.i32()?).ok() };
        match len {
            Some(len) if len > self.bytes.len() => {
                Err(Malformed::new(format!("an array says it has {len} elements, which cannot fit")))
            }
            len => Ok(len),
        }
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// Skips the tagged fields at the end of a structure, if this version has them.
    pub(crate) fn skip_tags(&mut self) -> Field<()> {
        if !self.flexible {
            return Ok(());
        }
        skip_tagged_fields(&mut self.bytes).ok_or_else(short)
    }

    fn compact_len(&mut self) -> Field<Option<usize>> {
        let len = get_varint(&mut self.bytes).ok_or_else(short)?;
        Ok(len.checked_sub(1).and_then(|len| usize::try_from(len).ok()))
    }

    /// Bytes of a length that is known.
    pub(crate) fn take(&mut self, len: usize) -> Field<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or_else(short)?;
        self.bytes = rest;
        Ok(taken)
    }
}

pub(crate) fn skip_tagged_fields(bytes: &mut &[u8]) -> Option<()> {
    for _ in 0..get_varint(bytes)? {
        let _tag = get_varint(bytes)?;
        let len = usize::try_from(get_varint(bytes)?).ok()?;
        *bytes = bytes.get(len..)?;
    }
    Some(())
}

/// An unsigned varint of at most 32 bits.
pub(crate) fn get_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = bytes.try_get_u8().ok()?;
        value |= u32::from(byte & 0x7f).wrapping_shl(shift);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Writes the fields of a response in one of the two encodings.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) out: &'a mut BytesMut,
    pub(crate) flexible: bool,
}

impl Writer<'_> {
    pub(crate) fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.put_u8(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
            value >>= 7;
        }
        self.out.put_u8(u8::try_from(value).unwrap_or_default());
    }

    /// The length of an array or of bytes. Lengths come from requests and logs, so they fit.
    pub(crate) fn len(&mut self, len: usize) {
        if self.flexible {
            self.varint(u32::try_from(len).unwrap_or(u32::MAX - 1) + 1);
        } else {
            self.out.put_i32(i32::try_from(len).unwrap_or(i32::MAX));
        }
    }

    /// A null array.
    pub(crate) fn null_array(&mut self) {
        if self.flexible {
            self.out.put_u8(0);
        } else {
            self.out.put_i32(-1);
        }
    }

    pub(crate) fn nullable_string(&mut self, text: Option<&str>) {
        // What is longer than the encoding allows cannot be told whole.
        let text = text.map(|text| &text.as_bytes()[..text.len().min(0x7fff)]);
        match (text, self.flexible) {
            (None, true) => self.out.put_u8(0),
            (None, false) => self.out.put_i16(-1),
            (Some(text), true) => self.varint(u32::try_from(text.len()).unwrap_or_default() + 1),
            (Some(text), false) => self.out.put_i16(i16::try_from(text.len()).unwrap_or_default()),
        }
        self.out.put_slice(text.unwrap_or_default());
    }

    /// Ends a structure with one tagged field. Tags are small, and lengths come from what is told of few nodes.
    pub(crate) fn one_tag(&mut self, tag: u8, field: &[u8]) {
        self.out.put_slice(&[1, tag]);
        self.varint(u32::try_from(field.len()).unwrap_or_default());
        self.out.put_slice(field);
    }

    /// Ends a structure without tagged fields.
    pub(crate) fn no_tags(&mut self) {
        if self.flexible {
            self.out.put_u8(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_read_to_their_end_and_no_further() {
        assert_eq!(get_varint(&mut [0x00].as_slice()), Some(0));
        assert_eq!(get_varint(&mut [0xac, 0x02, 0xff].as_slice()), Some(300));
        assert_eq!(get_varint(&mut [0xff, 0xff, 0xff, 0xff, 0x0f].as_slice()), Some(u32::MAX));
        assert_eq!(get_varint(&mut [0x80].as_slice()), None);
        assert_eq!(get_varint(&mut [0xff; 9].as_slice()), None);
    }

    #[test]
    fn what_is_written_is_read_back_in_both_encodings() {
        for flexible in [false, true] {
            let mut out = BytesMut::new();
            let mut writer = Writer { out: &mut out, flexible };
            writer.nullable_string(Some("text"));
            writer.nullable_string(None);
            writer.len(3);
            writer.out.put_slice(b"abc");
            writer.no_tags();
            let mut reader = Reader::new(&out, flexible);
            assert_eq!(reader.string().unwrap(), "text");
            assert_eq!(reader.nullable_string().unwrap(), None);
            assert_eq!(reader.nullable_bytes().unwrap(), Some(b"abc".as_slice()));
            reader.skip_tags().unwrap();
            assert!(reader.bytes.is_empty());
        }
    }

    #[test]
    fn counts_that_cannot_fit_are_refused() {
        assert!(Reader::new(&[0x7f, 0xff, 0xff, 0xff], false).array_len().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f], true).array_len().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f], true).nullable_bytes().is_err());
    }
}
