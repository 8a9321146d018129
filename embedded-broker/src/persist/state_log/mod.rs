//! The one compacted log of everything but records: topics, configs, groups, transactions.
//!
//! ```text
//! state-N.snapshot   what was true when generation N began; missing of the first one
//! state-N.log        what became true since
//! ```
//!
//! Both are rows of frames: length (4 bytes), CRC-32C (4), then payloads with their lengths (4) in front. What a payload
//! says is its owner's affair.
//!
//! Compaction begins generation N + 1 with an empty log, reads what generation N says, writes that down in short as a
//! snapshot beside the new log, and takes generation N away; others go on appending all the while. If the broker is killed
//! in between, the newest snapshot and every log from its generation on still tell everything.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::persist::checkpoint::UNFINISHED;
use crate::persist::disk::Disk;

const HEAD_LEN: usize = 8;
/// A log is not worth compacting before it is this long.
const SMALL: u64 = 1 << 20;
/// A snapshot is written in pieces of about this length.
const WRITTEN_AT_ONCE: usize = 64 << 10;

/// The log, open for appending.
#[derive(Debug)]
pub(crate) struct StateLog {
    dir: PathBuf,
    disk: Disk,
    /// Whether each append returns only once it has reached the disk.
    sync: bool,
    active: Mutex<Active>,
}

#[derive(Debug)]
struct Active {
    generation: u64,
    log: File,
    len: u64,
    snapshot_len: u64,
    /// An append has failed: what is in memory is ahead of the disk, so nothing more may be promised.
    broken: bool,
}

/// Payloads that are appended together: all of them are there after a crash, or none.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    frame: Vec<u8>,
}

/// A snapshot that is being written.
#[derive(Debug)]
pub(crate) struct Compaction<'a> {
    log: &'a StateLog,
    generation: u64,
    file: File,
    /// What is not in the file yet.
    frames: Vec<u8>,
    len: u64,
}

impl StateLog {
    /// Opens the log of a directory and calls `each` with every payload in order; an end that was cut off is dropped.
    pub(crate) fn open(
        dir: &Path,
        disk: Disk,
        sync: bool,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Self> {
        let said = replay_all(dir, u64::MAX, &mut each)?;
        remove_before(&disk, dir, said.snapshot)?;
        let path = file_name(dir, said.generation, "log");
        if said.torn_len > 0 {
            let (log, bytes) = (path.display(), said.torn_len);
            tracing::warn!(%log, bytes, "the state log is cut off behind its last whole change");
        }
        let log = disk.append(&path)?;
        disk.cut(&log, said.len)?;
        let active =
            Active { generation: said.generation, log, len: said.len, snapshot_len: said.snapshot_len, broken: false };
        Ok(Self { dir: dir.to_owned(), disk, sync, active: Mutex::new(active) })
    }

    /// Appends entries as a whole. After an error every later append fails too, until the log is opened again.
    pub(crate) fn append(&self, entries: &Entries) -> io::Result<()> {
        if entries.frame.is_empty() {
            return Ok(());
        }
        let mut active = self.active.lock();
        if active.broken {
            return Err(io::Error::other("an earlier change could not be written to the data directory"));
        }
        let mut head = [0; HEAD_LEN];
        head[..4].copy_from_slice(&u32::try_from(entries.frame.len()).map_err(io::Error::other)?.to_be_bytes());
        head[4..].copy_from_slice(&crc32c::crc32c(&entries.frame).to_be_bytes());
        let mut written = self.disk.write(&active.log, &[&head, &entries.frame]);
        if written.is_ok() && self.sync {
            written = self.disk.sync(&active.log);
        }
        match written {
            Ok(()) => active.len += (HEAD_LEN + entries.frame.len()) as u64,
            Err(_) => {
                active.broken = true;
                self.disk.cut(&active.log, active.len)?;
            }
        }
        written
    }

    /// Returns once everything has reached the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.active.lock().log)
    }

    /// Whether the log has grown to several times what it says.
    pub(crate) fn is_worth_compacting(&self) -> bool {
        let active = self.active.lock();
        active.len > SMALL.max(2 * active.snapshot_len)
    }

    /// Begins a new generation, to which appends go from now on; the compaction is given what the older ones say in short.
    /// One at a time.
    pub(crate) fn compact(&self) -> io::Result<Compaction<'_>> {
        let mut active = self.active.lock();
        // What the new log says goes on from here: it must not outlive a part of this one.
        self.disk.sync(&active.log)?;
        let generation = active.generation + 1;
        let file = self.disk.create(&file_name(&self.dir, generation, UNFINISHED))?;
        let log = self.disk.append(&file_name(&self.dir, generation, "log"))?;
        self.disk.sync_dir(&self.dir)?;
        (active.log, active.generation, active.len) = (log, generation, 0);
        Ok(Compaction { log: self, generation, file, frames: Vec::new(), len: 0 })
    }
}

impl Entries {
    /// Adds a payload.
    pub(crate) fn push(&mut self, payload: &[u8]) {
        let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.frame.extend(len.to_be_bytes());
        self.frame.extend(payload);
    }
}

impl Compaction<'_> {
    /// Calls `each` with every payload of the generations before the new one.
    pub(crate) fn read(&self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        replay_all(&self.log.dir, self.generation, &mut each).map(drop)
    }

    /// Writes one payload of the snapshot.
    pub(crate) fn write(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut entries = Entries::default();
        entries.push(payload);
        let len = u32::try_from(entries.frame.len()).map_err(io::Error::other)?;
        self.frames.extend(len.to_be_bytes());
        self.frames.extend(crc32c::crc32c(&entries.frame).to_be_bytes());
        self.frames.extend(entries.frame);
        self.len += u64::from(len) + HEAD_LEN as u64;
        if self.frames.len() >= WRITTEN_AT_ONCE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.log.disk.write(&self.file, &[&self.frames])?;
        self.frames.clear();
        Ok(())
    }

    /// Makes the snapshot count, and takes the generations before it away.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        let Self { log, generation, file, len, .. } = self;
        log.disk.sync(&file)?;
        let name = |kind| file_name(&log.dir, generation, kind);
        log.disk.rename(&name(UNFINISHED), &name("snapshot"))?;
        log.disk.sync_dir(&log.dir)?;
        log.active.lock().snapshot_len = len;
        remove_before(&log.disk, &log.dir, generation)
    }
}

fn file_name(dir: &Path, generation: u64, kind: &str) -> PathBuf {
    dir.join(format!("state-{generation}.{kind}"))
}

fn generations(dir: &Path, kind: &str) -> io::Result<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let generation =
            name.to_str().and_then(|name| name.strip_prefix("state-")?.strip_suffix(kind)?.strip_suffix('.'));
        found.extend(generation.and_then(|generation| generation.parse::<u64>().ok()));
    }
    Ok(found)
}

/// What a directory held.
struct Said {
    /// The generation whose snapshot everything began with.
    snapshot: u64,
    snapshot_len: u64,
    /// The newest log, how much of it is whole, and how much follows that is not.
    generation: u64,
    len: u64,
    torn_len: u64,
}

/// Gives `each` the payloads of the newest snapshot and of every log from there on, of generations before `end`.
///
/// Only the newest log may have an end that is not whole: everything older was confirmed by the disk before there was a
/// newer one.
fn replay_all(dir: &Path, end: u64, each: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Said> {
    let newest = generations(dir, "snapshot")?.range(..end).next_back().copied();
    let snapshot = newest.unwrap_or(0);
    let mut said = Said { snapshot, snapshot_len: 0, generation: snapshot, len: 0, torn_len: 0 };
    if newest.is_some() {
        let path = file_name(dir, snapshot, "snapshot");
        let (len, torn_len) = replay(&path, each)?;
        check_whole(&path, (len, torn_len))?;
        said.snapshot_len = len;
    }
    for &generation in generations(dir, "log")?.range(snapshot..end) {
        check_whole(&file_name(dir, said.generation, "log"), (said.len, said.torn_len))?;
        said.generation = generation;
        (said.len, said.torn_len) = replay(&file_name(dir, generation, "log"), each)?;
    }
    Ok(said)
}

/// # Errors
///
/// Something in the middle of what was kept is damaged: nobody knows what is missing.
fn check_whole(path: &Path, (len, torn_len): (u64, u64)) -> io::Result<()> {
    if torn_len == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} is damaged behind byte {len}: restore it from a copy, or cut it off there to go on without what it said after that",
        path.display()
    )))
}

fn remove_before(disk: &Disk, dir: &Path, generation: u64) -> io::Result<()> {
    for kind in ["snapshot", "log"] {
        for older in generations(dir, kind)?.range(..generation) {
            disk.remove(&file_name(dir, *older, kind))?;
        }
    }
    Ok(())
}

/// Gives `each` the payloads of whole frames; returns how long these are, and what follows.
fn replay(path: &Path, each: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<(u64, u64)> {
    let bytes = fs::read(path)?;
    let mut rest = bytes.as_slice();
    while let Some(frame) = take_frame(&mut rest) {
        let mut payloads = frame;
        while let Some((len, after)) = payloads.split_first_chunk::<4>() {
            let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
            let Some((payload, after)) = after.split_at_checked(len) else {
                return Err(io::Error::other(format!(
                    "{} holds an entry that is longer than its frame",
                    path.display()
                )));
            };
            each(payload)?;
            payloads = after;
        }
    }
    Ok(((bytes.len() - rest.len()) as u64, rest.len() as u64))
}

/// The next frame, if it is whole and has the checksum it claims.
fn take_frame<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (head, after) = rest.split_first_chunk::<HEAD_LEN>()?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let len = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).ok()?;
    let (frame, after) = after.split_at_checked(len)?;
    if len == 0 || crc32c::crc32c(frame) != u32::from_be_bytes([c0, c1, c2, c3]) {
        return None;
    }
    *rest = after;
    Some(frame)
}

#[cfg(test)]
mod tests;
