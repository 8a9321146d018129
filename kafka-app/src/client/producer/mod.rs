//! The cluster's one producer: back-pressure by a semaphore, delivery reports by a thread of its own.
//!
//! A record takes a permit before librdkafka sees it; the poller gives the permits of all records that one event reports
//! on back before it tells anyone, while librdkafka still counts those records in its queue. So there are half as many
//! permits as the queue holds records, and only its limit in bytes can fill it; then a send waits for the next report,
//! never for a timer.

mod batch;
mod core;
mod cut_off;
mod receipts;
mod reports;
mod scope;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::{
    config::{ClientConfig, RDKafkaLogLevel},
    error::KafkaError,
};
use tokio::sync::{Notify, Semaphore};

use self::{
    batch::Batch,
    core::Core,
    cut_off::{CloseReport, Counters},
};
use super::{
    Enqueue, PendingSend, RecordSink,
    brokers::{Brokers, UnreachableBroker},
    client_log::ClientLog,
    delivery::{BatchCompletion, Completion},
    ffi::{MAX_BATCH, NativeProducer, Outbound, Ticket, not_built_in, outlive_main},
    produce_error::Limits,
    transactional::Undelivered,
    window::Window,
};
use crate::{
    error::{Error, ErrorKind},
    producer::{Interceptors, PartitionInfo, SendError},
    record::ProducerRecord,
};
pub(crate) use core::TryProduce;
pub(super) use receipts::Collects;
pub(crate) use receipts::Receipts;
pub(crate) use scope::Scope;

/// How long the reports of purged records are waited for; they are there already, but for the poller's turn.
const PURGE_GRACE: Duration = Duration::from_secs(2);
/// How long a topic's number of partitions is believed: it changes rarely, and only grows.
const N_PARTITIONS_TTL: Duration = Duration::from_secs(60);

/// A cheap handle of the producer; the last one to go stops it, and what is unsent then is given up.
#[derive(Clone)]
pub(crate) struct Producer {
    handle: Arc<Handle>,
    /// The one transaction it sends into; `None` unless it is of a transaction.
    scope: Option<Scope>,
}

struct Handle {
    /// Taken on drop only: the poller's thread destroys the client, since that joins librdkafka's threads.
    core: Option<Arc<Core>>,
    retire: mpsc::Sender<Arc<Core>>,
}

impl Producer {
    /// Creates the producer and starts its poller; no connection is waited for. Which brokers it cannot reach, it tells
    /// `brokers`.
    ///
    /// # Errors
    /// librdkafka refuses a property or a combination of them.
    pub(crate) fn create(
        properties: &BTreeMap<String, String>,
        interceptors: Interceptors,
        brokers: &Arc<Brokers>,
    ) -> Result<Self, Error> {
        outlive_main();
        let mut config: ClientConfig = properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        if properties.contains_key("debug") {
            config.set_log_level(RDKafkaLogLevel::Debug); // rdkafka would keep to what the crate `log` lets through.
        }
        let refused = |error: KafkaError| {
            let hint = not_built_in(&error.to_string());
            Error::new(ErrorKind::Config, format!("the producer cannot be created from its properties{hint}"))
                .with_source(error)
        };
        let limits = config.create_native_config().and_then(|native| Limits::of(&native)).map_err(refused)?;
        let connections = brokers.add_client();
        let log = ClientLog::new("producer", limits.servers.clone()).of(brokers, &connections);
        let native = NativeProducer::create(&config, log, connections).map_err(refused)?;
        let n_permits = (limits.queue_messages / 2).clamp(1, Semaphore::MAX_PERMITS);
        let core = Arc::new(Core {
            native,
            room: Semaphore::new(n_permits),
            n_permits,
            reported: Notify::new(),
            batches: Arc::default(),
            n_partitions: Mutex::default(),
            limits,
            brokers: Arc::clone(brokers),
            interceptors,
            counters: Counters::default(),
            is_transactional: properties.contains_key("transactional.id"),
            failure: Mutex::default(),
            is_broken: AtomicBool::new(false),
            is_retired: AtomicBool::new(false),
        });
        let (retire, retired) = mpsc::channel();
        let poller = Arc::clone(&core);
        thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || poller.run(&retired))
            .map_err(|e| Error::new(ErrorKind::Unavailable, "cannot start the producer's thread").with_source(e))?;
        Ok(Self { handle: Arc::new(Handle { core: Some(core), retire }), scope: None })
    }

    /// The same producer for one transaction: once the scope has ended, it sends no more, whoever kept it.
    pub(crate) fn scoped(&self, scope: &Scope) -> Self {
        Self { handle: Arc::clone(&self.handle), scope: Some(scope.clone()) }
    }

    /// Those that it needs and cannot reach, and those that clients which are looked at with it cannot.
    pub(crate) fn unreachable_brokers(&self) -> Vec<UnreachableBroker> {
        self.core().brokers.unreachable(Instant::now())
    }

    pub(super) fn native(&self) -> &NativeProducer<ClientLog> {
        &self.core().native
    }

    /// Of a transactional producer, why the first record of the transaction failed that did not do so for another's sake.
    pub(super) fn failure(&self) -> Option<Undelivered> {
        self.core().failure.lock().clone()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.core().is_broken.load(Ordering::Acquire)
    }

    /// What failed in an earlier transaction is over.
    pub(super) fn forget_failure(&self) {
        self.core().failure.lock().take();
        self.core().is_broken.store(false, Ordering::Release);
    }

    fn check_scope(&self, topic: &str) -> Result<(), Error> {
        match &self.scope {
            Some(scope) if scope.has_ended() => Err(Error::new(
                ErrorKind::Stopped,
                format!("the record for `{topic}` was not sent: the transaction of this template has ended"),
            )),
            _ => Ok(()),
        }
    }

    fn core(&self) -> &Arc<Core> {
        match &self.handle.core {
            Some(core) => core,
            None => unreachable!("the core is taken when the last handle is dropped, and self is one"),
        }
    }

    /// Whether interceptors are to see each record: then all go by [`Producer::offer`] or [`Producer::try_offer`].
    pub(crate) fn is_intercepted(&self) -> bool {
        !self.core().interceptors.is_empty()
    }

    /// Has interceptors see a record, then hands it over: at once, or when there is room.
    pub(crate) fn offer(&self, record: ProducerRecord, ticket: Ticket) -> Enqueue<'_, ()> {
        match self.try_offer(record, ticket) {
            Ok(()) => Enqueue::now(Ok(())),
            Err(TryOffer::Failed(failed)) => Enqueue::now(Err(failed)),
            Err(TryOffer::Full(full)) => Enqueue::Later(Box::pin(async move {
                let (record, ticket) = *full;
                self.produce(record, ticket).await.inspect_err(|failed| self.refused(failed))
            })),
        }
    }

    /// Has interceptors see a record, then hands it over when there is room now; else it comes back as they left it.
    pub(crate) fn try_offer(&self, record: ProducerRecord, ticket: Ticket) -> Result<(), TryOffer> {
        let record = match self.is_intercepted() {
            true => self.core().interceptors.sending(record).map_err(TryOffer::Failed)?,
            false => record,
        };
        let error = match record.topic.clone() {
            Some(topic) => match self.try_produce(&Outbound::of(&topic, &record), ticket) {
                Ok(()) => return Ok(()),
                Err(TryProduce::Full(ticket)) => return Err(TryOffer::Full(Box::new((record, ticket)))),
                Err(TryProduce::Failed(error)) => error,
            },
            None => Error::new(ErrorKind::Config, "a record without a topic cannot be sent"),
        };
        let failed = SendError::new(record, error);
        self.refused(&failed);
        Err(TryOffer::Failed(failed))
    }

    fn refused(&self, failed: &SendError) {
        if self.is_intercepted() {
            self.core().interceptors.answered(failed.record().topic.as_deref().unwrap_or_default(), Err(failed));
        }
    }

    /// Hands a record over when there is room now; `Err(Full)` gives the ticket back.
    pub(crate) fn try_produce(&self, record: &Outbound<'_>, ticket: Ticket) -> Result<(), TryProduce> {
        self.check_scope(record.topic).map_err(TryProduce::Failed)?;
        self.core().try_produce(record, ticket)
    }

    /// Waits for room, then hands the record over.
    pub(crate) async fn produce(&self, record: ProducerRecord, ticket: Ticket) -> Result<(), SendError> {
        if let Err(error) = self.check_scope(record.topic.as_deref().unwrap_or_default()) {
            return Err(SendError::new(record, error));
        }
        self.core().produce(record, ticket).await
    }

    /// Hands at most [`MAX_BATCH`] records of a topic over, waiting for room; the batch is done when all are answered, and
    /// the window hears of each.
    pub(crate) async fn produce_batch(
        &self,
        topic: &str,
        records: Batch<'_>,
        window: &Arc<Window>,
    ) -> Result<Arc<BatchCompletion>, Error> {
        self.check_scope(topic)?;
        self.core().produce_batch(topic, records, window).await
    }

    /// Most records a batch may have: no more than there is room for at once.
    pub(crate) fn max_batch(&self) -> usize {
        MAX_BATCH.min(self.core().n_permits)
    }

    /// Waits until every record handed over is answered, those that others send meanwhile included; without linger.
    pub(crate) async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let core = Arc::clone(self.core());
        let flushed = blocking(move || core.native.flush(timeout)).await?;
        flushed.map_err(|code| {
            let n_open = self.core().native.n_outstanding();
            Error::new(ErrorKind::Unavailable, format!("{n_open} records are still unacknowledged after {timeout:?}"))
                .with_source(KafkaError::Flush(code))
        })
    }

    /// Refuses new records, waits for the others up to `timeout`, then gives up what is left and reports it.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<CloseReport, Error> {
        self.core().room.close();
        self.core().reported.notify_waiters();
        let core = Arc::clone(self.core());
        blocking(move || {
            if core.native.flush(timeout).is_err() {
                core.native.purge();
                // Reports of purged records are queued already; the poller serves them now.
                let _ = core.native.flush(PURGE_GRACE);
            }
            core.counters.cut_off()
        })
        .await
    }

    /// The topic's partitions as the cluster describes them now; asks off the async threads. That no broker lets the client
    /// in is known before the time for the question is over.
    pub(crate) async fn partitions_for(&self, topic: &str) -> Result<Vec<PartitionInfo>, Error> {
        let (core, topic) = (Arc::clone(self.core()), topic.to_owned());
        let refusal = core.native.client().context().refusal();
        let servers = core.limits.servers.clone();
        tokio::select! {
            biased;
            answer = blocking(move || core.partitions_for(&topic)) => answer?,
            refused = refusal.told(&servers) => Err(refused),
        }
    }

    /// `delivery.timeout.ms`: within it every record is answered.
    pub(crate) fn delivery_timeout(&self) -> Duration {
        self.core().limits.delivery_timeout()
    }
}

/// Why a record was not taken at once, with the record as interceptors left it.
pub(crate) enum TryOffer {
    /// There is no room.
    Full(Box<(ProducerRecord, Ticket)>),
    Failed(SendError),
}

impl RecordSink for Producer {
    fn enqueue(&self, record: ProducerRecord) -> Enqueue<'_> {
        let completion = Arc::new(Completion::choosing(record.partition, record.timestamp));
        let pending = PendingSend::waiting(Arc::clone(&completion));
        match self.offer(record, Ticket::One(completion)) {
            Enqueue::Now(taken) => Enqueue::Now(taken.map(|taken| taken.map(|()| pending))),
            Enqueue::Later(taken) => Enqueue::Later(Box::pin(async move { taken.await.map(|()| pending) })),
        }
    }

    fn entrust(&self, record: ProducerRecord) -> Enqueue<'_, ()> {
        self.offer(record, Ticket::Forget)
    }

    fn receipts(&self, n_records: usize) -> Receipts {
        Receipts::register(&self.core().batches, n_records)
    }

    fn try_enqueue(&self, record: &Outbound<'_>, receipts: &Receipts, index: usize) -> bool {
        // One that is given back is to have the partition and time that were chosen for it, which a slot does not keep.
        if self.is_intercepted() || record.partition.is_some() || record.timestamp.is_some() {
            return false;
        }
        let Some(ticket) = receipts.ticket(index) else { return false };
        let is_taken = self.try_produce(record, Ticket::Batch(ticket)).is_ok();
        if !is_taken {
            receipts.not_sent();
        }
        is_taken
    }

    fn try_entrust(&self, record: &Outbound<'_>) -> bool {
        !self.is_intercepted() && self.try_produce(record, Ticket::Forget).is_ok()
    }

    fn n_partitions<'a>(&'a self, topic: &'a str) -> Pin<Box<dyn Future<Output = Result<i32, Error>> + Send + 'a>> {
        Box::pin(async move {
            let core = self.core();
            let known = core.n_partitions.lock().get(topic).copied();
            if let Some((at, n_partitions)) = known
                && at.elapsed() < N_PARTITIONS_TTL
            {
                return Ok(n_partitions);
            }
            let n_partitions = i32::try_from(self.partitions_for(topic).await?.len()).unwrap_or(i32::MAX);
            core.n_partitions.lock().insert(topic.into(), (Instant::now(), n_partitions));
            Ok(n_partitions)
        })
    }
}

impl Drop for Handle {
    /// Tells the poller to give up what is unsent and to destroy the client; waits for nothing.
    fn drop(&mut self) {
        if let Some(core) = self.core.take() {
            core.is_retired.store(true, Ordering::Release);
            core.native.wake();
            // The poller waits for this after it saw the flag; it is gone only if its thread panicked.
            let _ = self.retire.send(core);
        }
    }
}

/// Runs a call of librdkafka that blocks on a thread where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let ended = |e| Error::new(ErrorKind::Stopped, "a call to the Kafka client was cut off").with_source(e);
    tokio::task::spawn_blocking(call).await.map_err(ended)
}
