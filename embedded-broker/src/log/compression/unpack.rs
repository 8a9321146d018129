//! Compressed records, read as a stream: a batch that would unpack to more than anybody sent is cut off, not unpacked.

use std::io::{self, Read};

use super::{Compression, snappy};

/// More than this is not unpacked from one batch: as long as the longest request may be by default.
const MAX_UNPACKED: usize = 100 << 20;
/// More room than this is given back when there is nothing more to unpack for now.
const KEPT: usize = 4 << 20;

/// Unpacks batches one after the other and keeps what it takes to do so: one for each thread that does.
pub(crate) struct Unpacker {
    records: Vec<u8>,
    max: usize,
    /// Large, because of its tables; made by the first batch that needs it.
    zstd: Option<Box<ruzstd::decoding::FrameDecoder>>,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { records: Vec::new(), max: MAX_UNPACKED, zstd: None }
    }
}

impl Unpacker {
    /// The records of a batch, unpacked.
    pub(crate) fn unpack(&mut self, compression: Compression, bytes: &[u8]) -> io::Result<&[u8]> {
        self.records.clear();
        let (out, max) = (&mut self.records, self.max);
        match compression {
            Compression::None => out.extend_from_slice(bytes),
            Compression::Gzip => read_all(flate2::bufread::MultiGzDecoder::new(bytes), max, out)?,
            Compression::Lz4 => read_all(lz4_flex::frame::FrameDecoder::new(bytes), max, out)?,
            Compression::Zstd => {
                let decoder = self.zstd.get_or_insert_default();
                let decoder = ruzstd::decoding::StreamingDecoder::new_with_decoder(bytes, &mut **decoder);
                read_all(decoder.map_err(io::Error::other)?, max, out)?;
            }
            Compression::Snappy => snappy::unpack(bytes, max, out)?,
        }
        Ok(&self.records)
    }

    /// Forgets what was unpacked last, and gives the room for a large batch back.
    pub(crate) fn rest(&mut self) {
        self.records.clear();
        self.records.shrink_to(KEPT);
    }
}

/// The records of one batch, for who seldom looks at any.
pub(crate) fn unpack(compression: Compression, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacker = Unpacker::default();
    unpacker.unpack(compression, bytes)?;
    Ok(unpacker.records)
}

fn read_all(decoder: impl Read, max: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    if decoder.take(limit).read_to_end(out)? > max {
        return Err(too_large(max));
    }
    Ok(())
}

pub(super) fn too_large(max: usize) -> io::Error {
    io::Error::other(format!("a batch unpacks to more than {max} bytes"))
}

#[cfg(test)]
mod tests {
    use super::super::pack;
    use super::*;

    const ALL: [Compression; 4] = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

    fn text() -> Vec<u8> {
        b"the same words again and again, ".repeat(5000)
    }

    fn packed(compression: Compression, records: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        pack(compression, -1, records, &mut out).unwrap();
        out
    }

    #[test]
    fn what_was_packed_is_unpacked_by_one_unpacker_for_all() {
        let mut unpacker = Unpacker::default();
        for compression in ALL {
            for records in [text(), Vec::new(), vec![7], text()] {
                let packed = packed(compression, &records);
                assert_eq!(unpacker.unpack(compression, &packed).unwrap(), records, "{compression:?}");
            }
            let packed = packed(compression, &text());
            assert!(packed.len() < text().len() / 10, "{compression:?} packs to {}", packed.len());
            assert!(unpacker.unpack(compression, &packed[..packed.len() / 2]).is_err(), "{compression:?} cut short");
        }
    }

    #[test]
    fn a_bare_snappy_block_is_unpacked_too() {
        let block = snap::raw::Encoder::new().compress_vec(&text()).unwrap();
        assert_eq!(unpack(Compression::Snappy, &block).unwrap(), text());
    }

    #[test]
    fn what_unpacks_to_more_than_anybody_sends_is_refused() {
        for compression in ALL {
            let mut unpacker = Unpacker { max: text().len(), ..Unpacker::default() };
            let [most, more] = [text(), [text(), vec![0]].concat()].map(|records| packed(compression, &records));
            assert!(unpacker.unpack(compression, &most).is_ok(), "{compression:?}");
            assert!(unpacker.unpack(compression, &more).is_err(), "{compression:?}");
        }
        assert!(unpack(Compression::Snappy, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, at: usize, flip: u8) {
            let mut unpacker = Unpacker::default();
            for compression in ALL {
                let _ = unpacker.unpack(compression, &bytes);
                let mut damaged = packed(compression, &text()[..200]);
                let at = at % damaged.len();
                damaged[at] ^= flip;
                let _ = unpacker.unpack(compression, &damaged);
            }
        }
    }
}
