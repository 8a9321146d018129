//! The primitives of Kafka's wire format that the hand-written codecs need. Reading never trusts a length.

use bytes::Buf;

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
}
