//! A partition as the cluster sees it: its replicas, its log, and who waits for more of it.

mod alarm;
mod claim;
mod copied;
mod known_nodes;
mod loss;
mod read;
mod replicated;
mod shrink;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::data_wait::DataWait;
use crate::error::ErrorCode;
use crate::kept_log::{Copies, Home, Opened};
#[cfg(any(test, feature = "fuzzing"))]
use crate::log::Appended;
use crate::log::{
    BatchHeader, EndMarker, LogConfig, OutOfRange, Outcome, PartitionLog, ProducerDescription, Rejected, ValidBatch,
};
use crate::replication::{Remembered, Replicas, Rules};

use known_nodes::KnownNodes;

pub(crate) use alarm::{Alarm, Keeper, Placed};
pub(crate) use claim::{Claim, Sender, Unappended, Written};
pub(crate) use loss::Loss;
pub(crate) use read::{Isolation, Offsets, Read, ReadFrom, Reader};
pub(crate) use replicated::{Leadership, Nearby, Unacknowledged, append_wait};

/// One partition of a topic. The lock is held for an append or a lookup, never while bytes are checked or sent.
#[derive(Debug)]
pub(crate) struct Partition {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<LogConfig>,
    replicas: Replicas,
    rules: Rules,
    standing: KnownNodes,
    alarm: Option<Alarm>,
    /// When it rings, if it is set.
    armed: Option<Timestamp>,
    losses: Vec<Loss>,
    log: PartitionLog,
    /// Its copies in data directories, if there are any.
    copies: Option<Box<Copies>>,
    /// Where it is written down who leads, if it is.
    keeper: Option<Keeper>,
    /// The only copy could not follow: what is in memory is shown to nobody. Of several, the node that has it goes.
    offline: bool,
    waits: Vec<Arc<DataWait>>,
    deleted: bool,
}

impl Partition {
    /// An empty one, in memory.
    pub(crate) fn new(config: Arc<LogConfig>, placed: Placed) -> Self {
        let replicas = Replicas::new(placed.assignment.clone(), 0, 0, &*placed.standing);
        Self::with(config, placed, PartitionLog::new(0), replicas, None)
    }

    /// One in memory that is there again after a restart, and has nothing in it.
    pub(crate) fn again(config: Arc<LogConfig>, placed: Placed, past: &Remembered) -> Self {
        let epoch = past.leader_epoch.saturating_add(1);
        let next = past.next(past.choose_of_none(), epoch, |_| true);
        let replicas = Replicas::restored(next, 0, |_| 0);
        Self::with(config, placed, PartitionLog::new(epoch), replicas, None).looked_at()
    }

    /// One that is kept in data directories, with what is there of it; `past` is what was remembered of one that is not new.
    ///
    /// # Errors
    ///
    /// A directory cannot be opened, or made.
    pub(crate) fn kept(
        config: Arc<LogConfig>,
        placed: Placed,
        home: Home,
        past: Option<Remembered>,
    ) -> io::Result<Self> {
        let is_again = past.is_some();
        let Opened { copies, log, remembered, ends, failed, leader_epoch } =
            Copies::open(home, &placed.assignment.replicas, &*placed.standing, past, &config)?;
        let end = log.end_offset();
        let end_of = |id| ends.iter().find(|(node, _)| *node == id).map_or(log.start_offset(), |(_, end)| *end);
        let replicas = match remembered {
            Some(remembered) => Replicas::restored(remembered, end, end_of),
            None => Replicas::new(placed.assignment.clone(), leader_epoch, end, &*placed.standing),
        };
        let partition = Self::with(config, placed, log, replicas, Some(Box::new(copies)));
        // A partition that nobody can keep has no leader, and says so to whoever asks.
        _ = partition.state.lock().leave_failed(&failed);
        Ok(if is_again { partition.looked_at() } else { partition })
    }

    fn with(
        config: Arc<LogConfig>,
        placed: Placed,
        log: PartitionLog,
        replicas: Replicas,
        copies: Option<Box<Copies>>,
    ) -> Self {
        let Placed { assignment: _, rules, standing, alarm, keeper } = placed;
        let standing = KnownNodes::all(standing);
        let (armed, losses, offline, waits, deleted) = (None, Vec::new(), false, Vec::new(), false);
        let mut state = State {
            config,
            replicas,
            rules,
            standing,
            alarm,
            armed,
            losses,
            log,
            copies,
            keeper,
            offline,
            waits,
            deleted,
        };
        state.replicas_moved();
        Self { state: Mutex::new(state) }
    }

    pub(crate) fn config(&self) -> Arc<LogConfig> {
        Arc::clone(&self.state.lock().config)
    }

    /// As [`config`](Self::config), for whoever has something to append.
    ///
    /// # Errors
    ///
    /// As Kafka, which looks at the batch only where it may be appended: another node leads, or too few replicas are in sync.
    pub(crate) fn config_for(&self, sender: Sender) -> Result<Arc<LogConfig>, Rejected> {
        let state = self.state.lock();
        state.check_sender(sender)?;
        Ok(Arc::clone(&state.config))
    }

    pub(crate) fn offsets(&self) -> Offsets {
        self.state.lock().offsets()
    }

    /// Appends a batch that was checked, and wakes who waits for it. Also returns the log's start.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn append(&self, batch: &ValidBatch<'_>) -> Result<(Appended, i64), Rejected> {
        let written = self.append_in(batch, Claim::NONE, Sender::INSIDE).map_err(Unappended::into_rejected)?;
        Ok((written.appended, written.log_start))
    }

    /// As [`append`](Self::append), of a batch that may belong to a transaction, and comes from somewhere.
    pub(crate) fn append_in(
        &self,
        batch: &ValidBatch<'_>,
        claim: Claim,
        sender: Sender,
    ) -> Result<Written, Unappended> {
        let mut state = self.state.lock();
        state.check_writable()?;
        state.check_sender(sender)?;
        let before = state.ends();
        let State { config, replicas, log, .. } = &mut *state;
        let appended = log.append(batch, claim.proof, replicas.leader_epoch(), config);
        let appended = match appended.map_err(|rejected| told(rejected, &batch.header, log.start_offset()))? {
            Outcome::Appended(appended) => appended,
            Outcome::Unverified => {
                let producers = log.producers_mut();
                let guard = producers.verify(&batch.header, claim.bumps_epoch, claim.now_ms);
                return Err(Unappended::Unverified(guard));
            }
        };
        if !appended.duplicate {
            state.keep(Some((batch, appended.base_offset)))?;
        }
        let log_start = state.log.start_offset();
        let served = match appended.duplicate {
            true => Vec::new(),
            false => state.served((batch, appended.base_offset), before, batch.bytes.len()),
        };
        let kept = state.check_kept();
        let end = appended.base_offset + i64::from(batch.header.last_offset_delta) + 1;
        // Of those who were in sync, one may have failed by this.
        let is_safe = state.replicas.high_watermark() >= end && state.replicas.are_enough(&state.rules);
        let pending =
            (sender.wants_all && !is_safe).then(|| Unacknowledged { end, leader_epoch: state.replicas.leader_epoch() });
        drop(state);
        served.iter().for_each(|wait| wait.wake());
        kept?;
        Ok(Written { appended, log_start, pending })
    }

    /// Begins to verify the transaction of a batch that is refused; `false` if it is open here.
    ///
    /// # Errors
    ///
    /// A newer epoch of the producer was heard of.
    pub(crate) fn verify_refused(&self, batch: &BatchHeader, claim: Claim) -> Result<bool, Rejected> {
        let mut state = self.state.lock();
        let producers = state.log.producers_mut();
        producers.check_epoch(batch)?;
        let is_open = producers.has_open(batch);
        if !is_open {
            producers.verify(batch, claim.bumps_epoch, claim.now_ms);
        }
        Ok(!is_open)
    }

    /// Ends a producer's transaction, and wakes who waits for what is decided by it. Returns what it takes for the marker to
    /// be safe.
    pub(crate) fn append_marker(
        &self,
        marker: &EndMarker,
        sender: Sender,
        now_ms: i64,
    ) -> Result<Unacknowledged, Rejected> {
        let batch = marker.batch(&self.config(), now_ms);
        let mut state = self.state.lock();
        state.check_writable()?;
        state.check_sender(sender)?;
        let before = state.ends();
        let State { config, replicas, log, .. } = &mut *state;
        let offset = log.append_marker(marker, &batch, replicas.leader_epoch(), config)?;
        state.keep(Some((&batch, offset)))?;
        // How many bytes are stable now, nobody has counted: who waits for them looks again.
        let served = state.served((&batch, offset), before, usize::MAX);
        let kept = state.check_kept();
        let written = Unacknowledged { end: offset + 1, leader_epoch: state.replicas.leader_epoch() };
        drop(state);
        served.iter().for_each(|wait| wait.wake());
        kept?;
        Ok(written)
    }

    /// Reads whole batches, adding them to `out`, and says which offsets there are.
    pub(crate) fn read(&self, from: ReadFrom, out: &mut Vec<Bytes>) -> Result<Read, ErrorCode> {
        let state = self.state.lock();
        state.check_reader(from.reader)?;
        let offsets = state.offsets_at(from.reader.node);
        if from.last_fetched_epoch >= 0 {
            let diverging = state.log.diverges(from.last_fetched_epoch, from.offset);
            if let Some(end) = diverging.map_err(|OutOfRange| ErrorCode::OffsetOutOfRange)? {
                return Ok(Read { offsets, diverging: Some(end), aborted: Vec::new() });
            }
        }
        // A follower may have less than there is.
        if from.offset > offsets.log_end {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let until = offsets.end(from.isolation);
        let read_before = out.len();
        state
            .log
            .read(from.offset, until, from.max_bytes, from.at_least_one, out)
            .map_err(|OutOfRange| ErrorCode::OffsetOutOfRange)?;
        let aborted = match from.isolation {
            Isolation::ReadUncommitted => Vec::new(),
            Isolation::ReadCommitted => state.log.aborted_in(from.offset, &out[read_before..]),
        };
        Ok(Read { offsets, diverging: None, aborted })
    }

    /// The producers that are remembered, by id.
    pub(crate) fn producers(&self, node: Option<i32>) -> Result<Vec<ProducerDescription>, ErrorCode> {
        self.look(Reader { node, ..Reader::INSIDE }, |log, _| log.producers().describe())
    }

    /// Forgets producers that were silent for `idle_ms`.
    pub(crate) fn expire_producers(&self, now_ms: i64, idle_ms: i64) {
        self.state.lock().log.producers_mut().expire(now_ms, idle_ms);
    }

    /// Looks something up in the log, of which a reader may see as much as the offsets say.
    pub(crate) fn look<T>(
        &self,
        reader: Reader,
        look: impl FnOnce(&PartitionLog, Offsets) -> T,
    ) -> Result<T, ErrorCode> {
        let state = self.state.lock();
        state.check_reader(reader)?;
        Ok(look(&state.log, state.offsets_at(reader.node)))
    }

    /// Damages the batch that holds `offset`, in the data directory of the leader only.
    ///
    /// # Errors
    ///
    /// There is no data directory, or no such offset in it.
    pub(crate) fn corrupt_on_disk(&self, offset: i64) -> io::Result<()> {
        let state = self.state.lock();
        match &state.copies {
            Some(copies) => copies.corrupt(state.replicas.leader(), offset),
            None => Err(io::Error::other("the broker has no data directory")),
        }
    }

    /// Marks the partition as gone: nothing is appended any more, and whoever waits looks again.
    pub(crate) fn delete(&self) {
        let mut state = self.state.lock();
        state.deleted = true;
        if let Some(copies) = state.copies.take() {
            copies.delete();
        }
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
    }

    /// Leaves everything on the disk: the broker stops.
    ///
    /// # Errors
    ///
    /// The disk does not take it, or has not taken something before.
    pub(crate) fn close(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let State { copies, log, offline, .. } = &mut *state;
        match copies {
            Some(_) if *offline => Err(io::Error::other("a partition is offline")),
            Some(copies) => copies.close(log),
            None => Ok(()),
        }
    }

    /// Wakes `wait` once enough is appended; at once if there is something after `seen` already, or the partition is gone.
    pub(crate) fn watch(&self, wait: &Arc<DataWait>, seen: i64) {
        let mut state = self.state.lock();
        if state.deleted || state.offsets_at(wait.node()).end(wait.isolation()) != seen {
            drop(state);
            return wait.wake();
        }
        state.waits.push(Arc::clone(wait));
    }

    pub(crate) fn unwatch(&self, wait: &Arc<DataWait>) {
        self.state.lock().waits.retain(|other| !Arc::ptr_eq(other, wait));
    }
}

/// What the producer is told of a batch that the log refuses. As Kafka, which looks at the epoch of a transaction's producer
/// before the batch comes to the log.
fn told(rejected: Rejected, batch: &BatchHeader, log_start: i64) -> Rejected {
    match rejected.code {
        ErrorCode::InvalidProducerEpoch if batch.is_transactional() => rejected,
        _ => rejected.by_log(log_start),
    }
}

impl State {
    fn offsets(&self) -> Offsets {
        Offsets {
            log_start: self.log.start_offset(),
            log_end: self.log.end_offset(),
            high_watermark: self.replicas.high_watermark(),
            epoch_start: self.replicas.epoch_start(),
            last_stable: self.log.last_stable_offset(),
        }
    }

    /// The offsets as a node knows them: a follower that lags knows no more than it has.
    fn offsets_at(&self, node: Option<i32>) -> Offsets {
        let offsets = self.offsets();
        let follower = node.filter(|node| self.replicas.leader() != Some(*node));
        match follower.and_then(|follower| self.replicas.end_of(follower)) {
            Some(end) => offsets.up_to(end.max(offsets.log_start)),
            None => offsets,
        }
    }

    /// Where the log ends, and what of it is stable.
    fn ends(&self) -> Ends {
        Ends { log_end: self.log.end_offset(), last_stable: self.log.last_stable_offset() }
    }

    /// Has followers follow an append, and takes those off the list whose wait is over: a batch was appended, and
    /// `stable_bytes` became stable if the last stable offset has moved.
    fn served(&mut self, new: (&ValidBatch<'_>, i64), before: Ends, stable_bytes: usize) -> Vec<Arc<DataWait>> {
        let bytes = new.0.bytes.len();
        let (end, behind) = (self.log.end_offset(), self.replicas.high_watermark() < before.log_end);
        let Self { replicas, rules, alarm, .. } = self;
        let now = || alarm.as_ref().map(|alarm| alarm.clock.now()).unwrap_or_default();
        let can_read = replicas.appended(end, rules, now).high_watermark;
        if !replicas.is_alone() {
            self.keep_followers(Some(new));
            self.replicas_moved();
        }
        if self.waits.is_empty() || !can_read {
            return Vec::new();
        }
        // If more can be read than was appended, nobody has counted it.
        let uncounted = behind || self.replicas.high_watermark() < end;
        let (bytes, stable_bytes) = if uncounted { (usize::MAX, usize::MAX) } else { (bytes, stable_bytes) };
        let moved = self.log.last_stable_offset() != before.last_stable;
        let is_over = |wait: &mut Arc<DataWait>| match wait.isolation() {
            Isolation::ReadUncommitted => wait.appended(bytes),
            Isolation::ReadCommitted => moved && wait.appended(stable_bytes),
        };
        self.waits.extract_if(.., is_over).collect()
    }

    fn check_writable(&self) -> Result<(), Rejected> {
        if self.offline {
            return Err(Rejected::new(ErrorCode::KafkaStorageError, "the log cannot be written"));
        }
        if self.deleted {
            return Err(Rejected::new(ErrorCode::UnknownTopicOrPartition, "the topic was deleted"));
        }
        Ok(())
    }

    /// # Errors
    ///
    /// As Kafka: only the leader appends, and for who waits for all replicas in sync only if they are enough.
    fn check_sender(&self, sender: Sender) -> Result<(), Rejected> {
        self.check_leader(sender.node).map_err(|code| Rejected::new(code, "another node leads the partition"))?;
        if sender.wants_all && !self.replicas.are_enough(&self.rules) {
            return Err(Rejected::new(ErrorCode::NotEnoughReplicas, "too few replicas are in sync"));
        }
        Ok(())
    }
}

/// The ends of a log before something is appended.
#[derive(Debug, Clone, Copy)]
struct Ends {
    log_end: i64,
    last_stable: i64,
}
