//! One segment of a partition's log as three files: the batches, and the two indexes that find them. (The `.txnindex` says
//! what the log as a whole knows, and is its directory's affair.)
//!
//! Batches lie in the `.log` as clients get them. The indexes are written beside it and only ever looked at when the
//! segment is opened again: what does not fit the log is thrown away and made anew, so a crash can cost time and nothing
//! else.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::log::batch::{BatchHeader, HIGHEST_OFFSET, PLACE_LEN};
use crate::persist::disk::Disk;
use crate::persist::offset_index::OffsetPosition;
use crate::persist::scan::{self, BatchAt, Tail};
use crate::persist::time_index::TimestampOffset;

/// How much of a file is read at once when it is scanned; a batch that is longer is read whole.
const SCANNED_AT_ONCE: usize = 4 << 20;

/// The files of one segment, open for appending.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    base_offset: i64,
    log: Arc<File>,
    index: File,
    time_index: File,
    disk: Disk,
    len: u64,
    since_index_entry: u64,
    /// The highest timestamp so far, and the last offset of the batch that brought it.
    max_timestamp: TimestampOffset,
    /// What the time index says last, so that it says nothing twice.
    noted_timestamp: i64,
}

/// Kafka's name for a file of the segment that begins at `base_offset`.
pub(crate) fn file_name(dir: &Path, base_offset: i64, kind: &str) -> PathBuf {
    dir.join(format!("{base_offset:020}.{kind}"))
}

impl SegmentFile {
    /// Makes an empty segment, in place of whatever is there.
    pub(crate) fn create(dir: &Path, base_offset: i64, disk: Disk) -> io::Result<Self> {
        let segment = Self::over(dir, base_offset, disk)?;
        segment.disk.cut(&segment.log, 0)?;
        segment.disk.cut(&segment.index, 0)?;
        segment.disk.cut(&segment.time_index, 0)?;
        Ok(segment)
    }

    /// Opens a segment that an earlier broker has left and calls `each` with its batches. What is no whole batch is cut
    /// off, and the indexes are made anew, an entry every `index_interval` bytes. Checksums are looked at if `check` says so.
    pub(crate) fn open(
        dir: &Path,
        base_offset: i64,
        disk: Disk,
        (check, index_interval): (bool, usize),
        mut each: impl FnMut(BatchAt, &[u8]),
    ) -> io::Result<(Self, Tail)> {
        let mut segment = Self::over(dir, base_offset, disk)?;
        segment.disk.cut(&segment.index, 0)?;
        segment.disk.cut(&segment.time_index, 0)?;
        let log = Arc::clone(&segment.log);
        let mut noted = Ok(());
        let tail = scan_file(&log, log.metadata()?.len(), base_offset, check, |batch, bytes| {
            if noted.is_ok() {
                noted = segment.note(&batch.header, bytes.len(), index_interval);
            }
            each(batch, bytes);
        })?;
        noted?;
        if tail == Tail::Torn {
            segment.disk.cut(&segment.log, segment.len)?;
            segment.sync()?;
        }
        Ok((segment, tail))
    }

    fn over(dir: &Path, base_offset: i64, disk: Disk) -> io::Result<Self> {
        let open = |kind| disk.append(&file_name(dir, base_offset, kind));
        let (log, index, time_index) = (Arc::new(open("log")?), open("index")?, open("timeindex")?);
        Ok(Self {
            base_offset,
            log,
            index,
            time_index,
            disk,
            len: 0,
            since_index_entry: 0,
            max_timestamp: TimestampOffset { timestamp: -1, offset: base_offset },
            noted_timestamp: -1,
        })
    }

    pub(crate) fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Appends a batch: its first [`PLACE_LEN`] bytes as `place` has them, the others as they are in `batch`. If that fails
    /// nothing of it is left in the file. The indexes get an entry if the last one is more than `index_interval` bytes back.
    pub(crate) fn append(
        &mut self,
        place: &[u8; PLACE_LEN],
        batch: &[u8],
        header: &BatchHeader,
        index_interval: usize,
    ) -> io::Result<()> {
        if let Err(error) = self.disk.write(&self.log, &[place, &batch[PLACE_LEN..]]) {
            self.disk.cut(&self.log, self.len)?;
            return Err(error);
        }
        self.note(header, batch.len(), index_interval)
    }

    /// Counts a batch that lies at the end, and writes what the indexes need of it.
    fn note(&mut self, header: &BatchHeader, len: usize, index_interval: usize) -> io::Result<()> {
        let last_offset = header.last_offset();
        if header.max_timestamp > self.max_timestamp.timestamp {
            self.max_timestamp = TimestampOffset { timestamp: header.max_timestamp, offset: last_offset };
        }
        if self.since_index_entry > index_interval as u64 {
            let entry = OffsetPosition { offset: last_offset, position: self.len }.encode(self.base_offset);
            if let Some(entry) = entry {
                self.disk.write(&self.index, &[&entry])?;
            }
            self.note_timestamp()?;
            self.since_index_entry = 0;
        }
        self.since_index_entry += len as u64;
        self.len += len as u64;
        Ok(())
    }

    fn note_timestamp(&mut self) -> io::Result<()> {
        if self.max_timestamp.timestamp <= self.noted_timestamp {
            return Ok(());
        }
        if let Some(entry) = self.max_timestamp.encode(self.base_offset) {
            self.disk.write(&self.time_index, &[&entry])?;
        }
        self.noted_timestamp = self.max_timestamp.timestamp;
        Ok(())
    }

    /// Returns once every batch has reached the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.log)
    }

    /// Ends the segment: nothing is appended after this.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.note_timestamp()?;
        self.sync()
    }
}

/// Takes a segment's files away, the log last: as long as that is there, so is the segment.
pub(crate) fn remove(disk: &Disk, dir: &Path, base_offset: i64) -> io::Result<()> {
    ["index", "timeindex", "txnindex", "snapshot", "log"]
        .into_iter()
        .try_for_each(|kind| disk.remove(&file_name(dir, base_offset, kind)))
}

/// Turns a bit of the checksum of the batch that holds `offset`.
pub(crate) fn corrupt(dir: &Path, base_offset: i64, offset: i64) -> io::Result<()> {
    /// The last byte of the checksum.
    const END_OF_CRC: u64 = 20;
    let mut file = OpenOptions::new().read(true).write(true).open(file_name(dir, base_offset, "log"))?;
    let mut found = None;
    scan_file(&file, file.metadata()?.len(), base_offset, false, |batch, _| {
        if (batch.header.base_offset..=batch.header.last_offset()).contains(&offset) {
            found = Some(batch);
        }
    })?;
    let found = found.ok_or_else(|| io::Error::other(format!("there is no offset {offset}")))?;
    let [.., last] = found.header.crc.to_be_bytes();
    file.seek(SeekFrom::Start(found.position + END_OF_CRC))?;
    file.write_all(&[last ^ 1])
}

/// The first offsets of all segments in a directory, in order; none if there is no directory. Other files are left alone.
pub(crate) fn base_offsets(dir: &Path) -> io::Result<Vec<i64>> {
    let mut offsets = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(offsets),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        let base = name.to_str().and_then(|name| name.strip_suffix(".log")).and_then(|base| base.parse::<i64>().ok());
        offsets.extend(base.filter(|base| (0..=HIGHEST_OFFSET).contains(base)));
    }
    offsets.sort_unstable();
    Ok(offsets)
}

/// Calls `each` with the batches of a file that is `end` bytes long.
fn scan_file(
    file: &File,
    end: u64,
    mut next_offset: i64,
    check: bool,
    mut each: impl FnMut(BatchAt, &[u8]),
) -> io::Result<Tail> {
    let mut position = 0;
    let mut bytes = Vec::new();
    let mut wanted = SCANNED_AT_ONCE;
    while position < end {
        let left = usize::try_from(end - position).unwrap_or(usize::MAX);
        bytes.resize(wanted.min(left), 0);
        read_at(file, &mut bytes, position)?;
        let (taken, _) = scan::batches(&bytes, position, next_offset, check, |batch, bytes| {
            next_offset = batch.header.last_offset() + 1;
            each(batch, bytes);
        });
        position += taken as u64;
        wanted = SCANNED_AT_ONCE;
        if taken == 0 {
            // A batch may be longer than what is read at once; if it claims to be longer than the file, it is torn.
            match BatchHeader::read(&bytes).map(|header| header.total_len()) {
                Some(whole) if whole > bytes.len() && whole <= left => wanted = whole,
                _ => return Ok(Tail::Torn),
            }
        }
    }
    Ok(Tail::Clean)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, position)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_read(file, bytes, position)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[n..];
        position += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
