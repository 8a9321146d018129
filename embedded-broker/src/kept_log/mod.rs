//! The copies of a partition's log in data directories: each follows the log in memory as far as its replica has it, and
//! makes it again after a restart.

mod copies;
mod matching;
mod place;

use std::io;
use std::path::PathBuf;

use crate::log::batch::{PLACE_LEN, placed};
use crate::log::{BatchHeader, LogChange, LogConfig, PartitionLog, ProducerEntry, Restoring, ValidBatch};
use crate::persist::disk::Disk;
use crate::persist::partition_dir::{PartitionDir, Remembered};

pub(crate) use copies::{Copies, Failed, Opened};
pub(crate) use place::{Home, Place};

/// What keeps one replica's log.
#[derive(Debug)]
pub(crate) struct KeptLog {
    path: PathBuf,
    topic_id: String,
    disk: Disk,
    dir: PartitionDir,
    /// What is before, it has.
    end: i64,
    /// Where the log in memory ended when it was last looked at: a copy that ended there is like it.
    followed: i64,
    /// The log has changed where this copy could not follow: before it grows, it is looked through.
    is_stale: bool,
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

impl NewBatch<'_> {
    fn end(&self) -> i64 {
        self.base_offset + i64::from(self.batch.header.last_offset_delta) + 1
    }
}

/// What was there of a replica.
struct Found {
    kept: KeptLog,
    log: PartitionLog,
    /// There was a directory, whatever was in it.
    was_there: bool,
}

impl KeptLog {
    /// Opens what is there of a replica, or begins with nothing.
    ///
    /// # Errors
    ///
    /// Files cannot be read or written, or the directory has the records of another topic.
    fn open(place: &Place, config: &LogConfig) -> io::Result<Found> {
        let mut restoring = Restoring::new(place.now_ms);
        let was_there = place.is_there()?;
        let (dir, remembered) = if was_there {
            let settings = (place.check, config.index_interval_bytes);
            PartitionDir::open(&place.path, place.disk.clone(), settings, |segment, header, bytes| {
                restoring.batch(segment, header, bytes, config);
            })?
        } else {
            let dir = PartitionDir::create(&place.path, &place.topic_id, place.disk.clone())?;
            (dir, Remembered::default())
        };
        let Remembered { epochs, producers, start_offset } = remembered;
        let mut log = restoring.finish(&epochs, &producers, (start_offset, dir.active_base()));
        let end = log.end_offset();
        let mut kept = Self {
            path: place.path.clone(),
            topic_id: place.topic_id.clone(),
            disk: place.disk.clone(),
            dir,
            end,
            followed: end,
            is_stale: false,
            epochs,
            start_offset,
            unflushed: 0,
            flushed_ms: place.now_ms,
        };
        kept.dir.write_aborted(log.aborted_by_marker())?;
        if log.changes_mut().drop_segments() {
            // They may be all that tells of their producers. What later ones tell is in batches that stay.
            let start = log.start_offset();
            kept.dir.write_producers(start, &producers_before(&log, start))?;
        }
        let changes = log.changes_mut().take();
        kept.follow(&log, &changes, config)?;
        Ok(Found { kept, log, was_there })
    }

    /// Where the replica's log ends.
    fn end(&self) -> i64 {
        self.end
    }

    /// Whether it has everything that the log had when it was last looked at.
    fn is_level(&self) -> bool {
        self.end >= self.followed && !self.is_stale
    }

    /// Whether this batch, which was just appended, is all that it lacks of what is before `to`.
    fn takes_at_once(&self, new: &NewBatch<'_>, to: i64) -> bool {
        !self.is_stale && self.end == new.base_offset && to == new.end()
    }

    /// Does to the copy what was done to the log, but for batches that were appended.
    fn follow(&mut self, log: &PartitionLog, changes: &[LogChange], config: &LogConfig) -> io::Result<()> {
        let is_level = self.is_level();
        self.followed = log.end_offset();
        // Before the segments in front of it go: nobody may find the log begin in front of what is left.
        if is_level || log.start_offset() <= self.end {
            self.write_start(log.start_offset())?;
        } else {
            self.is_stale = true;
        }
        if is_level {
            changes.iter().try_for_each(|change| self.change(log, change, config))?;
        } else {
            // It comes to new segments when it comes to their batches.
            self.is_stale |= changes.iter().any(|change| !matches!(change, LogChange::Rolled { .. }));
        }
        if self.end >= self.followed && !is_level {
            // The log was cut off: what is gone, it must not have either.
            self.match_with(log, config)?;
        }
        self.end = self.end.min(self.followed);
        self.write_epochs(log, is_level)
    }

    fn change(&mut self, log: &PartitionLog, change: &LogChange, config: &LogConfig) -> io::Result<()> {
        match change {
            LogChange::Rolled { base_offset, producers } => self.dir.roll(*base_offset, producers),
            LogChange::Dropped { base_offset } => self.dir.remove(*base_offset),
            LogChange::Rewritten { base_offset, end } => {
                let (batches, aborted) = (log.segment_batches(*base_offset), log.aborted_by_marker());
                self.dir.rewrite((*base_offset, *end), batches, aborted, config.index_interval_bytes)
            }
        }
    }

    fn write_start(&mut self, offset: i64) -> io::Result<()> {
        if self.start_offset == offset {
            return Ok(());
        }
        self.start_offset = offset;
        self.dir.write_start(offset)
    }

    /// A follower knows of an epoch by its batches; who has everything, also of one that has none yet.
    fn write_epochs(&mut self, log: &PartitionLog, was_level: bool) -> io::Result<()> {
        let all = log.epochs().entries();
        let known =
            if was_level || self.is_level() { all.len() } else { all.partition_point(|(_, start)| *start < self.end) };
        if self.epochs == all[..known] {
            return Ok(());
        }
        self.epochs = all[..known].to_vec();
        self.dir.write_epochs(&self.epochs)
    }

    /// Appends a batch that was just appended to the log. Returns once it is as safe as the topic wants it.
    fn append(&mut self, log: &PartitionLog, new: NewBatch<'_>, config: &LogConfig) -> io::Result<()> {
        let NewBatch { batch, base_offset, leader_epoch } = new;
        let header = BatchHeader { base_offset, ..batch.header };
        self.write(log, &placed(&batch.bytes, base_offset, leader_epoch), &batch.bytes, &header, config)?;
        let is_due = batch.now_ms.saturating_sub(self.flushed_ms) >= config.flush_ms;
        if is_due || self.unflushed >= config.flush_messages {
            self.dir.sync()?;
            (self.unflushed, self.flushed_ms) = (0, batch.now_ms);
        }
        Ok(())
    }

    fn write(
        &mut self,
        log: &PartitionLog,
        front: &[u8; PLACE_LEN],
        batch: &[u8],
        header: &BatchHeader,
        config: &LogConfig,
    ) -> io::Result<()> {
        self.dir.append(front, batch, header, config.index_interval_bytes)?;
        if header.is_control() {
            let mut aborted = log.aborted_by_marker().iter().rev();
            let own = aborted.find(|aborted| aborted.last_offset <= header.base_offset);
            let own = own.filter(|aborted| aborted.last_offset == header.base_offset);
            own.map_or(Ok(()), |aborted| self.dir.note_aborted(aborted))?;
        }
        self.unflushed += i64::from(header.last_offset_delta) + 1;
        self.end = header.last_offset() + 1;
        Ok(())
    }

    /// Gets what the log has before `to`. Returns once that is as safe as the topic wants it.
    fn advance(&mut self, log: &mut PartitionLog, to: i64, config: &LogConfig) -> io::Result<()> {
        log.show_all();
        if self.is_stale {
            self.match_with(log, config)?;
        }
        for (segment, header, batch) in log.batches_from(self.end) {
            if header.last_offset() >= to {
                break;
            }
            self.roll_to(log, segment)?;
            let mut front = [0; PLACE_LEN];
            front.copy_from_slice(&batch[..PLACE_LEN]);
            self.write(log, &front, batch, &header, config)?;
        }
        self.end = self.end.max(to);
        self.followed = log.end_offset();
        if self.is_level() {
            self.roll_to(log, log.segment_bases().last().unwrap_or_default())?;
        }
        self.write_epochs(log, false)?;
        if self.unflushed >= config.flush_messages {
            self.dir.sync()?;
            self.unflushed = 0;
        }
        Ok(())
    }

    fn roll_to(&mut self, log: &PartitionLog, segment: i64) -> io::Result<()> {
        if segment > self.dir.active_base() {
            self.dir.roll(segment, &producers_before(log, segment))?;
        }
        Ok(())
    }

    /// Damages the batch that holds `offset`.
    fn corrupt(&self, offset: i64) -> io::Result<()> {
        self.dir.corrupt(offset)
    }

    /// Leaves everything on the disk.
    fn close(&mut self, log: &PartitionLog) -> io::Result<()> {
        self.dir.close(self.end, &producers_before(log, self.end))
    }
}

/// Of those the batches in front of `offset` tell of: whoever is heard of behind it, is told of by batches that stay.
fn producers_before(log: &PartitionLog, offset: i64) -> Vec<ProducerEntry> {
    log.producers().entries().into_iter().filter(|known| known.last_offset < offset).collect()
}
