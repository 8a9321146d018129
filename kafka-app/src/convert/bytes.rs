//! Bytes as they are: [`Bytes`], `Vec<u8>`, `&[u8]`.

use std::convert::Infallible;

use bytes::{Bytes, BytesMut};

use super::{FromPayload, ToPayload};
use crate::error::Result;

impl<'r> FromPayload<'r> for &'r [u8] {
    type Error = Infallible;

    fn from_payload(payload: &'r [u8]) -> Result<Self, Infallible> {
        Ok(payload)
    }
}

impl<'r> FromPayload<'r> for Vec<u8> {
    type Error = Infallible;

    fn from_payload(payload: &'r [u8]) -> Result<Self, Infallible> {
        Ok(payload.to_vec())
    }
}

impl<'r> FromPayload<'r> for Bytes {
    type Error = Infallible;

    fn from_payload(payload: &'r [u8]) -> Result<Self, Infallible> {
        Ok(Self::copy_from_slice(payload))
    }
}

impl ToPayload for [u8] {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        buffer.extend_from_slice(self);
        Ok(())
    }
}

impl ToPayload for Vec<u8> {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        self.as_slice().encode(buffer)
    }

    fn into_payload(self) -> Result<Option<Bytes>> {
        Ok(Some(self.into()))
    }
}

impl ToPayload for Bytes {
    fn encode(&self, buffer: &mut BytesMut) -> Result<()> {
        self[..].encode(buffer)
    }

    /// Shares the bytes instead of copying them.
    fn to_payload(&self, _: &mut BytesMut) -> Result<Option<Bytes>> {
        Ok(Some(self.clone()))
    }

    fn into_payload(self) -> Result<Option<Bytes>> {
        Ok(Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Text, Valid};

    #[test]
    fn a_slice_borrows_from_the_record() {
        let payload = [1, 2, 3];
        let slice = <&[u8]>::from_payload(&payload).unwrap();
        assert_eq!(slice.as_ptr(), payload.as_ptr());
    }

    #[test]
    fn bytes_are_shared_when_sent() {
        let bytes = Bytes::from(vec![1, 2, 3]);
        let sent = bytes.to_payload(&mut BytesMut::new()).unwrap().unwrap();
        assert_eq!(sent.as_ptr(), bytes.as_ptr());
    }

    #[test]
    fn what_owns_its_bytes_gives_them_away() {
        let (bytes, vec, text) = (Bytes::from(vec![1, 2, 3]), vec![4, 5, 6], String::from("789"));
        let owned = [bytes.as_ptr(), vec.as_ptr(), text.as_ptr()];
        let sent = [bytes.into_payload(), vec.into_payload(), Valid(Text(text)).into_payload()];
        assert_eq!(sent.map(|sent| sent.unwrap().unwrap().as_ptr()), owned);
        assert_eq!(7_i32.into_payload().unwrap().unwrap()[..], [0, 0, 0, 7]);
        assert_eq!(crate::Tombstone.into_payload().unwrap(), None);
    }
}
