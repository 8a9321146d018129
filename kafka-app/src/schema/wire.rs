//! Confluent's wire format: magic byte 0, the id of the schema in four bytes, Protobuf's message indexes, the body.

#[cfg(feature = "protobuf")]
use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};

use super::SchemaError;

/// Bytes before the body.
const HEADER: usize = 5;

/// Appends magic byte and id.
pub(crate) fn put_header(id: u32, buffer: &mut BytesMut) {
    buffer.put_u8(0);
    buffer.put_u32(id);
}

/// The id of the schema, and what follows.
pub(crate) fn split(bytes: &[u8]) -> Result<(u32, &[u8]), SchemaError> {
    match bytes.split_first_chunk::<HEADER>() {
        Some(([0, id @ ..], body)) => Ok((u32::from_be_bytes(*id), body)),
        _ => Err(SchemaError::NotFramed { len: bytes.len() }),
    }
}

/// The same record with another id; in place when nobody else holds its bytes, which is the usual case.
pub(crate) fn with_id(bytes: Bytes, id: u32) -> Bytes {
    let mut bytes = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    if let Some(header) = bytes.first_chunk_mut::<HEADER>() {
        header[1..].copy_from_slice(&id.to_be_bytes());
    }
    bytes.freeze()
}

/// Appends the way to a message in its file: how many numbers, then the numbers, as zigzag varints; the first message of a
/// file, `[0]`, is one byte 0.
#[cfg(feature = "protobuf")]
pub(crate) fn put_indexes(indexes: &[i32], buffer: &mut BytesMut) {
    if indexes == [0] {
        buffer.put_u8(0);
        return;
    }
    put_varint(i32::try_from(indexes.len()).unwrap_or(i32::MAX), buffer);
    indexes.iter().for_each(|index| put_varint(*index, buffer));
}

#[cfg(feature = "protobuf")]
fn put_varint(number: i32, buffer: &mut BytesMut) {
    let mut rest = ((number << 1) ^ (number >> 31)).cast_unsigned();
    while rest >= 0x80 {
        buffer.put_u8(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    buffer.put_u8(rest.to_le_bytes()[0]);
}

/// The way to a message, and what follows; `None` for bytes that hold none.
#[cfg(feature = "protobuf")]
pub(crate) fn take_indexes(mut bytes: &[u8]) -> Option<(Cow<'static, [i32]>, &[u8])> {
    /// No file nests messages deeper; so many are asked memory for at most.
    const DEEPEST: i32 = 128;
    let n_indexes = take_varint(&mut bytes)?;
    match n_indexes {
        0 => Some((Cow::Borrowed(&[0]), bytes)),
        1..=DEEPEST => {
            let indexes = (0..n_indexes).map(|_| take_varint(&mut bytes).filter(|index| *index >= 0));
            let indexes = indexes.collect::<Option<Vec<_>>>()?;
            Some((Cow::Owned(indexes), bytes))
        }
        _ => None,
    }
}

#[cfg(feature = "protobuf")]
fn take_varint(bytes: &mut &[u8]) -> Option<i32> {
    let mut number = 0_u32;
    for shift in (0..35).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u32::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_begins_with_a_zero_and_the_id_in_four_bytes() {
        let mut buffer = BytesMut::new();
        put_header(0x0102_0304, &mut buffer);
        buffer.extend_from_slice(b"body");
        assert_eq!(&buffer[..5], [0, 1, 2, 3, 4]);
        assert_eq!(split(&buffer), Ok((0x0102_0304, &b"body"[..])));
    }

    #[test]
    fn what_has_no_header_is_told_by_its_length_alone() {
        for bytes in [&b""[..], b"\0\0\0", b"{\"pin\":4711}"] {
            let error = split(bytes).unwrap_err();
            assert_eq!(error, SchemaError::NotFramed { len: bytes.len() });
            assert!(!error.to_string().contains("4711"));
        }
    }

    #[test]
    fn an_id_is_set_in_place_and_a_shared_record_is_left_as_it_is() {
        let own = Bytes::from(vec![0, 0, 0, 0, 0, 9]);
        let place = own.as_ptr();
        let set = with_id(own, 258);
        assert_eq!((&set[..], set.as_ptr()), (&[0, 0, 0, 1, 2, 9][..], place));
        let shared = set.clone();
        assert_eq!(&with_id(set, 7)[..], [0, 0, 0, 0, 7, 9]);
        assert_eq!(&shared[..], [0, 0, 0, 1, 2, 9]);
    }

    #[cfg(feature = "protobuf")]
    mod indexes {
        use proptest::prelude::*;

        use super::*;

        fn written(indexes: &[i32]) -> BytesMut {
            let mut buffer = BytesMut::new();
            put_indexes(indexes, &mut buffer);
            buffer
        }

        #[test]
        fn the_first_message_is_one_byte() {
            assert_eq!(&written(&[0])[..], [0]);
            // As Confluent's serializer writes them: zigzag.
            assert_eq!(&written(&[1])[..], [2, 2]);
            assert_eq!(&written(&[1, 0])[..], [4, 2, 0]);
        }

        #[test]
        fn bytes_that_hold_no_indexes_are_none() {
            for bytes in [&b""[..], &[2], &[1], &[0xff; 9], &[0xfe, 0xff, 0xff, 0xff, 0x0f], &[4, 2, 1]] {
                assert_eq!(take_indexes(bytes), None, "{bytes:?}");
            }
        }

        proptest! {
            #[test]
            fn what_is_written_is_read_again(indexes in proptest::collection::vec(0..i32::MAX, 1..9), body: Vec<u8>) {
                let mut bytes = written(&indexes);
                bytes.extend_from_slice(&body);
                prop_assert_eq!(take_indexes(&bytes), Some((indexes.into(), &body[..])));
            }

            #[test]
            fn no_bytes_are_too_much(bytes: Vec<u8>) {
                take_indexes(&bytes);
            }
        }
    }
}
