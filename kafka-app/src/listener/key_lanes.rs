//! [`KeyLanes`]: the tasks that run records with the same key in order, and records of other keys beside them.

use std::{
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};
use tokio::{
    runtime::Handle,
    sync::{Notify, futures::Notified},
    task::{AbortHandle, coop},
};

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
    /// Keys of what is handed over.
    scratch: Vec<u64>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// For lanes without work.
    bell: Notify,
}

struct State {
    queues: KeyQueues<u64, Piece, BuildHasherDefault<AsItIs>>,
    /// Lanes that wait for the bell, or are about to.
    n_idle: usize,
    is_closed: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { queues: KeyQueues::new(), n_idle: 0, is_closed: false }
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {
        unreachable!("it hashes numbers of 64 bits only");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Records of a key that were handed over together.
struct Piece {
    hand_over: u64,
    chunk: LaneChunk,
}

impl KeyLanes {
    pub(super) fn new(runtime: &Handle, runner: &Arc<dyn ChunkRunner>, spec: LaneSpec) -> Self {
        let shared = Arc::<Shared>::default();
        let lane = |_| runtime.spawn(run_lane(Arc::clone(&shared), Arc::clone(runner))).abort_handle();
        let lanes = (0..spec.n_workers).map(lane).collect();
        let n_queues = spec.takes_batches.then_some(spec.n_workers as u64);
        Self { shared, lanes, n_queues, n_hand_overs: 0, scratch: Vec::new() }
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
        let hand_over = self.n_hand_overs;
        self.n_hand_overs += 1;
        // Not while lanes are kept from the queues.
        let mut keys = std::mem::take(&mut self.scratch);
        // Keys of different partitions are different ones.
        let mut of_partition = DefaultHasher::new();
        assigned.partition.hash(&mut of_partition);
        keys.extend(records.iter().map(|record| self.key_of(&of_partition, record)));
        let mut state = self.shared.state.lock();
        for (record, key) in records.into_iter().zip(keys.drain(..)) {
            state.queues.push(key, |last| match last {
                Some(last) if last.hand_over == hand_over => {
                    last.chunk.push(record);
                    None
                }
                _ => {
                    let n_bytes = record.record.size() as u64;
                    Some(Piece { hand_over, chunk: LaneChunk::new(assigned, transaction, vec![record], n_bytes) })
                }
            });
        }
        self.shared.ring(state);
        self.scratch = keys;
    }

    /// Those without a key are in order in their partition.
    fn key_of(&self, of_partition: &DefaultHasher, record: &Delivered) -> u64 {
        let mut hasher = of_partition.clone();
        record.record.key().hash(&mut hasher);
        let key = hasher.finish();
        self.n_queues.map_or(key, |n_queues| key % n_queues)
    }
}

impl Drop for KeyLanes {
    /// Ends the lanes, each with what it is doing.
    fn drop(&mut self) {
        self.shared.state.lock().is_closed = true;
        self.shared.bell.notify_waiters();
    }
}

impl Shared {
    /// Wakes a lane if there is one for what is ready. It will wake the next, if something is left: so it is done by the threads
    /// that the lanes run on.
    fn ring(&self, state: MutexGuard<'_, State>) {
        let is_wanted = state.n_idle > 0 && state.queues.is_any_ready();
        drop(state);
        if is_wanted {
            self.bell.notify_one();
        }
    }

    /// The next piece, behind the end of the last; `None` when there will be none.
    async fn next(&self, mut finished: Option<u64>) -> Option<(u64, Piece)> {
        let mut was_idle = false;
        loop {
            match self.look(finished.take(), was_idle) {
                Look::Piece(key, piece) => return Some((key, piece)),
                Look::Closed => return None,
                Look::Idle(bell) => bell.await,
            }
            was_idle = true;
        }
    }

    fn look(&self, finished: Option<u64>, was_idle: bool) -> Look<'_> {
        let mut state = self.state.lock();
        state.n_idle -= usize::from(was_idle);
        if let Some(key) = finished {
            state.queues.finished(key);
        }
        if state.is_closed {
            return Look::Closed;
        }
        match state.queues.take() {
            Some((key, piece)) => {
                self.ring(state);
                Look::Piece(key, piece)
            }
            None => {
                state.n_idle += 1;
                // Made while nobody can ring, it hears who does from then on.
                Look::Idle(self.bell.notified())
            }
        }
    }
}

/// What a lane finds.
enum Look<'s> {
    Piece(u64, Piece),
    Closed,
    /// Nothing: this tells when to look again.
    Idle(Notified<'s>),
}

async fn run_lane(shared: Arc<Shared>, runner: Arc<dyn ChunkRunner>) {
    let mut finished = None;
    while let Some((key, piece)) = shared.next(finished).await {
        piece.chunk.run(&runner).await;
        finished = Some(key);
        // Handlers that need not wait for anything would keep others from this thread.
        coop::consume_budget().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        future::Future,
        pin::Pin,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Barrier;

    use super::*;
    use crate::{
        config::{self, AckMode, ResolvedListener},
        error::Error,
        listener::{
            dispatch::{Chunk, Progress},
            tracker::Tracker,
        },
        record::{OwnedRecord, RawRecord, TopicPartition},
    };

    const N_LANES: u32 = 4;

    /// Notes what it was given, by key; the first chunks wait for one another.
    struct Notes {
        together: Barrier,
        n_begun: AtomicUsize,
        offsets: Mutex<HashMap<Vec<u8>, Vec<i64>>>,
    }

    impl ChunkRunner for Notes {
        fn run<'a>(
            &'a self,
            chunk: Chunk<'a>,
            progress: &'a dyn Progress,
        ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
            Box::pin(async move {
                if self.n_begun.fetch_add(1, Ordering::SeqCst) < N_LANES as usize {
                    self.together.wait().await;
                }
                for Delivered { seq, record } in chunk.records {
                    let key = record.key().unwrap_or_default().to_vec();
                    self.offsets.lock().entry(key).or_default().push(record.offset());
                    progress.done(*seq);
                }
                Ok(())
            })
        }
    }

    fn listener() -> ResolvedListener {
        let listener = ResolvedListener::new("bill", "orders", "billing");
        ResolvedListener { ordering: config::Ordering::Key, workers: N_LANES, ..listener }
    }

    fn records(offsets: std::ops::Range<i64>, n_keys: i64) -> Vec<Delivered> {
        let record = |offset: i64| {
            let key = Some((offset % n_keys).to_string().into_bytes());
            RawRecord::from(OwnedRecord { offset, key, ..OwnedRecord::default() })
        };
        offsets.map(|offset| Delivered { seq: offset.unsigned_abs(), record: record(offset) }).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_lanes_are_woken_for_what_is_handed_over_at_once_and_each_key_keeps_its_order() {
        let (partition, tracker) = (TopicPartition::new("orders", 0), Tracker::new(4_096));
        let assigned =
            Assigned::new(partition, 1, &tracker, Arc::default(), AckMode::Time, Arc::new(()), Arc::default());
        let (together, offsets) = (Barrier::new(N_LANES as usize), Mutex::default());
        let notes = Arc::new(Notes { together, n_begun: AtomicUsize::new(0), offsets });
        let runner = Arc::clone(&notes) as Arc<dyn ChunkRunner>;
        let mut lanes = KeyLanes::new(&Handle::current(), &runner, LaneSpec::of(&listener(), false));
        for first in (0..3_000).step_by(100) {
            lanes.hand_over(&assigned, records(first..first + 100, 17), 0, None);
        }
        // It ends only if four lanes were at work at the same time.
        while assigned.released().0 < 3_000 {
            tokio::task::yield_now().await;
        }
        let offsets = std::mem::take(&mut *notes.offsets.lock());
        assert_eq!(offsets.len(), 17);
        assert!(offsets.values().all(|offsets| offsets.is_sorted()), "{offsets:?}");
        drop(lanes);
        while Arc::strong_count(&notes) > 2 {
            tokio::task::yield_now().await; // Lanes end.
        }
    }
}
