//! A partition as the cluster sees it: who leads it, in which epoch, its log, and who waits for more of it.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::data_wait::DataWait;
use crate::error::ErrorCode;
use crate::log::{Appended, LogConfig, OutOfRange, PartitionLog, Rejected, ValidBatch};

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

/// The offsets of a partition at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub(crate) log_start: i64,
    /// What consumers may read up to. With one replica, all there is.
    pub(crate) high_watermark: i64,
}

/// What is asked of a read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadFrom {
    pub(crate) offset: i64,
    /// The leader epoch the client knows, or -1.
    pub(crate) leader_epoch: i32,
    /// The epoch of the last record the client has, or -1: its log may have taken another way than this one.
    pub(crate) last_fetched_epoch: i32,
    pub(crate) max_bytes: usize,
    pub(crate) at_least_one: bool,
}

impl ReadFrom {
    /// All there is from `offset` on, for whoever looks from inside.
    pub(crate) fn everything(offset: i64) -> Self {
        Self { offset, leader_epoch: -1, last_fetched_epoch: -1, max_bytes: usize::MAX, at_least_one: true }
    }
}

/// What a read has found beside the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) offsets: Offsets,
    /// The client's log is another one from here on: the last epoch both have, and where it ends. Nothing is read then.
    pub(crate) diverging: Option<(i32, i64)>,
}

impl Partition {
    pub(crate) fn new(config: Arc<LogConfig>, replicas: Vec<i32>) -> Self {
        let leader = replicas.first().copied().unwrap_or(-1);
        Self {
            state: Mutex::new(State {
                config,
                leader,
                leader_epoch: 0,
                replicas,
                log: PartitionLog::new(0),
                waits: Vec::new(),
                deleted: false,
            }),
        }
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
        let mut state = self.state.lock();
        if state.deleted {
            let message = "the topic was deleted".to_owned();
            return Err(Rejected::new(ErrorCode::UnknownTopicOrPartition, message));
        }
        let (leader_epoch, segment_bytes) = (state.leader_epoch, state.config.segment_bytes);
        let appended = state.log.append(batch, leader_epoch, segment_bytes)?;
        let log_start = state.log.start_offset();
        let mut done = Vec::new();
        if !appended.duplicate && !state.waits.is_empty() {
            done = state.waits.extract_if(.., |wait| wait.appended(batch.bytes.len())).collect();
        }
        drop(state);
        done.iter().for_each(|wait| wait.wake());
        Ok((appended, log_start))
    }

    /// Reads whole batches, adding them to `out`, and says which offsets there are.
    pub(crate) fn read(&self, from: ReadFrom, out: &mut Vec<Bytes>) -> Result<Read, ErrorCode> {
        let state = self.state.lock();
        state.check_leader_epoch(from.leader_epoch)?;
        let offsets = state.offsets();
        if from.last_fetched_epoch >= 0 {
            let diverging = state.log.diverges(from.last_fetched_epoch, from.offset);
            if let Some(end) = diverging.map_err(|OutOfRange| ErrorCode::OffsetOutOfRange)? {
                return Ok(Read { offsets, diverging: Some(end) });
            }
        }
        match state.log.read(from.offset, from.max_bytes, from.at_least_one, out) {
            Ok(_) => Ok(Read { offsets, diverging: None }),
            Err(OutOfRange) => Err(ErrorCode::OffsetOutOfRange),
        }
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

    /// Deletes the records before `offset`; -1 stands for all there are. Returns the new start.
    pub(crate) fn delete_records(&self, offset: i64) -> Result<i64, ErrorCode> {
        let mut state = self.state.lock();
        let offset = if offset == -1 { state.log.end_offset() } else { offset };
        let start = state.log.delete_before(offset).map_err(|_| ErrorCode::OffsetOutOfRange)?;
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
        Ok(start)
    }

    /// Marks the partition as gone: nothing is appended any more, and whoever waits looks again.
    pub(crate) fn delete(&self) {
        let mut state = self.state.lock();
        state.deleted = true;
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        waits.iter().for_each(|wait| wait.wake());
    }

    /// Wakes `wait` once enough is appended; at once if the log does not end at `seen` any more, or is gone.
    pub(crate) fn watch(&self, wait: &Arc<DataWait>, seen: i64) {
        let mut state = self.state.lock();
        if state.deleted || state.log.end_offset() != seen {
            drop(state);
            return wait.wake();
        }
        state.waits.push(Arc::clone(wait));
    }

    pub(crate) fn unwatch(&self, wait: &Arc<DataWait>) {
        self.state.lock().waits.retain(|other| !Arc::ptr_eq(other, wait));
    }
}

impl State {
    fn offsets(&self) -> Offsets {
        Offsets { log_start: self.log.start_offset(), high_watermark: self.log.end_offset() }
    }

    fn check_leader_epoch(&self, known: i32) -> Result<(), ErrorCode> {
        match known {
            _ if self.deleted => Err(ErrorCode::UnknownTopicOrPartition),
            -1 => Ok(()),
            known if known < self.leader_epoch => Err(ErrorCode::FencedLeaderEpoch),
            known if known > self.leader_epoch => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }
}
