//! What packs and unpacks the records of batches in tests: the codec crates, and none of the broker's own code.

use bytes::Bytes;

use super::raw::Raw;

/// Packs with the codec crates alone, and snappy as one bare block, as librdkafka does.
pub(crate) fn pack(code: i16, records: &[u8]) -> Vec<u8> {
    use std::io::Write;
    match code {
        1 => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            packer.write_all(records).expect("a vector takes all");
            packer.finish().expect("a vector takes all")
        }
        2 => snap::raw::Encoder::new().compress_vec(records).expect("it is small"),
        3 => {
            let mut packer = lz4_flex::frame::FrameEncoder::new(Vec::new());
            packer.write_all(records).expect("a vector takes all");
            packer.finish().expect("a vector takes all")
        }
        4 => ruzstd::encoding::compress_to_vec(records, ruzstd::encoding::CompressionLevel::Fastest),
        _ => records.to_vec(),
    }
}

/// A batch with its records packed.
pub(crate) fn packed(code: i16, raw: &Raw) -> Bytes {
    let body = pack(code, &raw.body);
    raw.clone().with(|raw| (raw.attributes, raw.body) = (raw.attributes | code, body)).bytes()
}

/// The records of a batch with these attributes.
pub(crate) fn unpack(code: i64, records: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    let read = match code & 7 {
        1 => flate2::read::GzDecoder::new(records).read_to_end(&mut out),
        // A bare block is how these tests send it.
        2 if !records.starts_with(&[0x82]) => {
            return snap::raw::Decoder::new().decompress_vec(records).expect("a block");
        }
        // The framed form: sixteen bytes, then each block behind its length.
        2 => {
            let mut rest = &records[16..];
            while let Some((len, more)) = rest.split_first_chunk::<4>() {
                let (block, more) = more.split_at(usize::try_from(u32::from_be_bytes(*len)).expect("a length"));
                out.extend(snap::raw::Decoder::new().decompress_vec(block).expect("a block"));
                rest = more;
            }
            Ok(out.len())
        }
        3 => lz4_flex::frame::FrameDecoder::new(records).read_to_end(&mut out),
        4 => ruzstd::decoding::StreamingDecoder::new(records).expect("a frame").read_to_end(&mut out),
        _ => return records.to_vec(),
    };
    read.expect("the broker packs as the format says");
    out
}
