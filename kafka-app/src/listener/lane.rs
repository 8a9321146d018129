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
    assigned::Assigned,
    dispatch::{ChunkRunner, Delivered},
    key_lanes::KeyLanes,
    lane_chunk::LaneChunk,
    transaction::Transaction,
};
use crate::{
    config::{Ordering, ResolvedListener},
    error::{Error, ErrorKind},
};

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
                    send(lane, LaneChunk::new(assigned, transaction, records, n_bytes));
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
                    send(queue, LaneChunk::new(assigned, transaction, records, n_bytes));
                }
            }
        }
    }
}

fn size(records: &[Delivered]) -> u64 {
    records.iter().map(|record| record.record.size() as u64).sum()
}

fn send(lane: &Lane, chunk: LaneChunk) {
    // A lane ends before its sender only with its runtime.
    if let Err(mpsc::error::SendError(chunk)) = lane.send(chunk) {
        chunk.fail(no_runtime());
    }
}

/// Why nobody takes what is handed over.
pub(super) fn no_runtime() -> Error {
    Error::new(ErrorKind::Stopped, "the runtime that handlers run on has ended")
}

fn spawn_lane(runtime: &Handle, runner: &Arc<dyn ChunkRunner>) -> Lane {
    let (lane, chunks) = mpsc::unbounded_channel();
    runtime.spawn(run_lane(chunks, Arc::clone(runner)));
    lane
}

async fn run_lane(mut chunks: UnboundedReceiver<LaneChunk>, runner: Arc<dyn ChunkRunner>) {
    while let Some(chunk) = chunks.recv().await {
        chunk.run(&runner).await;
    }
}

async fn run_shared_lane(chunks: Arc<Mutex<UnboundedReceiver<LaneChunk>>>, runner: Arc<dyn ChunkRunner>) {
    loop {
        let next = chunks.lock().await.recv().await;
        match next {
            Some(chunk) => chunk.run(&runner).await,
            None => return,
        }
    }
}
