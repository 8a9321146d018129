//! Breaks the checksums of fetched batches, for tests of what clients do then.

use crate::api::Reply;
use crate::protocol::{ApiKey, Malformed};
use crate::wire::Reader;

/// The last byte of a batch's checksum, behind its base offset, length, leader epoch and magic.
const END_OF_CRC: usize = 20;

/// Turns a bit of the checksum of the first batch of each partition.
pub(crate) fn corrupt_crc(version: i16, reply: &mut Reply) -> Result<(), Malformed> {
    let whole = reply.gather();
    let header_len = 8 + usize::from(ApiKey::Fetch.response_header_version(version) >= 1);
    for (at, len) in records(whole.get(header_len..).unwrap_or_default(), version)? {
        if len > END_OF_CRC {
            whole[header_len + at + END_OF_CRC] ^= 1;
        }
    }
    Ok(())
}

/// Where in the body of an answer the records of each partition lie, and how long they are.
fn records(body: &[u8], version: i16) -> Result<Vec<(usize, usize)>, Malformed> {
    let mut found = Vec::new();
    let mut reader = Reader::new(body, version >= 12);
    reader.take(if version >= 7 { 4 + 2 + 4 } else { 4 })?;
    for _ in 0..reader.array_len()? {
        if version >= 13 {
            reader.uuid()?;
        } else {
            reader.string()?;
        }
        for _ in 0..reader.array_len()? {
            let len = records_of_partition(&mut reader, version)?;
            found.push((body.len() - reader.remaining() - len, len));
            reader.skip_tags()?;
        }
        reader.skip_tags()?;
    }
    Ok(found)
}

/// Reads a partition up to the end of its records, and gives their length.
fn records_of_partition(reader: &mut Reader<'_>, version: i16) -> Result<usize, Malformed> {
    // Index, code, high watermark, last stable offset and, later, the start of the log.
    reader.take(4 + 2 + 8 + 8 + if version >= 5 { 8 } else { 0 })?;
    for _ in 0..reader.nullable_array_len()?.unwrap_or(0) {
        reader.take(8 + 8)?;
        reader.skip_tags()?;
    }
    if version >= 11 {
        reader.i32()?;
    }
    Ok(reader.nullable_bytes()?.unwrap_or_default().len())
}
