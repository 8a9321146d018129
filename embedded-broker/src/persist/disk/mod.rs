//! Changing files, through one place that a test can make fail, or end at any change as a crash does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

#[cfg(test)]
pub(crate) mod crash;

/// What a disk does to a broker that writes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DiskFault {
    /// There is no room: writes fail, and nothing of them is written.
    Full = 1,
    /// Writes succeed, but the disk does not confirm that they have reached it.
    SyncFails = 2,
}

/// The disk under a data directory. Clones share their fault.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    own: Arc<Injected>,
    /// Of the disk that this one is a part of: what happens to that one happens to it.
    whole: Option<Arc<Injected>>,
    #[cfg(test)]
    crash: Arc<crash::CrashPoint>,
}

/// What a test has happen to a disk.
#[derive(Debug, Default)]
struct Injected {
    fault: AtomicU8,
    /// How many writes have failed for it.
    failed: AtomicU32,
}

impl Injected {
    fn happens(&self, fault: DiskFault) -> bool {
        let happens = self.fault.load(Ordering::SeqCst) == fault as u8;
        if happens {
            self.failed.fetch_add(1, Ordering::SeqCst);
        }
        happens
    }
}

impl Disk {
    /// A part of it, which can fail alone.
    pub(crate) fn part(&self) -> Self {
        Self {
            own: Arc::default(),
            whole: Some(Arc::clone(&self.own)),
            #[cfg(test)]
            crash: self.crash.clone(),
        }
    }

    /// What happens from now on; `None` for a disk that works.
    pub(crate) fn set_fault(&self, fault: Option<DiskFault>) {
        self.own.fault.store(fault.map_or(0, |fault| fault as u8), Ordering::SeqCst);
    }

    /// How many writes a fault has made fail.
    pub(crate) fn times_failed(&self) -> u32 {
        self.own.failed.load(Ordering::SeqCst)
    }

    /// Whether this is what happens to a write.
    fn has(&self, fault: DiskFault) -> bool {
        self.own.happens(fault) || self.whole.as_ref().is_some_and(|whole| whole.happens(fault))
    }

    /// Every change passes here before it is made.
    #[cfg_attr(not(test), expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "only tests crash"))]
    fn pass(&self) -> io::Result<()> {
        #[cfg(test)]
        self.crash.pass()?;
        Ok(())
    }

    /// An empty file, in place of whatever is there.
    pub(crate) fn create(&self, path: &Path) -> io::Result<File> {
        self.pass()?;
        let file = File::create(path)?;
        #[cfg(test)]
        self.crash.opened(&file)?;
        Ok(file)
    }

    /// A file to be read, and to be written to at its end; it is made if there is none.
    pub(crate) fn append(&self, path: &Path) -> io::Result<File> {
        self.pass()?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        #[cfg(test)]
        self.crash.opened(&file)?;
        Ok(file)
    }

    /// Cuts a file off, if it is longer.
    pub(crate) fn cut(&self, file: &File, len: u64) -> io::Result<()> {
        if file.metadata()?.len() <= len {
            return Ok(());
        }
        self.pass()?;
        file.set_len(len)
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass()?;
        fs::rename(from, to)
    }

    /// Takes a file away, if there is one.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        there(fs::remove_file(path))
    }

    pub(crate) fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        fs::create_dir(path)
    }

    /// Takes a directory and all that is in it away, if there is one.
    pub(crate) fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        there(fs::remove_dir_all(path))
    }

    /// Writes all of the pieces, one after the other, at the file's position.
    pub(crate) fn write(&self, mut file: &File, pieces: &[&[u8]]) -> io::Result<()> {
        if self.has(DiskFault::Full) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on the device (injected)"));
        }
        #[cfg(test)]
        self.crash.pass_write(file, pieces)?;
        let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut slices = slices.as_mut_slice();
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match file.write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => IoSlice::advance_slices(&mut slices, n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns once what was written to the file has reached the disk.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        if self.has(DiskFault::SyncFails) {
            return Err(io::Error::other("the disk did not confirm a write (injected)"));
        }
        #[cfg(test)]
        if self.crash.is_armed() {
            return self.crash.synced(file);
        }
        file.sync_data()
    }

    /// Returns once the names of the files in a directory have reached the disk.
    pub(crate) fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.pass()?;
        #[cfg(test)]
        if self.crash.is_armed() {
            return Ok(());
        }
        // Elsewhere a directory cannot be opened, and its names are safe with what they name.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

/// What is not there need not be taken away.
fn there(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
