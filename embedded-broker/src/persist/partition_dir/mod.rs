//! The directory of one partition: its segments, and what it remembers beside them.
//!
//! It follows the log in memory: whatever has become of the log is told to it in the same order. A log that cannot be
//! followed any more must not be shown to anybody, which is its owner's affair.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::log::batch::PLACE_LEN;
use crate::log::{AbortedTransaction, BatchHeader, ProducerEntry};
use crate::persist::checkpoint;
use crate::persist::disk::Disk;
use crate::persist::scan::Tail;
use crate::persist::segment_file::{self, SegmentFile, file_name};
use crate::persist::txn_index;

mod beside;
mod swap;
#[cfg(test)]
mod tests;

/// What the name of a directory ends with that is to go, as Kafka's.
pub(crate) const DELETED: &str = "-delete";

/// A partition's directory, open for appending.
#[derive(Debug)]
pub(crate) struct PartitionDir {
    path: PathBuf,
    disk: Disk,
    active: SegmentFile,
    /// Whether a file was made since the disk has confirmed the names of all.
    has_new_files: bool,
}

/// What a directory says beside its batches.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// Each leader epoch and its first offset.
    pub(crate) epochs: Vec<(i32, i64)>,
    /// The first offset that can be read; 0 unless something else was written down.
    pub(crate) start_offset: i64,
    /// Producers as the newest snapshot has them.
    pub(crate) producers: Vec<ProducerEntry>,
}

impl PartitionDir {
    /// Makes an empty directory, in place of one that holds no records.
    pub(crate) fn create(path: &Path, topic_id: &str, disk: Disk) -> io::Result<Self> {
        disk.remove_dir(path)?;
        disk.create_dir(path)?;
        beside::write_topic_id(&disk, path, topic_id)?;
        let active = SegmentFile::create(path, 0, disk.clone())?;
        Ok(Self { path: path.to_owned(), disk, active, has_new_files: true })
    }

    /// Whose directory it is, as far as it says; `None` if there is nothing.
    pub(crate) fn topic_id(path: &Path) -> io::Result<Option<String>> {
        beside::topic_id(path)
    }

    /// Whether there is anything in the logs of a directory, which need not be there.
    pub(crate) fn holds_records(path: &Path) -> io::Result<bool> {
        for base in segment_file::base_offsets(path)? {
            if fs::metadata(file_name(path, base, "log"))?.len() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens the directory and calls `each` with every batch and the first offset of its segment, in order.
    ///
    /// With `check` every checksum is looked at. What follows a batch that is not whole is cut off. The indexes are made
    /// anew, with an entry every `index_interval` bytes.
    pub(crate) fn open(
        path: &Path,
        disk: Disk,
        (check, index_interval): (bool, usize),
        mut each: impl FnMut(i64, &BatchHeader, &[u8]),
    ) -> io::Result<(Self, Remembered)> {
        checkpoint::remove_unfinished(&disk, path)?;
        swap::resume(&disk, path)?;
        let bases = segment_file::base_offsets(path)?;
        beside::remove_stray_snapshots(&disk, path, &bases)?;
        let mut bases = bases.into_iter().peekable();
        let (mut active, mut end) = (None, 0);
        // Offsets that fall back end the log, from one segment to the next as inside of one.
        while let Some(base) = bases.next_if(|base| *base >= end) {
            let settings = (check, index_interval);
            let (segment, tail) = SegmentFile::open(path, base, disk.clone(), settings, |batch, bytes| {
                end = batch.header.last_offset() + 1;
                each(base, &batch.header, bytes);
            })?;
            if let Some(mut before) = active.replace(segment) {
                SegmentFile::close(&mut before)?;
            }
            if tail == Tail::Torn {
                let log = file_name(path, base, "log");
                tracing::warn!(log = %log.display(), "the log is cut off behind its last whole batch");
                break;
            }
        }
        // The last one first: what is left is the front of a log, wherever this ends.
        for beyond in bases.rev() {
            let log = file_name(path, beyond, "log");
            tracing::warn!(log = %log.display(), "a segment behind one that is not whole is dropped");
            segment_file::remove(&disk, path, beyond)?;
        }
        let active = active.map_or_else(|| SegmentFile::create(path, 0, disk.clone()), Ok)?;
        let remembered = beside::read(path, end)?;
        Ok((Self { path: path.to_owned(), disk, active, has_new_files: true }, remembered))
    }

    /// Where the segment begins that is appended to.
    pub(crate) fn active_base(&self) -> i64 {
        self.active.base_offset()
    }

    /// Appends a batch: its front as given, the rest as it is in `batch`.
    pub(crate) fn append(
        &mut self,
        front: &[u8; PLACE_LEN],
        batch: &[u8],
        header: &BatchHeader,
        index_interval: usize,
    ) -> io::Result<()> {
        self.active.append(front, batch, header, index_interval)
    }

    /// Notes that the marker which was just appended has aborted a transaction.
    pub(crate) fn note_aborted(&mut self, aborted: &AbortedTransaction) -> io::Result<()> {
        let file = self.disk.append(&file_name(&self.path, self.active.base_offset(), "txnindex"))?;
        self.has_new_files = true;
        self.disk.write(&file, &[&txn_index::encode([aborted])])
    }

    /// Has the segments say these aborted transactions and no others; they come in the order of their markers.
    pub(crate) fn write_aborted(&self, aborted: &[AbortedTransaction]) -> io::Result<()> {
        let bases = segment_file::base_offsets(&self.path)?;
        for (n, &base) in bases.iter().enumerate() {
            let next = bases.get(n + 1).copied().unwrap_or(i64::MAX);
            let own = txn_index::encode(aborted.iter().filter(|one| (base..next).contains(&one.last_offset)));
            let path = file_name(&self.path, base, "txnindex");
            if checkpoint::bytes(&path)?.unwrap_or_default() == own {
                continue;
            }
            match own.as_slice() {
                [] => self.disk.remove(&path)?,
                own => checkpoint::replace(&self.disk, &path, own)?,
            }
        }
        Ok(())
    }

    /// Returns once every batch has reached the disk, and the names of the files they lie in.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.active.sync()?;
        if self.has_new_files {
            self.disk.sync_dir(&self.path)?;
            self.path.parent().map_or(Ok(()), |parent| self.disk.sync_dir(parent))?;
            self.has_new_files = false;
        }
        Ok(())
    }

    /// Ends the active segment and begins the next one; `producers` are those of that moment.
    pub(crate) fn roll(&mut self, base_offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
        self.active.close()?;
        // Before there is a segment that could be looked for it: what comes later is in the batches.
        beside::write_snapshot(&self.disk, &self.path, base_offset, producers)?;
        self.active = SegmentFile::create(&self.path, base_offset, self.disk.clone())?;
        self.has_new_files = true;
        Ok(())
    }

    /// Takes a segment away that is not the active one.
    pub(crate) fn remove(&self, base_offset: i64) -> io::Result<()> {
        segment_file::remove(&self.disk, &self.path, base_offset)
    }

    /// Puts a segment with these batches, and the transactions that were aborted in it, in the place of whatever is there
    /// from `base_offset` to before `end`: all of it or nothing, wherever a crash comes.
    pub(crate) fn rewrite<'a>(
        &mut self,
        (base_offset, end): (i64, i64),
        batches: impl Iterator<Item = (BatchHeader, &'a [u8])>,
        aborted: &[AbortedTransaction],
        index_interval: usize,
    ) -> io::Result<()> {
        let cleaned = swap::begin(&self.disk, &self.path)?;
        let mut segment = SegmentFile::create(&cleaned, base_offset, self.disk.clone())?;
        for (header, batch) in batches {
            segment.append(&front(batch), batch, &header, index_interval)?;
        }
        segment.close()?;
        let own = txn_index::encode(aborted.iter().filter(|one| (base_offset..end).contains(&one.last_offset)));
        if !own.is_empty() {
            checkpoint::replace(&self.disk, &file_name(&cleaned, base_offset, "txnindex"), &own)?;
        }
        swap::finish(&self.disk, &self.path, base_offset, end)?;
        self.has_new_files = true;
        if self.active.base_offset() >= base_offset && self.active.base_offset() < end {
            let settings = (false, index_interval);
            self.active = SegmentFile::open(&self.path, base_offset, self.disk.clone(), settings, |_, _| ())?.0;
        }
        Ok(())
    }

    /// Writes down where each leader epoch began.
    pub(crate) fn write_epochs(&self, epochs: &[(i32, i64)]) -> io::Result<()> {
        beside::write_epochs(&self.disk, &self.path, epochs)
    }

    /// Writes down where the log begins now.
    pub(crate) fn write_start(&self, offset: i64) -> io::Result<()> {
        beside::write_start(&self.disk, &self.path, offset)
    }

    /// Leaves everything on the disk, for a broker that need not check it.
    pub(crate) fn close(&mut self, end_offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
        self.active.close()?;
        self.write_producers(end_offset, producers)
    }

    /// Writes down whom the batches in front of `offset` tell of.
    pub(crate) fn write_producers(&self, offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
        beside::write_snapshot(&self.disk, &self.path, offset, producers)
    }

    /// Turns a bit of the checksum of the batch that holds `offset`.
    pub(crate) fn corrupt(&self, offset: i64) -> io::Result<()> {
        let bases = segment_file::base_offsets(&self.path)?;
        let base = bases.into_iter().rev().find(|base| *base <= offset);
        let base = base.ok_or_else(|| io::Error::other(format!("there is no offset {offset}")))?;
        segment_file::corrupt(&self.path, base, offset)
    }

    /// Forgets the producers of offsets behind this one, which were cut off.
    pub(crate) fn remove_snapshots_behind(&self, offset: i64) -> io::Result<()> {
        let behind = beside::snapshots(&self.path)?.into_iter().filter(|(at, _)| *at > offset);
        behind.into_iter().try_for_each(|(_, path)| self.disk.remove(&path))
    }

    /// Takes a whole directory away, if it is there: its topic was deleted. The name is free at once, and if a crash comes
    /// before the rest is gone, the next start knows by its new name that it is to go.
    pub(crate) fn delete_at(disk: &Disk, path: &Path) -> io::Result<()> {
        if !path.exists() {
            return Ok(());
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}{DELETED}", Uuid::new_v4().simple()));
        let gone = path.with_file_name(name);
        disk.rename(path, &gone)?;
        disk.remove_dir(&gone)
    }
}

/// The front of a batch that has its place already.
fn front(batch: &[u8]) -> [u8; PLACE_LEN] {
    let mut front = [0; PLACE_LEN];
    front.copy_from_slice(&batch[..PLACE_LEN]);
    front
}
