//! A partition as the cluster sees it: who leads it, in which epoch, its log, and who waits for more of it.

mod claim;
mod read;
mod shrink;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::data_wait::DataWait;
use crate::error::ErrorCode;
use crate::kept_log::{KeptLog, NewBatch, Place};
use crate::log::{
    Appended, BatchHeader, EndMarker, LogConfig, OutOfRange, Outcome, PartitionLog, ProducerDescription, Rejected,
    ValidBatch,
};

pub(crate) use claim::{Claim, Unappended};
pub(crate) use read::{Isolation, Offsets, Read, ReadFrom};

/// One partition of a topic. The lock is held for an append or a lookup, never while bytes are checked or sent.
#[derive(Debug)]
pub(crate) struct Partition {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<LogConfig>,
    leader: i32,
    leader_epoch: i32,
    replicas: Vec<i32>,
    log: PartitionLog,
    /// Its copy in a data directory, if there is one.
    kept: Option<Box<KeptLog>>,
    /// The copy could not follow: what is in memory is shown to nobody.
    offline: bool,
    waits: Vec<Arc<DataWait>>,
    deleted: bool,
}

/// Who leads a partition, and who follows.
#[derive(Debug, Clone)]
pub(crate) struct Leadership {
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
}

impl Partition {
    /// An empty one, in memory.
    pub(crate) fn new(config: Arc<LogConfig>, replicas: Vec<i32>) -> Self {
        Self::with(config, replicas, PartitionLog::new(0), 0, None)
    }

    /// One that is kept in a data directory, with what is there of it.
    ///
    /// # Errors
    ///
    /// Its directory cannot be opened, or made.
    pub(crate) fn kept(config: Arc<LogConfig>, replicas: Vec<i32>, place: Place<'_>) -> io::Result<Self> {
        let (kept, log, leader_epoch) = KeptLog::open(place, &config)?;
        Ok(Self::with(config, replicas, log, leader_epoch, Some(Box::new(kept))))
    }

    fn with(
        config: Arc<LogConfig>,
        replicas: Vec<i32>,
        log: PartitionLog,
        leader_epoch: i32,
        kept: Option<Box<KeptLog>>,
    ) -> Self {
        let leader = replicas.first().copied().unwrap_or(-1);
        let (offline, waits, deleted) = (false, Vec::new(), false);
        let state = State { config, leader, leader_epoch, replicas, log, kept, offline, waits, deleted };
        Self { state: Mutex::new(state) }
    }

    pub(crate) fn leadership(&self) -> Leadership {
        let state = self.state.lock();
        Leadership { leader: state.leader, leader_epoch: state.leader_epoch, replicas: state.replicas.clone() }
    }

    pub(crate) fn config(&self) -> Arc<LogConfig> {
        Arc::clone(&self.state.lock().config)
    }

    /// Takes up changed configs; batches already appended stay as they are.
    pub(crate) fn set_config(&self, config: Arc<LogConfig>) {
        self.state.lock().config = config;
    }

    pub(crate) fn offsets(&self) -> Offsets {
        self.state.lock().offsets()
    }

    /// Appends a batch that was checked, and wakes who waits for it. Also returns the log's start.
    pub(crate) fn append(&self, batch: &ValidBatch<'_>) -> Result<(Appended, i64), Rejected> {
        self.append_in(batch, Claim::NONE).map_err(Unappended::into_rejected)
    }

    /// As [`append`](Self::append), of a batch that may belong to a transaction.
    pub(crate) fn append_in(&self, batch: &ValidBatch<'_>, claim: Claim) -> Result<(Appended, i64), Unappended> {
        let mut state = self.state.lock();
        state.check_writable()?;
        let stable_before = state.log.last_stable_offset();
        let State { config, leader_epoch, log, .. } = &mut *state;
        let appended = log.append(batch, claim.proof, *leader_epoch, config);
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
            false => state.served(batch.bytes.len(), stable_before, batch.bytes.len()),
        };
        drop(state);
        served.iter().for_each(|wait| wait.wake());
        Ok((appended, log_start))
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

    /// Ends a producer's transaction, and wakes who waits for what is decided by it.
    pub(crate) fn append_marker(&self, marker: &EndMarker, now_ms: i64) -> Result<(), Rejected> {
        let batch = marker.batch(&self.config(), now_ms);
        let mut state = self.state.lock();
        state.check_writable()?;
        let stable_before = state.log.last_stable_offset();
        let State { config, leader_epoch, log, .. } = &mut *state;
        let offset = log.append_marker(marker, &batch, *leader_epoch, config)?;
        state.keep(Some((&batch, offset)))?;
        // How many bytes are stable now, nobody has counted: who waits for them looks again.
        let served = state.served(batch.bytes.len(), stable_before, usize::MAX);
        drop(state);
        served.iter().for_each(|wait| wait.wake());
        Ok(())
    }

    /// Reads whole batches, adding them to `out`, and says which offsets there are.
    pub(crate) fn read(&self, from: ReadFrom, out: &mut Vec<Bytes>) -> Result<Read, ErrorCode> {
        let state = self.state.lock();
        state.check_leader_epoch(from.leader_epoch)?;
        let offsets = state.offsets();
        if from.last_fetched_epoch >= 0 {
            let diverging = state.log.diverges(from.last_fetched_epoch, from.offset);
            if let Some(end) = diverging.map_err(|OutOfRange| ErrorCode::OffsetOutOfRange)? {
                return Ok(Read { offsets, diverging: Some(end), aborted: Vec::new() });
            }
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
    pub(crate) fn producers(&self) -> Result<Vec<ProducerDescription>, ErrorCode> {
        self.look(-1, |log| log.producers().describe())
    }

    /// Forgets producers that were silent for `idle_ms`.
    pub(crate) fn expire_producers(&self, now_ms: i64, idle_ms: i64) {
        self.state.lock().log.producers_mut().expire(now_ms, idle_ms);
    }

    /// The bytes its log holds.
    pub(crate) fn size(&self) -> usize {
        self.state.lock().log.len()
    }

    /// Looks something up in the log, for a client that knows `leader_epoch` (or -1).
    pub(crate) fn look<T>(&self, leader_epoch: i32, look: impl FnOnce(&PartitionLog) -> T) -> Result<T, ErrorCode> {
        let state = self.state.lock();
        state.check_leader_epoch(leader_epoch)?;
        Ok(look(&state.log))
    }

    /// Damages the batch that holds `offset`, in the data directory only.
    ///
    /// # Errors
    ///
    /// There is no data directory, or no such offset in it.
    pub(crate) fn corrupt_on_disk(&self, offset: i64) -> io::Result<()> {
        match &self.state.lock().kept {
            Some(kept) => kept.corrupt(offset),
            None => Err(io::Error::other("the broker has no data directory")),
        }
    }

    /// Marks the partition as gone: nothing is appended any more, and whoever waits looks again.
    pub(crate) fn delete(&self) {
        let mut state = self.state.lock();
        state.deleted = true;
        if let Some(Err(error)) = state.kept.take().map(|kept| kept.delete()) {
            tracing::warn!(%error, "the directory of a deleted partition is left behind");
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
        let State { kept, log, offline, .. } = &mut *state;
        match kept {
            Some(_) if *offline => Err(io::Error::other("a partition is offline")),
            Some(kept) => kept.close(log),
            None => Ok(()),
        }
    }

    /// Wakes `wait` once enough is appended; at once if there is something after `seen` already, or the partition is gone.
    pub(crate) fn watch(&self, wait: &Arc<DataWait>, seen: i64) {
        let mut state = self.state.lock();
        if state.deleted || state.offsets().end(wait.isolation()) != seen {
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
            high_watermark: self.log.end_offset(),
            last_stable: self.log.last_stable_offset(),
        }
    }

    /// Takes those off the list whose wait is over: `bytes` were appended, and `stable_bytes` became stable if the last
    /// stable offset has moved since it was `stable_before`.
    fn served(&mut self, bytes: usize, stable_before: i64, stable_bytes: usize) -> Vec<Arc<DataWait>> {
        if self.waits.is_empty() {
            return Vec::new();
        }
        let moved = self.log.last_stable_offset() != stable_before;
        let is_over = |wait: &mut Arc<DataWait>| match wait.isolation() {
            Isolation::ReadUncommitted => wait.appended(bytes),
            Isolation::ReadCommitted => moved && wait.appended(stable_bytes),
        };
        self.waits.extract_if(.., is_over).collect()
    }

    /// Has the copy follow the log, which has just changed or got this batch at this offset.
    ///
    /// # Errors
    ///
    /// `KAFKA_STORAGE_ERROR` when it cannot: the partition is offline then.
    fn keep(&mut self, appended: Option<(&ValidBatch<'_>, i64)>) -> Result<(), Rejected> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let leader_epoch = self.leader_epoch;
        let new = appended.map(|(batch, base_offset)| NewBatch { batch, base_offset, leader_epoch });
        let Err(error) = kept.follow(&mut self.log, new, &self.config) else { return Ok(()) };
        tracing::error!(%error, "a partition is offline: its directory cannot be written");
        self.offline = true;
        Err(Rejected::new(ErrorCode::KafkaStorageError, format!("the log cannot be written: {error}")))
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

    fn check_leader_epoch(&self, known: i32) -> Result<(), ErrorCode> {
        match known {
            _ if self.deleted => Err(ErrorCode::UnknownTopicOrPartition),
            _ if self.offline => Err(ErrorCode::KafkaStorageError),
            -1 => Ok(()),
            known if known < self.leader_epoch => Err(ErrorCode::FencedLeaderEpoch),
            known if known > self.leader_epoch => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }
}
