//! Writing to files, through one place that a test can make fail.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

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
    fault: Arc<AtomicU8>,
}

impl Disk {
    /// What happens from now on; `None` for a disk that works.
    pub(crate) fn set_fault(&self, fault: Option<DiskFault>) {
        self.fault.store(fault.map_or(0, |fault| fault as u8), Ordering::SeqCst);
    }

    /// Writes all of the pieces, one after the other, at the file's position.
    pub(crate) fn write(&self, mut file: &File, pieces: &[&[u8]]) -> io::Result<()> {
        if self.fault.load(Ordering::SeqCst) == DiskFault::Full as u8 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on the device (injected)"));
        }
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
        if self.fault.load(Ordering::SeqCst) == DiskFault::SyncFails as u8 {
            return Err(io::Error::other("the disk did not confirm a write (injected)"));
        }
        file.sync_data()
    }
}
