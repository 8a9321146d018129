//! Packs records, as a broker does that has to write a batch anew.

use std::io::{self, Write};

use super::{Compression, snappy};

/// Appends the packed records to `out`. `gzip_level` is 1 to 9, anything else gzip's own default.
pub(crate) fn pack(compression: Compression, gzip_level: i32, records: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    match compression {
        Compression::None => out.extend_from_slice(records),
        Compression::Gzip => {
            let level = u32::try_from(gzip_level).ok().filter(|level| (1..=9).contains(level));
            let level = level.map_or_else(flate2::Compression::default, flate2::Compression::new);
            let mut packer = flate2::write::GzEncoder::new(out, level);
            packer.write_all(records)?;
            packer.finish()?;
        }
        Compression::Snappy => snappy::pack(records, out)?,
        Compression::Lz4 => {
            let mut packer = lz4_flex::frame::FrameEncoder::new(out);
            packer.write_all(records)?;
            packer.finish().map_err(io::Error::other)?;
        }
        Compression::Zstd => {
            ruzstd::encoding::compress(records, out, ruzstd::encoding::CompressionLevel::Fastest);
        }
    }
    Ok(())
}
