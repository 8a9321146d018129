//! [`CorrelationId`]: what tells which request a reply answers; and the headers of both, by Spring's names.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
};

/// The id of a request, which its replies carry.
pub(crate) const CORRELATION_ID: &str = "kafka_correlationId";
/// The topic replies are to be sent to, as text.
pub(crate) const REPLY_TOPIC: &str = "kafka_replyTopic";
/// The partition of it, as a big-endian number of 4 bytes; without it the responder's partitioner chooses.
pub(crate) const REPLY_PARTITION: &str = "kafka_replyPartition";

/// The id of a request: a random UUID, 16 bytes in the header `kafka_correlationId`, as Spring's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId([u8; 16]);

impl CorrelationId {
    /// From the seeds that std gives its hash maps: another one for each request of each process.
    pub(crate) fn random() -> Self {
        let bits = || RandomState::new().build_hasher().finish().to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&bits());
        bytes[8..].copy_from_slice(&bits());
        // Version 4, the variant of RFC 9562.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(bytes)
    }

    /// Of a header; `None` if it is no id of ours.
    pub(crate) fn of(header: &[u8]) -> Option<Self> {
        header.try_into().ok().map(Self)
    }

    /// The bytes of the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_is_a_random_uuid() {
        let ids: BTreeSet<_> = (0..1000).map(|_| CorrelationId::random()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let text = id.to_string();
            assert_eq!((text.len(), text.as_bytes()[14]), (36, b'4'), "{text}");
            assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
            assert_eq!(CorrelationId::of(id.as_bytes()), Some(id));
        }
    }

    #[test]
    fn what_is_no_uuid_is_no_id() {
        assert_eq!(CorrelationId::of(b""), None);
        assert_eq!(CorrelationId::of(b"order-42"), None);
    }
}
