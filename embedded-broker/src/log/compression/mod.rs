//! How the records of a batch are compressed, and both ways of doing it.
//!
//! Everything is pure Rust. The price: lz4 and zstd are packed at one speed, whatever `compression.lz4.level` and
//! `compression.zstd.level` say. Levels change sizes and never what is read, so a C compiler for the one config was not
//! worth it.

mod pack;
mod snappy;
mod unpack;

pub(crate) use pack::pack;
pub(crate) use unpack::Unpacker;
pub(crate) use unpack::unpack;

/// How the records of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Compression {
    /// The codec of a batch's attributes; `None` for a code Kafka does not have.
    pub(crate) fn of_code(code: i16) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            _ => return None,
        })
    }

    pub(super) fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// What `compression.type` says; `None` for `producer`, which leaves it to whoever sends.
    pub(crate) fn of_config(value: &str) -> Option<Self> {
        Some(match value {
            "uncompressed" => Self::None,
            "gzip" => Self::Gzip,
            "snappy" => Self::Snappy,
            "lz4" => Self::Lz4,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }
}
