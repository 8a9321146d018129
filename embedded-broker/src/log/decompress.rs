//! Compressed records, read as a stream: a batch that would unpack to more than anybody sent is cut off, not unpacked.
//!
//! Only looked into when somebody asks for a record by its time, or a test reads records: producing and fetching pass
//! compressed batches through as they are.

use std::io::{self, Read};

use super::batch::Compression;

/// More than this is not unpacked from one batch.
const MAX_UNPACKED: u64 = 256 << 20;

/// The records of a batch, unpacked.
pub(crate) fn decompress(compression: Compression, bytes: &[u8]) -> io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(bytes.to_vec()),
        Compression::Gzip => read_all(flate2::read::MultiGzDecoder::new(bytes)),
        Compression::Lz4 => read_all(lz4_flex::frame::FrameDecoder::new(bytes)),
        Compression::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(bytes).map_err(io::Error::other)?;
            read_all(decoder)
        }
        Compression::Snappy => snappy(bytes),
    }
}

fn read_all(decoder: impl Read) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let n = decoder.take(MAX_UNPACKED + 1).read_to_end(&mut unpacked)?;
    if u64::try_from(n).unwrap_or(u64::MAX) > MAX_UNPACKED {
        return Err(too_large());
    }
    Ok(unpacked)
}

fn too_large() -> io::Error {
    io::Error::other(format!("a batch unpacks to more than {MAX_UNPACKED} bytes"))
}

/// What the snappy of Java clients puts in front of its blocks; librdkafka sends one bare block.
const XERIAL_MAGIC: &[u8] = &[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];

fn snappy(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let Some(mut framed) = bytes.strip_prefix(XERIAL_MAGIC).and_then(|rest| rest.get(8..)) else {
        return snappy_block(bytes);
    };
    let mut unpacked = Vec::new();
    while let Some((len, rest)) = framed.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let (block, rest) = rest.split_at_checked(len).ok_or(io::ErrorKind::UnexpectedEof)?;
        unpacked.append(&mut snappy_block(block)?);
        if u64::try_from(unpacked.len()).unwrap_or(u64::MAX) > MAX_UNPACKED {
            return Err(too_large());
        }
        framed = rest;
    }
    Ok(unpacked)
}

fn snappy_block(block: &[u8]) -> io::Result<Vec<u8>> {
    let len = snap::raw::decompress_len(block).map_err(io::Error::other)?;
    // Snappy packs at most 64 bytes into three: a block that promises more would have us reserve what it cannot fill.
    if len > block.len().saturating_mul(22) + 64 {
        return Err(io::Error::other("a snappy block promises more than it can hold"));
    }
    snap::raw::Decoder::new().decompress_vec(block).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn text() -> Vec<u8> {
        b"the same words again and again, ".repeat(1000)
    }

    fn check(compression: Compression, packed: &[u8]) {
        assert_eq!(decompress(compression, packed).unwrap(), text(), "{compression:?}");
        assert!(decompress(compression, &packed[..packed.len() / 2]).is_err(), "{compression:?} cut short");
    }

    #[test]
    fn gzip() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(&text()).unwrap();
        check(Compression::Gzip, &packer.finish().unwrap());
    }

    #[test]
    fn lz4() {
        let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
        packer.write_all(&text()).unwrap();
        check(Compression::Lz4, &packer.finish().unwrap());
    }

    #[test]
    fn zstd() {
        let packed = ruzstd::encoding::compress_to_vec(text().as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        check(Compression::Zstd, &packed);
    }

    #[test]
    fn snappy_bare_and_framed() {
        let block = snap::raw::Encoder::new().compress_vec(&text()).unwrap();
        check(Compression::Snappy, &block);
        let len = u32::try_from(block.len()).unwrap().to_be_bytes();
        let framed = [XERIAL_MAGIC, &[0, 0, 0, 1, 0, 0, 0, 1], &len, &block].concat();
        check(Compression::Snappy, &framed);
    }

    #[test]
    fn a_snappy_block_that_promises_gigabytes_is_refused() {
        assert!(decompress(Compression::Snappy, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).is_err());
    }
}
