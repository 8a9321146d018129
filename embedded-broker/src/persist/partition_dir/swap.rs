//! A segment that takes the place of others, whole or not at all.
//!
//! It is written in a directory of its own, `cleaned`. Once it is whole, that gets a name that says what it replaces,
//! `swap-BASE-END`: from then on it counts, and if a crash comes before it has taken its place, the next start goes on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::persist::disk::Disk;
use crate::persist::segment_file::{self, file_name};

const CLEANED: &str = "cleaned";
const SWAP: &str = "swap-";

/// An empty directory for the new segment.
pub(super) fn begin(disk: &Disk, dir: &Path) -> io::Result<PathBuf> {
    let cleaned = dir.join(CLEANED);
    disk.remove_dir(&cleaned)?;
    disk.create_dir(&cleaned)?;
    Ok(cleaned)
}

/// Puts the segment at `base` in the place of all from there to before `end`.
pub(super) fn finish(disk: &Disk, dir: &Path, base: i64, end: i64) -> io::Result<()> {
    let swap = dir.join(format!("{SWAP}{base}-{end}"));
    disk.sync_dir(&dir.join(CLEANED))?;
    disk.rename(&dir.join(CLEANED), &swap)?;
    disk.sync_dir(dir)?;
    put_in_place(disk, dir, &swap, base, end)
}

/// Finishes what a crash has interrupted, or forgets it if it was not whole.
pub(super) fn resume(disk: &Disk, dir: &Path) -> io::Result<()> {
    disk.remove_dir(&dir.join(CLEANED))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let replaces = entry.file_name().to_str().and_then(replaces);
        if let Some((base, end)) = replaces {
            put_in_place(disk, dir, &entry.path(), base, end)?;
        }
    }
    Ok(())
}

fn replaces(name: &str) -> Option<(i64, i64)> {
    let (base, end) = name.strip_prefix(SWAP)?.split_once('-')?;
    Some((base.parse().ok()?, end.parse().ok()?))
}

/// Can be begun again at every step: what was moved already is not there any more.
fn put_in_place(disk: &Disk, dir: &Path, swap: &Path, base: i64, end: i64) -> io::Result<()> {
    for old in segment_file::base_offsets(dir)?.into_iter().filter(|old| *old > base && *old < end) {
        segment_file::remove(disk, dir, old)?;
    }
    if file_name(swap, base, "log").exists() {
        // The new segment need not have one. Once its log is in place, what is there is its own.
        disk.remove(&file_name(dir, base, "txnindex"))?;
    }
    for kind in ["log", "txnindex", "index", "timeindex"] {
        let new = file_name(swap, base, kind);
        if new.exists() {
            disk.rename(&new, &file_name(dir, base, kind))?;
        }
    }
    disk.remove_dir(swap)
}
