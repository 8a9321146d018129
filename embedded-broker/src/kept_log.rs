//! The copy of a partition's log in a data directory: it follows the log in memory, and makes it again after a restart.

use std::io;
use std::path::Path;

use crate::log::batch::placed;
use crate::log::{BatchHeader, LogChange, LogConfig, PartitionLog, Restoring, ValidBatch};
use crate::persist::disk::Disk;
use crate::persist::partition_dir::{PartitionDir, Remembered};

/// What keeps one log.
#[derive(Debug)]
pub(crate) struct KeptLog {
    dir: PartitionDir,
    /// As they were written down last.
    epochs: Vec<(i32, i64)>,
    /// As it was written down last.
    start_offset: i64,
    /// Records since the disk has confirmed everything.
    unflushed: i64,
    flushed_ms: i64,
}

/// A batch that was appended to the log in memory, and where it lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewBatch<'a> {
    pub(crate) batch: &'a ValidBatch<'a>,
    pub(crate) base_offset: i64,
    pub(crate) leader_epoch: i32,
}

/// Where a partition's log is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    /// As Kafka writes it.
    pub(crate) topic_id: &'a str,
    pub(crate) disk: &'a Disk,
    /// Whether every checksum is looked at: the broker before this one was killed.
    pub(crate) check: bool,
    pub(crate) now_ms: i64,
}

impl Place<'_> {
    /// Whether the topic's own directory is there. One that holds no records is no one's.
    fn is_there(&self) -> io::Result<bool> {
        let found = PartitionDir::topic_id(self.path)?;
        if found.as_deref() == Some(self.topic_id) {
            return Ok(true);
        }
        if !PartitionDir::holds_records(self.path)? {
            return Ok(false);
        }
        let whose = found.map_or_else(|| "has no partition.metadata".to_owned(), |id| format!("is of topic id {id}"));
        Err(io::Error::other(format!(
            "it holds records and {whose}, but the id of the topic is {}: move it away, or if the records are the topic's, \
             put that id into its partition.metadata",
            self.topic_id
        )))
    }
}

impl KeptLog {
    /// Opens what is there of a partition, or begins with nothing. The second is the log, the third its next leader epoch.
    ///
    /// # Errors
    ///
    /// Files cannot be read or written, or the directory has the records of another topic.
    pub(crate) fn open(place: Place<'_>, config: &LogConfig) -> io::Result<(Self, PartitionLog, i32)> {
        let mut restoring = Restoring::new(place.now_ms);
        let (dir, remembered) = if place.is_there()? {
            let settings = (place.check, config.index_interval_bytes);
            PartitionDir::open(place.path, place.disk.clone(), settings, |segment, header, bytes| {
                restoring.batch(segment, header, bytes, config);
            })?
        } else {
            let dir = PartitionDir::create(place.path, place.topic_id, place.disk.clone())?;
            (dir, Remembered::default())
        };
        let Remembered { epochs, producers, start_offset } = remembered;
        let mut log = restoring.finish(&epochs, &producers, (start_offset, dir.active_base()));
        let leader_epoch = log.epochs().newest().map_or(0, |newest| newest.saturating_add(1));
        let mut kept = Self { dir, epochs, start_offset, unflushed: 0, flushed_ms: place.now_ms };
        kept.dir.write_aborted(log.aborted_by_marker())?;
        if log.changes_mut().drop_segments() {
            // They may be all that tells of their producers. What later ones tell is in batches that stay.
            let start = log.start_offset();
            let told: Vec<_> =
                log.producers().entries().into_iter().filter(|known| known.last_offset < start).collect();
            kept.dir.write_producers(start, &told)?;
        }
        kept.follow(&mut log, None, config)?;
        Ok((kept, log, leader_epoch))
    }

    /// Does to the copy what was done to the log. Returns once it is as safe as the topic wants it.
    pub(crate) fn follow(
        &mut self,
        log: &mut PartitionLog,
        appended: Option<NewBatch<'_>>,
        config: &LogConfig,
    ) -> io::Result<()> {
        if self.start_offset != log.start_offset() {
            // Before the segments in front of it go: nobody may find the log begin in front of what is left.
            self.start_offset = log.start_offset();
            self.dir.write_start(self.start_offset)?;
        }
        for change in log.changes_mut().take() {
            self.change(log, change, config)?;
        }
        if self.epochs != log.epochs().entries() {
            self.epochs = log.epochs().entries().to_vec();
            self.dir.write_epochs(&self.epochs)?;
        }
        appended.map_or(Ok(()), |new| self.append(log, new, config))
    }

    fn change(&mut self, log: &PartitionLog, change: LogChange, config: &LogConfig) -> io::Result<()> {
        match change {
            LogChange::Rolled { base_offset, producers } => self.dir.roll(base_offset, &producers),
            LogChange::Dropped { base_offset } => self.dir.remove(base_offset),
            LogChange::Rewritten { base_offset, end } => {
                let (batches, aborted) = (log.segment_batches(base_offset), log.aborted_by_marker());
                self.dir.rewrite((base_offset, end), batches, aborted, config.index_interval_bytes)
            }
        }
    }

    fn append(&mut self, log: &PartitionLog, new: NewBatch<'_>, config: &LogConfig) -> io::Result<()> {
        let NewBatch { batch, base_offset, leader_epoch } = new;
        let header = BatchHeader { base_offset, ..batch.header };
        let front = placed(&batch.bytes, base_offset, leader_epoch);
        self.dir.append(&front, &batch.bytes, &header, config.index_interval_bytes)?;
        if header.is_control() {
            let newest = log.aborted_by_marker().last().filter(|aborted| aborted.last_offset == base_offset);
            newest.map_or(Ok(()), |aborted| self.dir.note_aborted(aborted))?;
        }
        self.unflushed += i64::from(header.last_offset_delta) + 1;
        let is_due = batch.now_ms.saturating_sub(self.flushed_ms) >= config.flush_ms;
        if is_due || self.unflushed >= config.flush_messages {
            self.dir.sync()?;
            (self.unflushed, self.flushed_ms) = (0, batch.now_ms);
        }
        Ok(())
    }

    /// Damages the batch that holds `offset`.
    pub(crate) fn corrupt(&self, offset: i64) -> io::Result<()> {
        self.dir.corrupt(offset)
    }

    /// Leaves everything on the disk.
    pub(crate) fn close(&mut self, log: &PartitionLog) -> io::Result<()> {
        self.dir.close(log.end_offset(), &log.producers().entries())
    }

    /// Takes the copy away: the topic was deleted.
    pub(crate) fn delete(&self) -> io::Result<()> {
        self.dir.delete()
    }
}
