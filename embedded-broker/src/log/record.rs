//! Walks over the records of a batch without copying them.

/// One record, as it lies in its (uncompressed) batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordView<'a> {
    attributes: u8,
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    /// Everything from the key's length on, still encoded: what stays the same when the record gets another place.
    rest: &'a [u8],
    /// The count and the headers themselves, still encoded.
    headers: &'a [u8],
}

/// A header's name and value.
pub(crate) type HeaderView<'a> = (&'a str, Option<&'a [u8]>);

impl<'a> RecordView<'a> {
    /// Takes the next record off the front; `None` if it is malformed.
    // A call that hands the view back through memory takes as long again as reading the record.
    #[inline(always)]
    pub(crate) fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let len = usize::try_from(zigzag(bytes)?).ok()?;
        let (mut record, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        let (&attributes, after) = record.split_first()?;
        record = after;
        let timestamp_delta = zigzag(&mut record)?;
        let offset_delta = i32::try_from(zigzag(&mut record)?).ok()?;
        let rest = record;
        let key = take_bytes(&mut record)?;
        let value = take_bytes(&mut record)?;
        Some(Self { attributes, timestamp_delta, offset_delta, key, value, rest, headers: record })
    }

    /// Writes the record with another time and place; key, value and headers are copied as they lie.
    pub(crate) fn write(&self, timestamp_delta: i64, offset_delta: i32, out: &mut Vec<u8>) {
        let offset_delta = i64::from(offset_delta);
        let len = 1 + zigzag_len(timestamp_delta) + zigzag_len(offset_delta) + self.rest.len();
        put_zigzag(i64::try_from(len).unwrap_or(i64::MAX), out);
        out.push(self.attributes);
        put_zigzag(timestamp_delta, out);
        put_zigzag(offset_delta, out);
        out.extend_from_slice(self.rest);
    }

    /// Whether the headers can be read; nothing is kept of them.
    pub(crate) fn has_valid_headers(&self) -> bool {
        self.headers == [0] || self.headers().is_some()
    }

    /// The headers in their order, duplicates included; `None` if they are malformed.
    pub(crate) fn headers(&self) -> Option<Vec<HeaderView<'a>>> {
        let mut bytes = self.headers;
        let count = usize::try_from(zigzag(&mut bytes)?).ok()?;
        // A header takes at least two bytes, so a count beyond that is a lie and nothing is reserved for it.
        let mut headers = Vec::with_capacity(count.min(bytes.len() / 2));
        for _ in 0..count {
            let key = take_bytes(&mut bytes)??;
            headers.push((std::str::from_utf8(key).ok()?, take_bytes(&mut bytes)?));
        }
        bytes.is_empty().then_some(headers)
    }
}

/// What has to be known of a record to store its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BriefRecord {
    pub(crate) timestamp_delta: i64,
    pub(crate) offset_delta: i32,
    pub(crate) has_key: bool,
}

impl BriefRecord {
    /// Takes the next record off the front; `None` if it is malformed, or its headers are.
    #[inline(always)]
    pub(crate) fn take(bytes: &mut &[u8]) -> Option<Self> {
        if let Some((usual, len)) = Self::usual(bytes) {
            *bytes = bytes.get(len..)?;
            return Some(usual);
        }
        Self::any(bytes)
    }

    /// A usual record and its length, which takes half as long to read: all its numbers are of one or two bytes, and it has
    /// no headers. `None` of any other; what it says is what [`any`](Self::any) would say.
    #[inline(always)]
    fn usual(bytes: &[u8]) -> Option<(Self, usize)> {
        let (len, attributes) = short(bytes, 0)?;
        let (timestamp_delta, at) = short(bytes, attributes + 1)?;
        let (offset_delta, at) = short(bytes, at)?;
        let (key, at) = short(bytes, at)?;
        let (value, at) = short(bytes, at + usize::try_from(key).unwrap_or(0))?;
        let headers = at + usize::try_from(value).unwrap_or(0);
        let end = attributes + usize::try_from(len).ok()?;
        let is_usual = headers + 1 == end && *bytes.get(headers)? == 0;
        let read = Self { timestamp_delta: timestamp_delta.into(), offset_delta, has_key: key >= 0 };
        is_usual.then_some((read, end))
    }

    #[inline(never)]
    fn any(bytes: &mut &[u8]) -> Option<Self> {
        let RecordView { timestamp_delta, offset_delta, key, .. } =
            RecordView::take(bytes).filter(RecordView::has_valid_headers)?;
        Some(Self { timestamp_delta, offset_delta, has_key: key.is_some() })
    }
}

/// A signed varint of one or two bytes at a place, and where it ends.
#[inline(always)]
fn short(bytes: &[u8], at: usize) -> Option<(i32, usize)> {
    let first = u32::from(*bytes.get(at)?);
    if first < 0x80 {
        return Some((signed_short(first), at + 1));
    }
    let second = u32::from(*bytes.get(at + 1)?);
    (second < 0x80).then(|| (signed_short(first & 0x7f | second << 7), at + 2))
}

fn signed_short(bits: u32) -> i32 {
    (bits >> 1).cast_signed() ^ -((bits & 1).cast_signed())
}

/// Bytes with their length in front; a negative length is null.
#[inline(always)]
fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let Ok(len) = usize::try_from(zigzag(bytes)?) else { return Some(None) };
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(Some(taken))
}

/// A signed varint; most are one or two bytes long.
#[inline(always)]
fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let (bits, rest) = match **bytes {
        [first, ref rest @ ..] if first < 0x80 => (u64::from(first), rest),
        [first, second, ref rest @ ..] if second < 0x80 => (u64::from(first & 0x7f) | u64::from(second) << 7, rest),
        _ => return long_zigzag(bytes),
    };
    *bytes = rest;
    Some(signed(bits))
}

/// Any varint, of at most ten bytes.
#[inline(never)]
fn long_zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let mut bits = 0;
    for shift in (0..=63).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        bits |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(signed(bits));
        }
    }
    None
}

fn signed(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -((bits & 1).cast_signed())
}

fn encoded(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn zigzag_len(value: i64) -> usize {
    let bits = 64 - (encoded(value) | 1).leading_zeros();
    usize::try_from(bits.div_ceil(7)).unwrap_or_default()
}

/// Bytes with their length in front; of null, -1.
pub(super) fn put_bytes(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    put_zigzag(bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX)), out);
    out.extend_from_slice(bytes.unwrap_or_default());
}

pub(super) fn put_zigzag(value: i64, out: &mut Vec<u8>) {
    let mut value = encoded(value);
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::batch::{HEADER_LEN, tests::TestBatch};

    #[test]
    fn records_come_back_as_they_were_written() {
        let mut batch = TestBatch::of(&["a", ""]).at(&[5, 300]);
        batch.records[1].1 = Some(b"key".to_vec());
        let bytes = batch.bytes();
        let mut rest = &bytes[HEADER_LEN..];
        let first = RecordView::take(&mut rest).unwrap();
        assert_eq!((first.offset_delta, first.key, first.value), (0, None, Some(b"a".as_slice())));
        let second = RecordView::take(&mut rest).unwrap();
        assert_eq!((second.timestamp_delta, second.offset_delta), (295, 1));
        assert_eq!((second.key, second.value), (Some(b"key".as_slice()), Some(b"".as_slice())));
        assert_eq!(second.headers(), Some(vec![]));
        assert!(rest.is_empty());
        assert_eq!(RecordView::take(&mut rest), None);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for bytes in [&[0x7e, 0, 0][..], &[0x01][..], &[0x08, 0, 0, 0, 0x7e, 0][..], &[0xff; 20][..]] {
            assert_eq!(RecordView::take(&mut &*bytes), None, "{bytes:?}");
        }
    }

    /// Deltas of time and offset, most of them short.
    fn brief_numbers() -> impl proptest::strategy::Strategy<Value = (i64, i32)> {
        use proptest::prelude::*;
        (prop_oneof![4 => -200..200_i64, 1 => any::<i64>()], prop_oneof![4 => -5..9_000_i32, 1 => any::<i32>()])
    }

    proptest::proptest! {
        #[test]
        fn a_record_that_is_written_elsewhere_keeps_all_but_its_deltas(
            value in "[a-z]{0,300}", timestamp_delta: i64, offset_delta: i32,
        ) {
            let bytes = TestBatch::of(&[&value]).bytes();
            let record = RecordView::take(&mut &bytes[HEADER_LEN..]).unwrap();
            let mut moved = Vec::new();
            record.write(record.timestamp_delta, record.offset_delta, &mut moved);
            proptest::prop_assert_eq!(&moved, &bytes[HEADER_LEN..]);
            moved.clear();
            record.write(timestamp_delta, offset_delta, &mut moved);
            let mut rest = moved.as_slice();
            let read = RecordView::take(&mut rest).unwrap();
            proptest::prop_assert!(rest.is_empty());
            proptest::prop_assert_eq!(read, RecordView { timestamp_delta, offset_delta, ..record });
        }

        #[test]
        fn a_record_is_briefly_what_it_is_in_full(
            records in proptest::collection::vec((brief_numbers(), 0..300_usize, 0..20_000_usize, 0..3_u8), 1..4),
            patch in proptest::option::of((0..60_usize, proptest::num::u8::ANY)),
        ) {
            let mut bytes = Vec::new();
            for ((timestamp_delta, offset_delta), key, value, n_headers) in records {
                let mut record = vec![0];
                put_zigzag(timestamp_delta, &mut record);
                put_zigzag(offset_delta.into(), &mut record);
                put_bytes((key > 0).then_some(&[b'k'; 300][..key]), &mut record);
                put_bytes(Some(&vec![0; if value > 10_000 { value } else { value % 200 }]), &mut record);
                put_zigzag(n_headers.into(), &mut record);
                (0..n_headers).for_each(|_| record.extend(b"\x02h\x02v"));
                put_zigzag(i64::try_from(record.len()).unwrap(), &mut bytes);
                bytes.extend(record);
            }
            if let Some((at, byte)) = patch {
                let at = at % bytes.len();
                bytes[at] = byte;
            }
            let (mut briefly, mut fully) = (bytes.as_slice(), bytes.as_slice());
            loop {
                let any = BriefRecord::any(&mut fully);
                proptest::prop_assert_eq!(BriefRecord::take(&mut briefly), any);
                if any.is_none() {
                    break;
                }
                proptest::prop_assert_eq!(briefly, fully);
            }
        }

        #[test]
        fn any_bytes_are_briefly_what_they_are_in_full(mut bytes: Vec<u8>, len in 0..40_u8) {
            // A length that fits is in front of most.
            bytes.insert(0, len * 2);
            let (mut briefly, mut fully) = (bytes.as_slice(), bytes.as_slice());
            let any = BriefRecord::any(&mut fully);
            proptest::prop_assert_eq!(BriefRecord::take(&mut briefly), any);
            proptest::prop_assert!(any.is_none() || briefly == fully);
        }

        #[test]
        fn varints_of_every_length_are_read_to_their_end_and_no_further(value: i64, shift in 0..64_u32, after: Vec<u8>) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put_zigzag(value, &mut bytes);
            for end in 0..bytes.len() {
                proptest::prop_assert_eq!(zigzag(&mut &bytes[..end]), None);
            }
            bytes.extend(&after);
            let mut left = bytes.as_slice();
            proptest::prop_assert_eq!(zigzag(&mut left), Some(value));
            proptest::prop_assert_eq!(left, after);
        }

        #[test]
        fn no_bytes_make_the_walk_panic(bytes: Vec<u8>) {
            let mut rest = bytes.as_slice();
            while let Some(record) = RecordView::take(&mut rest) {
                let _ = record.headers();
            }
        }
    }
}
