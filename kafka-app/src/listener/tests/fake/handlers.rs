//! A runner whose handlers end one by one, when and how a test says, and are told apart by assignment.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::client::Cluster;
use crate::{
    error::Error,
    listener::{
        Ack,
        dispatch::{Chunk, ChunkRunner, Delivered, Progress},
    },
    record::RawRecord,
};

/// How a handler ends. Without an `Ack` all but the last are the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Well, and acknowledged.
    Done,
    /// Acknowledged, and yet it fails and is given up: its record is reported a second time.
    DoneTwice,
    Nack(Duration),
    Drop,
    /// Well; the `Ack` lives on.
    Keep,
    /// Its record and all behind it are to come again.
    Again,
}

/// One delivery of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// Which assignment of the partition, or part of one behind a seek, as the client saw it.
    pub(super) epoch: u64,
}

impl Place {
    fn of(partition: i32, record: &RawRecord) -> Self {
        let epoch = record.payload().and_then(|payload| payload.try_into().ok()).map(u64::from_be_bytes);
        Self { partition, offset: record.offset(), epoch: epoch.expect("the payload says it") }
    }
}

/// Notes among the calls of the client, in the order it all happened: `start 0@3#1`, `end 0@3#1`, and where a commit was
/// awaited that the broker is said to have, `confirmed 0@3#1` or, if it does not have it, `denied 0@3#1`.
pub(super) struct Handlers {
    cluster: Arc<Mutex<Cluster>>,
    running: Mutex<Vec<(Place, oneshot::Sender<Fate>)>>,
    kept: Mutex<Vec<(Place, Ack)>>,
    /// Of chunks that begin from now on the lane does not wait for the end: it is acknowledgments that come one by one.
    only_waits: AtomicBool,
}

impl Handlers {
    pub(super) fn new(cluster: &Arc<Mutex<Cluster>>) -> Arc<Self> {
        Arc::new(Self {
            cluster: Arc::clone(cluster),
            running: Mutex::default(),
            kept: Mutex::default(),
            only_waits: AtomicBool::new(false),
        })
    }

    pub(super) fn only_wait(&self, only_waits: bool) {
        self.only_waits.store(only_waits, Ordering::SeqCst);
    }

    /// One that runs is told to end.
    pub(super) fn end(&self, which: usize, fate: Fate) {
        let mut running = self.running.lock();
        running.retain(|(_, end)| !end.is_closed()); // Dropped by a revoke.
        if !running.is_empty() {
            let which = which % running.len();
            let (_, end) = running.remove(which);
            end.send(fate).expect("it runs");
        }
    }

    pub(super) fn n_running(&self) -> usize {
        let mut running = self.running.lock();
        running.retain(|(_, end)| !end.is_closed());
        running.len()
    }

    /// An `Ack` that was kept, of whatever assignment.
    pub(super) fn kept(&self, which: usize) -> Option<(Place, Ack)> {
        let mut kept = self.kept.lock();
        (!kept.is_empty()).then(|| kept.len()).map(|n_kept| kept.remove(which % n_kept))
    }

    pub(super) fn note(&self, what: &str, Place { partition, offset, epoch }: Place) {
        self.cluster.lock().calls.push(format!("{what} {partition}@{offset}#{epoch}"));
    }

    async fn acknowledge(&self, place: Place, ack: Ack) {
        self.note("end", place);
        let acked = ack.ack();
        if acked.await.is_ok() {
            let has_it = self.cluster.lock().committed.get(&place.partition).is_some_and(|at| *at > place.offset);
            self.note(if has_it { "confirmed" } else { "denied" }, place);
        }
    }
}

impl ChunkRunner for Handlers {
    fn run<'a>(
        &'a self,
        chunk: Chunk<'a>,
        progress: &'a dyn Progress,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async move {
            let begin = |record: &Delivered| {
                let place = Place::of(chunk.partition, &record.record);
                self.note("start", place);
                let (end, fate) = oneshot::channel();
                self.running.lock().push((place, end));
                (place, fate)
            };
            let mut begun = VecDeque::new();
            if self.only_waits.load(Ordering::SeqCst) && !progress.is_revoked() {
                begun.extend(chunk.records.iter().map(begin));
                progress.handled_all();
            }
            for record in chunk.records {
                if begun.is_empty() && progress.is_revoked() {
                    break;
                }
                let (place, fate) = begun.pop_front().unwrap_or_else(|| begin(record));
                let fate = fate.await.expect("it is told, or dropped");
                if fate == Fate::Again {
                    progress.rewind(Instant::now());
                    break;
                }
                let Some(ack) = progress.ack(record.seq).map(Ack::new) else {
                    self.note("end", place);
                    progress.done(record.seq);
                    continue;
                };
                match fate {
                    Fate::Done => self.acknowledge(place, ack).await,
                    Fate::DoneTwice => {
                        self.acknowledge(place, ack).await;
                        progress.done(record.seq);
                        continue;
                    }
                    Fate::Nack(delay) => ack.nack(delay),
                    Fate::Keep => self.kept.lock().push((place, ack)),
                    Fate::Drop | Fate::Again => drop(ack),
                }
                progress.left_to_ack(record.seq);
            }
            Ok(())
        })
    }
}
