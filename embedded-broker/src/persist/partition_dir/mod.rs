//! The directory of one partition: its segments, and what it remembers beside them.
//!
//! It follows the log in memory: whatever has become of the log is told to it in the same order. A log that cannot be
//! followed any more must not be shown to anybody, which is its owner's affair.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::log::batch::PLACE_LEN;
use crate::log::{BatchHeader, ProducerEntry};
use crate::persist::checkpoint;
use crate::persist::disk::Disk;
use crate::persist::producer_snapshot;
use crate::persist::scan::Tail;
use crate::persist::segment_file::{self, SegmentFile, file_name};

const METADATA: &str = "partition.metadata";
const EPOCHS: &str = "leader-epoch-checkpoint";
/// Kafka has one such file for all partitions of a directory.
const START: &str = "log-start-offset";
/// A segment that is being rewritten, until it takes the place of the old one.
const CLEANED: &str = "cleaned";

/// A partition's directory, open for appending.
#[derive(Debug)]
pub(crate) struct PartitionDir {
    path: PathBuf,
    disk: Disk,
    active: SegmentFile,
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
    /// Makes an empty directory, in place of one that another topic of this name has left.
    pub(crate) fn create(path: &Path, topic_id: &str, disk: Disk) -> io::Result<Self> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir(path)?,
        }
        checkpoint::replace(&path.join(METADATA), format!("version: 0\ntopic_id: {topic_id}\n").as_bytes())?;
        let active = SegmentFile::create(path, 0, disk.clone())?;
        Ok(Self { path: path.to_owned(), disk, active })
    }

    /// Whether the directory is there, and of this topic.
    pub(crate) fn is_of(path: &Path, topic_id: &str) -> io::Result<bool> {
        let text = checkpoint::read(&path.join(METADATA))?.unwrap_or_default();
        let id = text.lines().find_map(|line| line.strip_prefix("topic_id:"));
        Ok(id.is_some_and(|id| id.trim() == topic_id))
    }

    /// Opens the directory and calls `each` with every batch and the first offset of its segment, in order.
    ///
    /// With `check` every checksum is looked at. What follows a batch that is not whole is cut off.
    pub(crate) fn open(
        path: &Path,
        disk: Disk,
        check: bool,
        mut each: impl FnMut(i64, &BatchHeader, &[u8]),
    ) -> io::Result<(Self, Remembered)> {
        remove_half_written(path)?;
        let mut bases = segment_file::base_offsets(path)?.into_iter();
        let mut active = None;
        for base in bases.by_ref() {
            let open =
                SegmentFile::open(path, base, disk.clone(), check, |batch, bytes| each(base, &batch.header, bytes));
            let (segment, tail) = open?;
            if let Some(mut before) = active.replace(segment) {
                SegmentFile::close(&mut before)?;
            }
            if tail == Tail::Torn {
                let log = file_name(path, base, "log");
                tracing::warn!(log = %log.display(), "the log is cut off behind its last whole batch");
                break;
            }
        }
        for beyond in bases {
            let log = file_name(path, beyond, "log");
            tracing::warn!(log = %log.display(), "a segment behind one that is not whole is dropped");
            segment_file::remove(path, beyond)?;
        }
        let active = active.map_or_else(|| SegmentFile::create(path, 0, disk.clone()), Ok)?;
        let (epochs, start_offset, producers) = (read_epochs(path)?, read_start(path)?, newest_snapshot(path)?);
        let remembered = Remembered { epochs, start_offset, producers };
        Ok((Self { path: path.to_owned(), disk, active }, remembered))
    }

    /// Appends a batch: its front as given, the rest as it is in `batch`.
    pub(crate) fn append(&mut self, front: &[u8; PLACE_LEN], batch: &[u8], header: &BatchHeader) -> io::Result<()> {
        self.active.append(front, batch, header).map(drop)
    }

    /// Returns once every batch has reached the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.active.sync()
    }

    /// Ends the active segment and begins the next one; `producers` are those of that moment.
    pub(crate) fn roll(&mut self, base_offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
        self.active.close()?;
        self.active = SegmentFile::create(&self.path, base_offset, self.disk.clone())?;
        self.write_snapshot(base_offset, producers)
    }

    /// Takes a segment away that is not the active one.
    pub(crate) fn remove(&self, base_offset: i64) -> io::Result<()> {
        segment_file::remove(&self.path, base_offset)
    }

    /// Puts a segment with these batches in the place of whatever is there from `base_offset` to before `end`.
    pub(crate) fn rewrite<'a>(
        &mut self,
        base_offset: i64,
        end: i64,
        batches: impl Iterator<Item = (BatchHeader, &'a [u8])>,
    ) -> io::Result<()> {
        let cleaned = self.path.join(CLEANED);
        fs::create_dir_all(&cleaned)?;
        let mut segment = SegmentFile::create(&cleaned, base_offset, self.disk.clone())?;
        for (header, batch) in batches {
            segment.append(&front(batch), batch, &header)?;
        }
        segment.close()?;
        for kind in ["index", "timeindex", "log"] {
            fs::rename(file_name(&cleaned, base_offset, kind), file_name(&self.path, base_offset, kind))?;
        }
        fs::remove_dir(&cleaned)?;
        for base in segment_file::base_offsets(&self.path)? {
            if base > base_offset && base < end {
                segment_file::remove(&self.path, base)?;
            }
        }
        if self.active.base_offset() >= base_offset && self.active.base_offset() < end {
            self.active = SegmentFile::open(&self.path, base_offset, self.disk.clone(), false, |_, _| ())?.0;
        }
        Ok(())
    }

    /// Writes down where each leader epoch began.
    pub(crate) fn write_epochs(&self, epochs: &[(i32, i64)]) -> io::Result<()> {
        checkpoint::replace(&self.path.join(EPOCHS), checkpoint::encode_epochs(epochs).as_bytes())
    }

    /// Writes down where the log begins now.
    pub(crate) fn write_start(&self, offset: i64) -> io::Result<()> {
        checkpoint::replace(&self.path.join(START), format!("{offset}\n").as_bytes())
    }

    /// Leaves everything on the disk, for a broker that need not check it.
    pub(crate) fn close(&mut self, end_offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
        self.active.close()?;
        self.write_snapshot(end_offset, producers)
    }

    /// Takes the whole directory away: its topic was deleted.
    pub(crate) fn delete(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }

    /// Kafka keeps the newest two, which tell the state at the last two segments' beginnings.
    fn write_snapshot(&self, offset: i64, producers: &[ProducerEntry]) -> io::Result<()> {
        checkpoint::replace(&file_name(&self.path, offset, "snapshot"), &producer_snapshot::encode(producers))?;
        let mut older = snapshots(&self.path)?;
        older.truncate(older.len().saturating_sub(2));
        for (_, path) in older {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// The front of a batch that has its place already.
fn front(batch: &[u8]) -> [u8; PLACE_LEN] {
    let mut front = [0; PLACE_LEN];
    front.copy_from_slice(&batch[..PLACE_LEN]);
    front
}

fn remove_half_written(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path.join(CLEANED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn read_epochs(path: &Path) -> io::Result<Vec<(i32, i64)>> {
    let text = checkpoint::read(&path.join(EPOCHS))?;
    Ok(text.and_then(|text| checkpoint::decode_epochs(&text)).unwrap_or_default())
}

fn read_start(path: &Path) -> io::Result<i64> {
    let text = checkpoint::read(&path.join(START))?;
    Ok(text.and_then(|text| text.trim().parse().ok()).unwrap_or(0))
}

/// By offset, the oldest first.
fn snapshots(path: &Path) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let is_snapshot = path.extension().is_some_and(|extension| extension == "snapshot");
        let offset = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).filter(|_| is_snapshot);
        found.extend(offset.map(|offset| (offset, path)));
    }
    found.sort_unstable();
    Ok(found)
}

/// The newest one that can be read: one that a crash has left in half says nothing.
fn newest_snapshot(path: &Path) -> io::Result<Vec<ProducerEntry>> {
    for (_, path) in snapshots(path)?.iter().rev() {
        if let Some(producers) = producer_snapshot::decode(&fs::read(path)?) {
            return Ok(producers);
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests;
