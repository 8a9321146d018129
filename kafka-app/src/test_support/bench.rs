//! [`Bench`]: runs a handler over a chunk as a lane does, without a lane.

use std::sync::Arc;

use super::{FakeProgress, FakeSink, keep_all_places};
use crate::{
    config::{DeadLetter, ResolvedListener},
    error::Result,
    handler::{BatchHandler, HandlerEnv, RecordHandler, States},
    listener::{Chunk, Delivered, Handler, Listener, ListenerCounts, ListenerMetrics, Policy, Progress},
    record::{OwnedRecord, RawRecord, Timestamp},
};

/// A listener `bill` of the topic `orders`, partition 3, with a chunk to handle. Sequences count from 0, offsets from
/// 100; payloads are as given, keys `k0`, `k1`, ….
pub(crate) struct Bench {
    pub(crate) listener: ResolvedListener,
    pub(crate) progress: FakeProgress,
    pub(crate) sink: Arc<FakeSink>,
    pub(crate) filter: Option<fn(&RawRecord) -> bool>,
    metrics: Arc<ListenerMetrics>,
    records: Vec<Delivered>,
}

impl Bench {
    pub(crate) fn new<P: AsRef<[u8]>>(payloads: impl IntoIterator<Item = P>) -> Self {
        keep_all_places();
        let delivered = |(index, payload): (u8, P)| Delivered {
            seq: u64::from(index),
            record: RawRecord::from(OwnedRecord {
                offset: 100 + i64::from(index),
                timestamp: Timestamp::CreateTime(5),
                key: Some(format!("k{index}").into_bytes()),
                payload: Some(payload.as_ref().to_vec()),
                ..OwnedRecord::default()
            }),
        };
        Self {
            listener: ResolvedListener::new("bill", "orders", "billing"),
            progress: FakeProgress::new(),
            sink: FakeSink::new([]),
            filter: None,
            metrics: Arc::default(),
            records: (0..).zip(payloads).map(delivered).collect(),
        }
    }

    /// With the dead letter topic `orders-dlt`.
    pub(crate) fn dead_letters(mut self) -> Self {
        self.listener.dead_letter = DeadLetter::Topic("orders-dlt".to_owned());
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ResolvedListener)) -> Self {
        change(&mut self.listener);
        self
    }

    pub(crate) fn sink(mut self, sink: Arc<FakeSink>) -> Self {
        self.sink = sink;
        self
    }

    pub(crate) async fn run(&self, handler: impl RecordHandler) -> Result<()> {
        self.run_listener(&Listener::record("bill", handler)).await
    }

    pub(crate) async fn run_batch(&self, handler: impl BatchHandler) -> Result<()> {
        self.run_listener(&Listener::batch("bill", handler)).await
    }

    async fn run_listener(&self, listener: &Listener) -> Result<()> {
        let producer: Arc<dyn crate::client::RecordSink> = Arc::<FakeSink>::clone(&self.sink);
        let env = HandlerEnv {
            listener_id: "bill".to_owned(),
            states: States::default(),
            producer: Some(producer),
            template: None,
        };
        let policy = Policy {
            env: Arc::new(env),
            listener: Arc::new(self.listener.clone()),
            filter: self.filter,
            metrics: Arc::clone(&self.metrics),
        };
        let runner = match &listener.handler {
            Handler::Record(handler) => Arc::clone(handler).runner(policy),
            Handler::Batch(handler) => Arc::clone(handler).runner(policy),
        };
        let topic = "orders".into();
        let progress: &dyn Progress = &self.progress;
        runner.run(Chunk { topic: &topic, partition: 3, records: &self.records }, progress).await
    }

    pub(crate) fn counts(&self) -> ListenerCounts {
        self.metrics.counts()
    }
}
