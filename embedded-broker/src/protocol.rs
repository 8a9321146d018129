//! Everything taken from the codec crate, in one place, and the guard in front of it.
//!
//! The codec reserves room for as many elements as an array says it has, before it has seen one: eight hostile bytes
//! would have it ask for gigabytes. [`decode`] therefore reads every body through a [`Guarded`] buffer that refuses
//! counts and lengths which the remaining bytes cannot hold. It works for every request without knowing its shape:
//!
//! - A compact count or length is an unsigned varint, and so is nothing else but a tag number: one that is larger than
//!   what remains is refused as it is read.
//! - A count of the older encoding is an `i32`, and so are fields such as timeouts. A first pass reads each `i32` that is
//!   larger than what remains as -2: an array refuses that without reserving anything, a field does not care. If the first
//!   pass met such a field, a second one reads the true values, whose counts are then known to be honest.
//!
//! An honest array holds at most one element for each remaining byte, which bounds what a frame can make the codec
//! reserve to a multiple of its own length; [`MAX_DECODED_LEN`] bounds the length.

use std::fmt;
use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
pub(crate) use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::buf::ByteBuf;
pub(crate) use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

/// The largest body that is decoded by the codec crate; Produce and Fetch are not.
///
/// Kafka takes 100 MiB for every request. A request other than Produce that is larger than this names hundreds of
/// thousands of topics; decoded, it would take more memory than a process that runs tests should lend to it.
pub(crate) const MAX_DECODED_LEN: usize = 8 << 20;

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) struct Malformed(String);

impl Malformed {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Decodes a request body that came from a peer nobody trusts.
pub(crate) fn decode<T: Decodable>(body: &Bytes, version: i16) -> Result<T, Malformed> {
    if body.len() > MAX_DECODED_LEN {
        let len = body.len();
        return Err(Malformed(format!("a body of {len} bytes is larger than the {MAX_DECODED_LEN} allowed")));
    }
    let mut first = Guarded::new(body.clone(), Pass::Probe);
    let decoded = T::decode(&mut first, version).map_err(|error| Malformed(error.to_string()))?;
    if !first.doubted {
        return Ok(decoded);
    }
    drop(decoded);
    T::decode(&mut Guarded::new(body.clone(), Pass::True), version).map_err(|error| Malformed(error.to_string()))
}

/// Appends the encoded message to `out`.
pub(crate) fn encode<T: Encodable>(message: &T, version: i16, out: &mut BytesMut) -> Result<(), Malformed> {
    message.encode(out, version).map_err(|error| Malformed(error.to_string()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Probe,
    True,
}

/// A buffer that does not give out counts its own bytes cannot hold.
struct Guarded {
    bytes: Bytes,
    pass: Pass,
    /// An `i32` was read as -2, so what was decoded is not what was sent.
    doubted: bool,
    /// The last bytes that were read one by one and could be the beginning of a varint.
    run: [u8; 4],
    run_len: usize,
}

impl Guarded {
    fn new(bytes: Bytes, pass: Pass) -> Self {
        Self { bytes, pass, doubted: false, run: [0; 4], run_len: 0 }
    }

    /// Whether a varint that ends in `last` says more than what remains. Where it began is not known (a boolean is read
    /// one byte at a time as well), so every beginning counts; a later beginning only makes an honest value smaller.
    fn says_too_much(&self, last: u8) -> bool {
        let remaining = self.bytes.remaining();
        (0..=self.run_len).any(|start| {
            let bytes = self.run[start..self.run_len].iter().chain(std::iter::once(&last));
            let value = bytes.zip([0_u32, 7, 14, 21, 28]).fold(0_u32, |value, (byte, shift)| {
                // As the codec does: what does not fit into 32 bits is lost.
                value | u32::from(byte & 0x7f).wrapping_shl(shift)
            });
            // A count is sent plus one.
            usize::try_from(value).is_ok_and(|value| value > remaining.saturating_add(1))
        })
    }

    fn remember(&mut self, byte: u8) {
        if byte < 0x80 {
            self.run_len = 0;
            return;
        }
        if self.run_len == self.run.len() {
            self.run.copy_within(1.., 0);
            self.run_len -= 1;
        }
        self.run[self.run_len] = byte;
        self.run_len += 1;
    }

    fn short(&self, requested: usize) -> bytes::TryGetError {
        bytes::TryGetError { requested, available: self.bytes.remaining() }
    }
}

impl Buf for Guarded {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, cnt: usize) {
        self.run_len = 0;
        self.bytes.advance(cnt);
    }

    fn try_get_u8(&mut self) -> Result<u8, bytes::TryGetError> {
        let byte = self.bytes.try_get_u8()?;
        // A varint can only end here if the byte says so, or if it is the fifth.
        let may_end = byte < 0x80 || self.run_len == self.run.len();
        if may_end && self.says_too_much(byte) {
            return Err(self.short(usize::MAX));
        }
        self.remember(byte);
        Ok(byte)
    }

    fn try_get_i32(&mut self) -> Result<i32, bytes::TryGetError> {
        self.run_len = 0;
        let value = self.bytes.try_get_i32()?;
        let too_much = usize::try_from(value).is_ok_and(|value| value > self.bytes.remaining());
        if too_much && self.pass == Pass::Probe {
            self.doubted = true;
            return Ok(-2);
        }
        Ok(value)
    }
}

impl ByteBuf for Guarded {
    fn peek_bytes(&mut self, r: Range<usize>) -> Bytes {
        self.bytes.slice(r)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.run_len = 0;
        self.bytes.split_to(size)
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
    use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
    use kafka_protocol::messages::{
        CreateTopicsRequest, DescribeConfigsRequest, FetchRequest, JoinGroupRequest, MetadataRequest,
        OffsetFetchRequest,
    };
    use proptest::prelude::*;

    use super::*;

    fn body(request: &impl Encodable, version: i16) -> Bytes {
        let mut out = BytesMut::new();
        encode(request, version, &mut out).unwrap();
        out.freeze()
    }

    #[test]
    fn eight_bytes_cannot_ask_for_gigabytes() {
        let count_of_the_old_encoding = Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff]);
        assert!(decode::<MetadataRequest>(&count_of_the_old_encoding, 0).is_err());
        let compact_count = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert!(decode::<MetadataRequest>(&compact_count, 12).is_err());
        // A boolean that looks like the beginning of a varint does not hide the count behind it.
        let hidden = Bytes::from_static(&[0x01, 0x80, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert!(decode::<MetadataRequest>(&hidden, 12).is_err());
    }

    #[test]
    fn large_numbers_that_are_no_counts_are_read_as_they_are() {
        for version in 0..=9 {
            let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
            let mut request = JoinGroupRequest::default()
                .with_session_timeout_ms(i32::MAX)
                .with_protocol_type(StrBytes::from_static_str("consumer"))
                .with_protocols(vec![protocol]);
            if version >= 1 {
                request = request.with_rebalance_timeout_ms(i32::MAX - 1);
            }
            let read: JoinGroupRequest = decode(&body(&request, version), version).unwrap();
            assert_eq!(read.session_timeout_ms, i32::MAX, "v{version}");
            assert_eq!(read.protocols.len(), 1, "v{version}");
        }
    }

    #[test]
    fn long_names_and_many_topics_are_honest() {
        let topics = (0..1000).map(|n| {
            let name = StrBytes::from_string(format!("{n}{}", "x".repeat(200)));
            MetadataRequestTopic::default().with_name(Some(name.into()))
        });
        let request = MetadataRequest::default().with_topics(Some(topics.collect()));
        for version in 0..=13 {
            let read: MetadataRequest = decode(&body(&request, version), version).unwrap();
            assert_eq!(read.topics.map(|topics| topics.len()), Some(1000), "v{version}");
        }
    }

    #[test]
    fn a_body_above_the_limit_is_refused_before_it_is_read() {
        let refused = decode::<MetadataRequest>(&Bytes::from(vec![0; MAX_DECODED_LEN + 1]), 0).unwrap_err();
        assert!(refused.to_string().contains("larger than"), "{refused}");
    }

    proptest! {
        #[test]
        fn no_body_makes_the_decoder_panic_or_reserve_what_it_does_not_hold(bytes: Vec<u8>, version in 0..14_i16) {
            let body = Bytes::from(bytes);
            let _ = decode::<MetadataRequest>(&body, version.min(13));
            let _ = decode::<JoinGroupRequest>(&body, version.min(9));
            let _ = decode::<CreateTopicsRequest>(&body, version.clamp(2, 7));
            let _ = decode::<DescribeConfigsRequest>(&body, version.clamp(1, 4));
            let _ = decode::<OffsetFetchRequest>(&body, version.clamp(1, 9));
            let _ = decode::<FetchRequest>(&body, version.max(4));
        }
    }
}
