//! [`Lanes`]: the tasks that run a consumer's records in order.

use std::sync::Arc;

use tokio::{
    runtime::Handle,
    sync::{
        Mutex,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
};

use super::{
    assigned::{Assigned, ChunkProgress},
    dispatch::{Chunk, ChunkRunner, Delivered},
    key_lanes::KeyLanes,
    transaction::Transaction,
};
use crate::{
    config::{Ordering, ResolvedListener},
    error::{Error, ErrorKind},
};

/// Records of one assignment on their way to a lane. The channel needs no bound of its own: the pump hands over no more
/// than a partition's in-flight bound.
pub(crate) struct LaneChunk {
    assigned: Arc<Assigned>,
    /// Exactly once: what it is handled in.
    transaction: Option<Arc<Transaction>>,
    records: Vec<Delivered>,
    n_records: u64,
    n_bytes: u64,
}

/// Where records of a partition go.
pub(crate) type Lane = UnboundedSender<LaneChunk>;

/// Which lanes there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneSpec {
    ordering: Ordering,
    pub(super) n_workers: usize,
    pub(super) takes_batches: bool,
}

impl LaneSpec {
    pub(crate) fn of(listener: &ResolvedListener, takes_batches: bool) -> Self {
        let n_workers = usize::try_from(listener.workers).unwrap_or(usize::MAX).max(1);
        Self { ordering: listener.ordering, n_workers, takes_batches }
    }
}

/// The lanes of one consumer.
///
/// A batch handler gets records of one partition at a time, whatever the ordering: a batch never crosses partitions.
pub(crate) struct Lanes {
    runtime: Handle,
    runner: Arc<dyn ChunkRunner>,
    route: Route,
}

enum Route {
    /// A lane for each partition, made as it is assigned.
    Partition,
    /// Whichever lane is free takes the key that has waited longest.
    Key(KeyLanes),
    /// One queue, many lanes.
    Any { queue: Lane, n_workers: usize },
}

impl Lanes {
    /// Must be called with the runtime that handlers run on.
    pub(crate) fn new(runtime: Handle, runner: Arc<dyn ChunkRunner>, spec: LaneSpec) -> Self {
        let n_workers = spec.n_workers;
        let route = match spec.ordering {
            Ordering::Partition => Route::Partition,
            Ordering::Key => Route::Key(KeyLanes::new(&runtime, &runner, spec)),
            Ordering::None => {
                let (queue, chunks) = mpsc::unbounded_channel();
                let chunks = Arc::new(Mutex::new(chunks));
                for _ in 0..n_workers {
                    runtime.spawn(run_shared_lane(Arc::clone(&chunks), Arc::clone(&runner)));
                }
                Route::Any { queue, n_workers }
            }
        };
        Self { runtime, runner, route }
    }

    /// The runtime that handlers run on.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A lane for a partition of its own, where the ordering wants one.
    pub(crate) fn open(&self) -> Option<Lane> {
        matches!(self.route, Route::Partition).then(|| spawn_lane(&self.runtime, &self.runner))
    }

    /// Hands records of one assignment over, in order.
    pub(crate) fn hand_over(
        &mut self,
        own: Option<&Lane>,
        assigned: &Arc<Assigned>,
        records: Vec<Delivered>,
        n_bytes: u64,
        transaction: Option<&Arc<Transaction>>,
    ) {
        match &mut self.route {
            Route::Partition => {
                if let Some(lane) = own {
                    send(lane, assigned, transaction, records, n_bytes);
                }
            }
            Route::Key(lanes) => lanes.hand_over(assigned, records, n_bytes, transaction),
            Route::Any { queue, n_workers } => {
                // Small pieces, so that one slow record holds up few others.
                let piece = records.len().div_ceil(*n_workers * 4).clamp(1, 64);
                let mut records = records.into_iter().peekable();
                while records.peek().is_some() {
                    let records: Vec<_> = records.by_ref().take(piece).collect();
                    let n_bytes = size(&records);
                    send(queue, assigned, transaction, records, n_bytes);
                }
            }
        }
    }
}

fn size(records: &[Delivered]) -> u64 {
    records.iter().map(|record| record.record.size() as u64).sum()
}

fn send(
    lane: &Lane,
    assigned: &Arc<Assigned>,
    transaction: Option<&Arc<Transaction>>,
    records: Vec<Delivered>,
    n_bytes: u64,
) {
    let (n_records, transaction) = (records.len() as u64, transaction.map(Arc::clone));
    let chunk = LaneChunk { assigned: Arc::clone(assigned), transaction, records, n_records, n_bytes };
    // A lane ends before its sender only with its runtime.
    if let Err(mpsc::error::SendError(chunk)) = lane.send(chunk) {
        chunk.assigned.fail(no_runtime());
    }
}

/// Why nobody takes what is handed over.
pub(super) fn no_runtime() -> Error {
    Error::new(ErrorKind::Stopped, "the runtime that handlers run on has ended")
}

impl LaneChunk {
    /// Of one record.
    pub(super) fn of(assigned: &Arc<Assigned>, transaction: Option<&Arc<Transaction>>, record: Delivered) -> Self {
        let (n_bytes, transaction) = (record.record.size() as u64, transaction.map(Arc::clone));
        Self { assigned: Arc::clone(assigned), transaction, records: vec![record], n_records: 1, n_bytes }
    }

    /// Takes in one more that was handed over with its others.
    pub(super) fn push(&mut self, record: Delivered) {
        self.n_records += 1;
        self.n_bytes += record.record.size() as u64;
        self.records.push(record);
    }
}

fn spawn_lane(runtime: &Handle, runner: &Arc<dyn ChunkRunner>) -> Lane {
    let (lane, chunks) = mpsc::unbounded_channel();
    runtime.spawn(run_lane(chunks, Arc::clone(runner)));
    lane
}

async fn run_lane(mut chunks: UnboundedReceiver<LaneChunk>, runner: Arc<dyn ChunkRunner>) {
    while let Some(chunk) = chunks.recv().await {
        run_chunk(chunk, &*runner).await;
    }
}

async fn run_shared_lane(chunks: Arc<Mutex<UnboundedReceiver<LaneChunk>>>, runner: Arc<dyn ChunkRunner>) {
    loop {
        let next = chunks.lock().await.recv().await;
        match next {
            Some(chunk) => run_chunk(chunk, &*runner).await,
            None => return,
        }
    }
}

pub(super) async fn run_chunk(chunk: LaneChunk, runner: &dyn ChunkRunner) {
    let mut chunk = Held { chunk, is_settled: false };
    let assigned = Arc::clone(&chunk.chunk.assigned);
    if let Some(_inside) = assigned.enter() {
        let progress = ChunkProgress::new(&assigned);
        let records = Chunk {
            topic: &assigned.partition.topic,
            partition: assigned.partition.partition,
            records: &chunk.chunk.records,
            transaction: chunk.chunk.transaction.as_deref(),
            key_states: assigned.key_states(),
        };
        let result = tokio::select! {
            biased;
            result = runner.run(records, &progress) => result,
            () = assigned.cancelled() => {
                // Who was dropped in the middle may have sent something.
                if let Some(transaction) = &chunk.chunk.transaction {
                    transaction.taint();
                }
                Ok(())
            }
        };
        chunk.is_settled = true;
        // Freed while the lane is still inside, so that a drained partition holds no records.
        chunk.chunk.records.clear();
        if let Err(error) = result {
            assigned.fail(error);
        }
    } else {
        chunk.is_settled = true; // Revoked while it waited.
        chunk.chunk.records.clear();
    }
}

/// A chunk in a lane: what it held is released whatever happens, and a lane that breaks is not silent.
struct Held {
    chunk: LaneChunk,
    is_settled: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        let assigned = &self.chunk.assigned;
        if !self.is_settled {
            assigned.fail(Error::new(
                ErrorKind::Listener,
                format!("{}: a lane broke off in the middle of its records", assigned.partition),
            ));
        }
    }
}

impl Drop for LaneChunk {
    fn drop(&mut self) {
        self.assigned.release(self.n_records, self.n_bytes);
    }
}
