//! [`LaneChunk`]: records of one assignment that a lane runs.

use std::{future::poll_fn, sync::Arc, task::Poll};

use super::{
    assigned::{Assigned, ChunkProgress, Inside},
    dispatch::{Chunk, ChunkRunner, Delivered},
    transaction::Transaction,
};
use crate::error::{Error, ErrorKind};

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

impl LaneChunk {
    pub(super) fn new(
        assigned: &Arc<Assigned>,
        transaction: Option<&Arc<Transaction>>,
        records: Vec<Delivered>,
        n_bytes: u64,
    ) -> Self {
        let (n_records, transaction) = (records.len() as u64, transaction.map(Arc::clone));
        Self { assigned: Arc::clone(assigned), transaction, records, n_records, n_bytes }
    }

    /// Takes in one more that was handed over with its others.
    pub(super) fn push(&mut self, record: Delivered) {
        self.n_records += 1;
        self.n_bytes += record.record.size() as u64;
        self.records.push(record);
    }

    /// Stops its listener: nobody runs it.
    pub(super) fn fail(&self, error: Error) {
        self.assigned.fail(error);
    }

    /// Runs it until the lane may go on with the next one. For acknowledgments of what its handlers returned a task of its
    /// own waits: a lane that did would send a chunk in the time in which the broker answers and the client lingers, and no
    /// more.
    pub(super) async fn run(self, runner: &Arc<dyn ChunkRunner>) {
        let progress = Arc::new(ChunkProgress::new(&self.assigned, self.n_records));
        let mut run = Box::pin(run_to_end(self, Arc::clone(runner), Arc::clone(&progress)));
        let is_over = poll_fn(|cx| match run.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending if progress.is_handled() => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        });
        if !is_over.await {
            tokio::spawn(run);
        }
    }
}

async fn run_to_end(chunk: LaneChunk, runner: Arc<dyn ChunkRunner>, progress: Arc<ChunkProgress>) {
    let assigned = Arc::clone(&chunk.assigned);
    let inside = assigned.enter();
    let mut held = Held { chunk, progress, is_settled: !inside.may_stay, inside };
    if held.is_settled {
        return; // Revoked while it waited.
    }
    let records = Chunk {
        topic: &assigned.partition.topic,
        partition: assigned.partition.partition,
        records: &held.chunk.records,
        transaction: held.chunk.transaction.as_deref(),
        key_states: assigned.key_states(),
    };
    let result = tokio::select! {
        biased;
        result = runner.run(records, &*held.progress) => result,
        () = assigned.cancelled() => {
            // Who was dropped in the middle may have sent something.
            if let Some(transaction) = &held.chunk.transaction {
                transaction.taint();
            }
            Ok(())
        }
    };
    held.is_settled = true;
    if let Err(error) = result {
        assigned.fail(error);
    }
}

/// A chunk in a lane: what it held is released whatever happens, and a lane that breaks is not silent. Its fields go in this
/// order: it is let go of while the lane is still inside, so that a drained partition holds no records, and the pump is told
/// once.
struct Held {
    chunk: LaneChunk,
    progress: Arc<ChunkProgress>,
    is_settled: bool,
    #[expect(dead_code, reason = "it is dropped")]
    inside: Inside,
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
        if self.progress.is_handled() {
            self.chunk.n_records = 0; // They are let go of.
        }
    }
}

impl Drop for LaneChunk {
    fn drop(&mut self) {
        self.records.clear();
        self.assigned.release(self.n_records, self.n_bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin};

    use tokio::sync::{Semaphore, mpsc};

    use super::*;
    use crate::{
        config::AckMode,
        listener::{dispatch::Progress, tracker::Tracker},
        record::{OwnedRecord, RawRecord, TopicPartition},
    };

    /// A runner whose chunks are acknowledged when it has a permit.
    struct Waits {
        is_handled_before: bool,
        acknowledged: Semaphore,
        begun: mpsc::UnboundedSender<u64>,
    }

    impl ChunkRunner for Waits {
        fn run<'a>(
            &'a self,
            chunk: Chunk<'a>,
            progress: &'a dyn Progress,
        ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
            Box::pin(async move {
                self.begun.send(chunk.records[0].seq).unwrap();
                if self.is_handled_before {
                    progress.handled_all();
                }
                self.acknowledged.acquire().await.unwrap().forget();
                chunk.records.iter().for_each(|record| progress.done(record.seq));
                Ok(())
            })
        }
    }

    fn chunks(assigned: &Arc<Assigned>) -> [LaneChunk; 2] {
        [0, 2].map(|first| {
            let record = || RawRecord::from(OwnedRecord::default());
            let records = [first, first + 1].map(|seq| Delivered { seq, record: record() });
            LaneChunk::new(assigned, None, records.into(), 20)
        })
    }

    fn assigned() -> (Arc<Assigned>, Tracker) {
        let (partition, tracker) = (TopicPartition::new("orders", 0), Tracker::new(64));
        let assigned =
            Assigned::new(partition, 1, &tracker, Arc::default(), AckMode::Batch, Arc::new(()), Arc::default());
        (assigned, tracker)
    }

    #[tokio::test]
    async fn a_lane_goes_on_beside_what_only_waits_for_acknowledgments() {
        let ((assigned, _tracker), (begun, mut begins)) = (assigned(), mpsc::unbounded_channel());
        let waits = Arc::new(Waits { is_handled_before: true, acknowledged: Semaphore::new(0), begun });
        let runner: Arc<dyn ChunkRunner> = Arc::clone(&waits) as _;
        for chunk in chunks(&assigned) {
            chunk.run(&runner).await;
        }
        assert_eq!((begins.try_recv(), begins.try_recv()), (Ok(0), Ok(2)));
        assert_eq!((assigned.n_running(), assigned.released()), (2, (4, 0)), "records make room, their bytes do not");
        waits.acknowledged.add_permits(2);
        while assigned.is_running() {
            tokio::task::yield_now().await;
        }
        while assigned.released() != (4, 40) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_waits_for_acknowledgments_is_dropped_when_handlers_are_to_be() {
        let ((assigned, _tracker), (begun, _begins)) = (assigned(), mpsc::unbounded_channel());
        let waits = Arc::new(Waits { is_handled_before: true, acknowledged: Semaphore::new(0), begun });
        let runner: Arc<dyn ChunkRunner> = waits as _;
        for chunk in chunks(&assigned) {
            chunk.run(&runner).await;
        }
        assigned.cancel();
        while assigned.is_running() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_lane_waits_for_a_chunk_whose_handlers_run() {
        let ((assigned, _tracker), (begun, mut begins)) = (assigned(), mpsc::unbounded_channel());
        let waits = Arc::new(Waits { is_handled_before: false, acknowledged: Semaphore::new(1), begun });
        let runner: Arc<dyn ChunkRunner> = Arc::clone(&waits) as _;
        let [first, second] = chunks(&assigned);
        first.run(&runner).await;
        assert_eq!((assigned.n_running(), assigned.released()), (0, (2, 20)));
        let mut second = std::pin::pin!(second.run(&runner));
        let is_pending = poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx).is_pending())).await;
        assert!(is_pending && begins.try_recv() == Ok(0) && begins.try_recv() == Ok(2));
        waits.acknowledged.add_permits(1);
        second.await;
        assert_eq!(assigned.released(), (4, 40));
    }
}
