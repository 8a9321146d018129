//! Snappy as Kafka's clients send it: Java's as framed blocks (the format of xerial's library), librdkafka's as one bare
//! block. What is packed here is framed, as a Java broker does it.

use std::io;

/// What xerial's library puts in front: its magic, its version and the oldest version that can read it.
const MAGIC: &[u8] = &[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const VERSIONS: &[u8] = &[0, 0, 0, 1, 0, 0, 0, 1];
/// Records in one block: that library's default.
const BLOCK: usize = 32 << 10;

pub(super) fn pack(records: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(VERSIONS);
    let mut encoder = snap::raw::Encoder::new();
    for block in records.chunks(BLOCK) {
        let start = out.len();
        out.resize(start + 4 + snap::raw::max_compress_len(block.len()), 0);
        let len = encoder.compress(block, &mut out[start + 4..]).map_err(io::Error::other)?;
        out[start..start + 4].copy_from_slice(&u32::try_from(len).map_err(io::Error::other)?.to_be_bytes());
        out.truncate(start + 4 + len);
    }
    Ok(())
}

/// Appends the records to `out`, unless they would make it longer than `max`.
pub(super) fn unpack(bytes: &[u8], max: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let Some(mut framed) = bytes.strip_prefix(MAGIC).and_then(|rest| rest.get(VERSIONS.len()..)) else {
        return unpack_block(bytes, max, out);
    };
    while !framed.is_empty() {
        let (len, rest) = framed.split_first_chunk::<4>().ok_or(io::ErrorKind::UnexpectedEof)?;
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let (block, rest) = rest.split_at_checked(len).ok_or(io::ErrorKind::UnexpectedEof)?;
        unpack_block(block, max, out)?;
        framed = rest;
    }
    Ok(())
}

fn unpack_block(block: &[u8], max: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let len = snap::raw::decompress_len(block).map_err(io::Error::other)?;
    // Snappy packs at most 64 bytes into three: a block that promises more would have us reserve what it cannot fill.
    if len > block.len().saturating_mul(22) + 64 {
        return Err(io::Error::other("a snappy block promises more than it can hold"));
    }
    let start = out.len();
    if start + len > max {
        return Err(super::unpack::too_large(max));
    }
    out.resize(start + len, 0);
    snap::raw::Decoder::new().decompress(block, &mut out[start..]).map_err(io::Error::other)?;
    Ok(())
}
