//! The runtime as a whole: against a double of the client, and against a broker.

mod broker;
mod fake;
mod life;
mod pump;
mod retry_topics;
mod sequences;
mod supervisor;
mod transactions;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    ContainerSpec, EventBus, Guards, HANGS_AFTER, PartitionLag,
    dispatch::{Chunk, ChunkRunner, Progress},
    supervisor::Connect,
};
use crate::{
    client::Inquiry,
    config::ResolvedListener,
    error::{Error, ErrorKind},
    offset_spec::OffsetSpec,
    record::TopicPartition,
};

/// Long enough for any busy machine; tests end as soon as what they wait for happens.
const PATIENCE: Duration = Duration::from_secs(30);

/// Of a listener that nothing holds up.
fn guards() -> Guards {
    let events = EventBus::default().sink("bill");
    Guards::new(&ResolvedListener::new("bill", "orders", "billing"), &Arc::default(), &events)
}

/// Of a listener whose clients are made so.
fn spec(listener: ResolvedListener, connect: Connect) -> ContainerSpec {
    ContainerSpec {
        events: EventBus::default().sink(&listener.id),
        listener: Arc::new(listener),
        takes_batches: false,
        runner: Recorder::new(),
        metrics: Arc::default(),
        guards: guards(),
        connect,
        inquiry: Arc::new(NobodyAnswers),
        open_producer: None,
        stages: Vec::new(),
        hangs_after: HANGS_AFTER,
    }
}

/// A broker that is not there.
struct NobodyAnswers;

impl Inquiry for NobodyAnswers {
    fn offsets(&self, _: &[(TopicPartition, OffsetSpec)]) -> Result<Vec<(TopicPartition, i64)>, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nobody answers"))
    }

    fn lag(&self, _: &[String]) -> Result<Vec<PartitionLag>, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nobody answers"))
    }

    fn partitions(&self, _: &[String]) -> Result<Vec<TopicPartition>, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nobody answers"))
    }

    fn is_unread(&self, _: &[(TopicPartition, i64)]) -> Result<bool, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nobody answers"))
    }
}

/// A runner that notes what it saw, in order, and finishes it.
struct Recorder {
    seen: Mutex<Vec<(i32, i64)>>,
    n_seen: watch::Sender<usize>,
}

impl Recorder {
    fn new() -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), n_seen: watch::Sender::new(0) })
    }

    fn seen(&self) -> Vec<(i32, i64)> {
        self.seen.lock().clone()
    }

    /// Waits until `n` records were handled.
    async fn has_seen(&self, n: usize) {
        let mut n_seen = self.n_seen.subscribe();
        let waited = tokio::time::timeout(PATIENCE, n_seen.wait_for(|seen| *seen >= n)).await;
        assert!(waited.is_ok(), "saw {} of {n} records", self.seen.lock().len());
    }
}

impl ChunkRunner for Recorder {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            for record in chunk.records {
                if progress.is_revoked() {
                    break;
                }
                let n_seen = {
                    let mut seen = self.seen.lock();
                    seen.push((chunk.partition, record.record.offset()));
                    seen.len()
                };
                progress.done(record.seq);
                self.n_seen.send_replace(n_seen);
                tokio::task::yield_now().await;
            }
            Ok(())
        })
    }
}
