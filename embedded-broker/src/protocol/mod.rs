//! Everything taken from the codec crate, in one place, and the guard in front of it.
//!
//! The codec reserves room for as many elements as an array says it has, before it has seen one: eight hostile bytes
//! would have it ask for gigabytes. [`decode`] therefore reads every body through a [`Guarded`] buffer, which bounds what
//! that can take, for every request without knowing its shape:
//!
//! - No count or length says more than the bytes that remain.
//! - No array has more than [`MOST_ELEMENTS`]; texts and bytes may be longer.
//! - All that is not the inside of a text or of bytes (which are not copied) is [`MAX_STRUCTURE_LEN`] at most. An element
//!   takes at least one byte of it, which bounds what all elements together take.

use std::fmt;

use bytes::{Bytes, BytesMut};
pub(crate) use kafka_protocol::messages::ApiKey;
pub(crate) use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use guarded::{Guarded, Pass};

mod guarded;
#[cfg(test)]
mod tests;

/// The largest body that is decoded by the codec crate; Produce is not.
///
/// Kafka takes 100 MiB for every request. This is as much as members of a group can tell each other in one.
pub(crate) const MAX_DECODED_LEN: usize = 8 << 20;

/// So many bytes of a body are counts, numbers and lengths at most: enough for the offsets of 100,000 partitions.
const MAX_STRUCTURE_LEN: usize = 2 << 20;

/// As long is an array at most.
const MOST_ELEMENTS: usize = 1 << 16;

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
    let mut first = Guarded::new(body.clone(), Pass::Measure);
    let decoded = read(&mut first, version)?;
    if !first.has_doubts() {
        return Ok(decoded);
    }
    drop(decoded);
    if let Some(lengths) = first.shortened() {
        read::<T>(&mut Guarded::new(body.clone(), Pass::Probe(lengths)), version)?;
    }
    read(&mut Guarded::new(body.clone(), Pass::True), version)
}

fn read<T: Decodable>(guarded: &mut Guarded, version: i16) -> Result<T, Malformed> {
    let read = T::decode(guarded, version);
    match guarded.finish() {
        Some(why) => Err(Malformed::new(why)),
        None => read.map_err(|error| Malformed(error.to_string())),
    }
}

/// Appends the encoded message to `out`.
pub(crate) fn encode<T: Encodable>(message: &T, version: i16, out: &mut BytesMut) -> Result<(), Malformed> {
    message.encode(out, version).map_err(|error| Malformed(error.to_string()))
}
