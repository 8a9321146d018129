//! [`KeyLanes`]: the tasks that run records with the same key in order, and records of other keys beside them.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{runtime::Handle, sync::Semaphore, task::AbortHandle};

use super::{
    assigned::Assigned,
    dispatch::{ChunkRunner, Delivered},
    key_queues::KeyQueues,
    lane::{LaneSpec, no_runtime},
    lane_chunk::LaneChunk,
    transaction::Transaction,
};

/// Lanes that share the keys of all partitions: a lane that is free takes the key that has waited longest, so a slow key
/// holds up others only while every lane has a slow one.
pub(super) struct KeyLanes {
    shared: Arc<Shared>,
    lanes: Vec<AbortHandle>,
    /// A batch would be of one key: keys share as many queues as there are lanes, so that it is of several.
    n_queues: Option<u64>,
    n_hand_overs: u64,
}

struct Shared {
    queues: Mutex<KeyQueues<u64, Piece>>,
    /// A permit for each key that is ready.
    n_ready: Semaphore,
}

/// Records of a key that were handed over together.
struct Piece {
    hand_over: u64,
    chunk: LaneChunk,
}

impl KeyLanes {
    pub(super) fn new(runtime: &Handle, runner: &Arc<dyn ChunkRunner>, spec: LaneSpec) -> Self {
        let shared = Arc::new(Shared { queues: Mutex::new(KeyQueues::new()), n_ready: Semaphore::new(0) });
        let lane = |_| runtime.spawn(run_lane(Arc::clone(&shared), Arc::clone(runner))).abort_handle();
        let lanes = (0..spec.n_workers).map(lane).collect();
        let n_queues = spec.takes_batches.then_some(spec.n_workers as u64);
        Self { shared, lanes, n_queues, n_hand_overs: 0 }
    }

    /// Hands records of one assignment over, in order.
    pub(super) fn hand_over(
        &mut self,
        assigned: &Arc<Assigned>,
        records: Vec<Delivered>,
        n_bytes: u64,
        transaction: Option<&Arc<Transaction>>,
    ) {
        // A lane ends before this does only with its runtime.
        if self.lanes.iter().all(AbortHandle::is_finished) {
            assigned.release(records.len() as u64, n_bytes);
            return assigned.fail(no_runtime());
        }
        let (hand_over, mut n_ready) = (self.n_hand_overs, 0);
        self.n_hand_overs += 1;
        let mut queues = self.shared.queues.lock();
        for record in records {
            let key = self.key_of(assigned, &record);
            n_ready += usize::from(queues.push(key, |last| match last {
                Some(last) if last.hand_over == hand_over => {
                    last.chunk.push(record);
                    None
                }
                _ => {
                    let n_bytes = record.record.size() as u64;
                    Some(Piece { hand_over, chunk: LaneChunk::new(assigned, transaction, vec![record], n_bytes) })
                }
            }));
        }
        drop(queues);
        self.shared.n_ready.add_permits(n_ready);
    }

    /// Those without a key are in order in their partition.
    fn key_of(&self, assigned: &Assigned, record: &Delivered) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&*assigned.partition.topic, assigned.partition.partition, record.record.key()).hash(&mut hasher);
        let key = hasher.finish();
        self.n_queues.map_or(key, |n_queues| key % n_queues)
    }
}

impl Drop for KeyLanes {
    /// Ends the lanes, each with what it is doing.
    fn drop(&mut self) {
        self.shared.n_ready.close();
    }
}

async fn run_lane(shared: Arc<Shared>, runner: Arc<dyn ChunkRunner>) {
    while let Ok(ready) = shared.n_ready.acquire().await {
        ready.forget();
        let Some((key, piece)) = shared.queues.lock().take() else { continue };
        piece.chunk.run(&runner).await;
        if shared.queues.lock().finished(key) {
            shared.n_ready.add_permits(1);
        }
    }
}
