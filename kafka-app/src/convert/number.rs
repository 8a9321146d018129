//! Numbers as Kafka's Java serializers write them: big endian, of the type's length.

use std::{error::Error as StdError, fmt};

use bytes::BytesMut;

use super::{FromPayload, ToPayload};
use crate::error::Result;

/// Bytes that were to be a number have another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongLength {
    /// Bytes of the number's type.
    pub expected: usize,
    /// Bytes there are.
    pub found: usize,
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a big-endian number of {} bytes expected, there are {}", self.expected, self.found)
    }
}

impl StdError for WrongLength {}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl<'r> FromPayload<'r> for $number {
            type Error = WrongLength;

            fn from_payload(payload: &'r [u8]) -> Result<Self, WrongLength> {
                let wrong_length = |_| WrongLength { expected: size_of::<Self>(), found: payload.len() };
                payload.try_into().map(Self::from_be_bytes).map_err(wrong_length)
            }
        }

        impl ToPayload for $number {
            fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
                buffer.extend_from_slice(&self.to_be_bytes());
                Ok(())
            }
        }
    )+};
}

numbers!(i16, i32, i64, f32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian_as_javas() {
        let mut buffer = BytesMut::new();
        assert_eq!((-2_i32).to_payload(&mut buffer).unwrap().unwrap()[..], [0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(i64::from_payload(&[0, 0, 0, 0, 0, 0, 1, 0]), Ok(256));
        assert_eq!(f64::from_payload(&1.5_f64.to_be_bytes()), Ok(1.5));
    }

    #[test]
    fn a_number_of_another_length_is_refused() {
        let error = i64::from_payload(&[0; 4]).unwrap_err();
        assert_eq!(error.to_string(), "a big-endian number of 8 bytes expected, there are 4");
    }
}
