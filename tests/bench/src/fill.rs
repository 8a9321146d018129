//! What it costs this machine to fill fresh memory with records, and nothing else: no broker that keeps every record can take
//! less.

use anyhow::Result;
use memmap2::{MmapMut, MmapOptions};

use crate::{bench::to_f64, protocol::Stopwatch};

/// How fresh memory comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pages {
    /// Page by page, as each is first written to.
    OnDemand,
    /// All at once.
    Populated,
}

/// Processor seconds for each gigabyte of as many copies of `piece`, each in memory of its own.
pub(crate) fn cpu_per_gigabyte(piece: &[u8], n_pieces: u64, pages: Pages) -> Result<f64> {
    let watch = Stopwatch::start();
    let filled = (0..n_pieces).map(|_| fill(piece, pages)).collect::<Result<Vec<_>>>()?;
    let measured = watch.stop(n_pieces);
    drop(filled);
    let gigabytes = to_f64(n_pieces) * to_f64(u64::try_from(piece.len())?) / 1e9;
    Ok(measured.cpu_s / gigabytes)
}

fn fill(piece: &[u8], pages: Pages) -> Result<MmapMut> {
    let mut options = MmapOptions::new();
    if pages == Pages::Populated {
        options.populate();
    }
    let mut memory = options.len(piece.len()).map_anon()?;
    memory.copy_from_slice(piece);
    Ok(memory)
}
