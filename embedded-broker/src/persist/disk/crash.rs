//! A broker that is killed between two changes of the disk, or in the middle of one; and a machine that loses its power.
//!
//! A killed broker leaves what it has written. A machine without power leaves what the disk has confirmed, and of what was
//! appended since any part of the front: [`Disk::lose_unsynced`] takes the rest away.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Disk;

/// Where changes end.
#[derive(Debug, Default)]
pub(crate) struct CrashPoint {
    armed: AtomicBool,
    /// Changes that were asked for.
    asked: AtomicU64,
    /// How many of them are made.
    made: AtomicU64,
    /// How much of the change that ends it is made, if it is a write: of 256.
    share: AtomicU64,
    /// How much of a file the disk has confirmed, by its number.
    synced: Mutex<HashMap<u64, u64>>,
}

impl CrashPoint {
    pub(super) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::SeqCst)
    }

    /// Whether the broker is still alive at this change, and whether it dies of it.
    fn next(&self) -> (bool, bool) {
        let (n, made) = (self.asked.fetch_add(1, Ordering::SeqCst), self.made.load(Ordering::SeqCst));
        let armed = self.is_armed();
        (!armed || n < made, armed && n == made)
    }

    pub(super) fn pass(&self) -> io::Result<()> {
        if self.next().0 { Ok(()) } else { Err(killed()) }
    }

    pub(super) fn pass_write(&self, mut file: &File, pieces: &[&[u8]]) -> io::Result<()> {
        let (alive, dies) = self.next();
        if alive {
            return Ok(());
        }
        if dies {
            let whole = pieces.concat();
            let share = usize::try_from(self.share.load(Ordering::SeqCst)).unwrap();
            file.write_all(&whole[..whole.len() * share / 256])?;
        }
        Err(killed())
    }

    /// Of a new file nothing is confirmed, whatever file had its number before.
    pub(super) fn opened(&self, file: &File) -> io::Result<()> {
        let metadata = file.metadata()?;
        if metadata.len() == 0 {
            self.synced.lock().remove(&number(&metadata));
        }
        Ok(())
    }

    pub(super) fn synced(&self, file: &File) -> io::Result<()> {
        self.pass()?;
        let metadata = file.metadata()?;
        self.synced.lock().insert(number(&metadata), metadata.len());
        Ok(())
    }
}

fn killed() -> io::Error {
    io::Error::other("the broker was killed (injected)")
}

#[cfg(unix)]
fn number(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Files have no number that is stable there: nothing is ever lost.
#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> u64 {
    0
}

impl Disk {
    /// A disk that makes so many changes, and of the next one, if it is a write, this share of 256.
    pub(crate) fn that_crashes_after(changes: u64, share: u64) -> Self {
        let disk = Self::default();
        disk.crash.armed.store(true, Ordering::SeqCst);
        disk.crash.made.store(changes, Ordering::SeqCst);
        disk.crash.share.store(share, Ordering::SeqCst);
        disk
    }

    /// How many changes were asked for.
    pub(crate) fn changes(&self) -> u64 {
        self.crash.asked.load(Ordering::SeqCst)
    }

    /// Whether the crash has happened.
    pub(crate) fn has_crashed(&self) -> bool {
        self.changes() > self.crash.made.load(Ordering::SeqCst)
    }

    /// Leaves of every file in a directory what was confirmed, and of what was appended since a share of 256.
    pub(crate) fn lose_unsynced(&self, dir: &Path, share: u64) -> io::Result<()> {
        if cfg!(not(unix)) {
            return Ok(());
        }
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                self.lose_unsynced(&entry.path(), share)?;
                continue;
            }
            let metadata = entry.metadata()?;
            let synced = self.crash.synced.lock().get(&number(&metadata)).copied().unwrap_or(0).min(metadata.len());
            let kept = synced + (metadata.len() - synced) * share / 256;
            File::options().write(true).open(entry.path())?.set_len(kept)?;
        }
        Ok(())
    }
}
