//! [`Tombstone`]: a null payload to send.

use bytes::{Bytes, BytesMut};

use super::ToPayload;
use crate::error::Result;

/// A null payload: on a compacted topic it deletes its key. To receive one, take `Option<..>`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tombstone;

impl ToPayload for Tombstone {
    fn encode(&self, _: &mut BytesMut) -> Result<()> {
        Ok(())
    }

    fn to_payload(&self, _: &mut BytesMut) -> Result<Option<Bytes>> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_is_null_and_not_empty() {
        assert_eq!(Tombstone.to_payload(&mut BytesMut::new()).unwrap(), None);
        assert_eq!("".to_payload(&mut BytesMut::new()).unwrap(), Some(Bytes::new()));
    }
}
