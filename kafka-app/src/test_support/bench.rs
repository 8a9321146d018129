//! [`Bench`]: runs a handler over a chunk as a lane does, without a lane.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::{FakeProgress, FakeSink, keep_all_places};
use crate::{
    client::{GroupMetadata, RecordSink, StoredOffset, TransactionFault, TransactionalClient, Undelivered},
    config::{DeadLetter, Delivery, ResolvedListener},
    error::Result,
    handler::{BatchHandler, HandlerEnv, RecordHandler, States},
    listener::{
        Breaker, Chunk, Delivered, EventBus, Guards, Handler, KeyStates, Listener, ListenerCounts, ListenerMetrics,
        Policy, Progress, Transaction, TurnProducer,
    },
    record::{Headers, OwnedRecord, RawRecord, Timestamp},
    schema::SchemaPort,
};

/// A listener `bill` of the topic `orders`, partition 3, with a chunk to handle. Sequences count from 0, offsets from
/// 100; payloads are as given, keys `k0`, `k1`, ….
pub(crate) struct Bench {
    pub(crate) listener: ResolvedListener,
    pub(crate) progress: FakeProgress,
    pub(crate) sink: Arc<FakeSink>,
    pub(crate) filter: Option<fn(&RawRecord) -> bool>,
    topic: Arc<str>,
    metrics: Arc<ListenerMetrics>,
    pub(crate) events: EventBus,
    guards: OnceLock<Guards>,
    takes_template: bool,
    schemas: Option<Arc<dyn SchemaPort>>,
    /// Whether transactions have failed under their handlers.
    pub(crate) is_broken: bool,
    /// Exactly once: what the chunk is handled in.
    pub(crate) transaction: Option<Arc<Transaction>>,
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
            topic: "orders".into(),
            metrics: Arc::default(),
            events: EventBus::default(),
            guards: OnceLock::new(),
            takes_template: false,
            schemas: None,
            is_broken: false,
            transaction: None,
            records: (0..).zip(payloads).map(delivered).collect(),
        }
    }

    /// With the dead letter topic `orders-dlt`.
    pub(crate) fn dead_letters(mut self) -> Self {
        self.listener.dead_letter = DeadLetter::Topic("orders-dlt".to_owned());
        self
    }

    /// With these headers on each record; the payloads are as they were.
    pub(crate) fn headers(self, headers: &Headers) -> Self {
        self.change(|record| record.headers = headers.clone())
    }

    /// With the key `k` for all.
    pub(crate) fn of_one_key(self) -> Self {
        self.change(|record| record.key = Some(b"k".to_vec()))
    }

    fn change(mut self, change: impl Fn(&mut OwnedRecord)) -> Self {
        for delivered in &mut self.records {
            let record = &delivered.record;
            let mut owned = OwnedRecord {
                offset: record.offset(),
                timestamp: record.timestamp(),
                key: record.key().map(<[u8]>::to_vec),
                payload: record.payload().map(<[u8]>::to_vec),
                leader_epoch: record.leader_epoch(),
                ..OwnedRecord::default()
            };
            change(&mut owned);
            delivered.record = RawRecord::from(owned);
        }
        self
    }

    /// With records of another topic.
    pub(crate) fn topic(self, topic: &str) -> Self {
        Self { topic: topic.into(), ..self }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut ResolvedListener)) -> Self {
        change(&mut self.listener);
        self
    }

    /// Exactly once, in a transaction of the sink.
    pub(crate) fn in_transaction(mut self) -> Self {
        self.listener.delivery = Delivery::ExactlyOnce;
        self.again_in_transaction();
        self
    }

    /// In another transaction that knows what failed in those before.
    pub(crate) fn again_in_transaction(&mut self) {
        let ledger = self.transaction.as_ref().map_or_else(Arc::default, |transaction| transaction.shared_ledger());
        let producer: Arc<dyn RecordSink> = Arc::<FakeSink>::clone(&self.sink);
        let client = FakeTransactions { is_broken: self.is_broken, ..FakeTransactions::default() };
        let schemas = self.schemas.clone();
        let producer = TurnProducer::new(client, move |_| env(Arc::clone(&producer), schemas.clone()));
        self.transaction = Some(Transaction::for_tests(&Arc::new(producer), &ledger));
        self.progress = FakeProgress::new();
    }

    /// With a handler that may send before it succeeds.
    pub(crate) fn takes_template(self) -> Self {
        Self { takes_template: true, ..self }
    }

    /// With a registry of schemas.
    #[cfg(feature = "schema-registry")]
    pub(crate) fn schemas(self, schemas: Arc<dyn SchemaPort>) -> Self {
        Self { schemas: Some(schemas), ..self }
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
        let policy = Policy {
            env: Arc::new(env(Arc::<FakeSink>::clone(&self.sink), self.schemas.clone())),
            listener: Arc::new(self.listener.clone()),
            filter: self.filter,
            metrics: Arc::clone(&self.metrics),
            events: self.events.sink("bill"),
            guards: self.guards().clone(),
            takes_template: self.takes_template,
        };
        let runner = match &listener.handler {
            Handler::Record(handler) => Arc::clone(handler).runner(policy),
            Handler::Batch(handler) => Arc::clone(handler).runner(policy),
        };
        let progress: &dyn Progress = &self.progress;
        let transaction = self.transaction.as_deref();
        let key_states = &KeyStates::default();
        let chunk = Chunk { topic: &self.topic, partition: 3, records: &self.records, transaction, key_states };
        runner.run(chunk, progress).await
    }

    /// The listener's circuit breaker, of the settings it has when it is asked for first.
    pub(crate) fn breaker(&self) -> Arc<Breaker> {
        Arc::clone(&self.guards().breaker)
    }

    fn guards(&self) -> &Guards {
        self.guards.get_or_init(|| Guards::new(&self.listener, &self.metrics, &self.events.sink("bill")))
    }

    pub(crate) fn counts(&self) -> ListenerCounts {
        self.metrics.counts()
    }
}

fn env(producer: Arc<dyn RecordSink>, schemas: Option<Arc<dyn SchemaPort>>) -> HandlerEnv {
    HandlerEnv {
        listener_id: "bill".to_owned(),
        states: States::default(),
        producer: Some(producer),
        template: None,
        schemas,
    }
}

/// A transactional producer of which only the state is asked.
#[derive(Debug, Default)]
pub(crate) struct FakeTransactions {
    pub(crate) is_broken: bool,
    pub(crate) failure: Arc<Mutex<Option<Undelivered>>>,
}

type Outcome = std::result::Result<(), TransactionFault>;

impl TransactionalClient for FakeTransactions {
    fn init(&self) -> Outcome {
        Ok(())
    }

    fn begin(&self) -> Outcome {
        Ok(())
    }

    fn flush(&self) -> Outcome {
        Ok(())
    }

    fn failure(&self) -> Option<Undelivered> {
        self.failure.lock().clone()
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }

    fn send_offsets(&self, _: &[StoredOffset], _: &GroupMetadata) -> Outcome {
        Ok(())
    }

    fn commit(&self) -> Outcome {
        Ok(())
    }

    fn abort(&self) -> Outcome {
        Ok(())
    }
}
