//! The cluster's one producer: back-pressure by a semaphore, delivery reports by a thread of its own.
//!
//! A record takes a permit before librdkafka sees it; the poller gives the permit back when the report was served and
//! the record's room in librdkafka's queue is free again. There are half as many permits as the queue holds records, so
//! only its limit in bytes can fill it; then a send waits for the next report, never for a timer.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::{
    config::ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, TryAcquireError};

use super::{
    Enqueue, PendingSend, RecordSink,
    client_log::ClientLog,
    delivery::{BatchCompletion, Completion},
    ffi::{BatchTicket, MAX_BATCH, MessageArray, NativeProducer, NotTaken, Outbound, Report, ReportSink, Ticket},
    produce_error::{Limits, describe},
};
use crate::{
    error::{Error, ErrorKind},
    producer::{PartitionInfo, SendError},
    record::{ProducerRecord, SendResult},
};

/// How long the poller sleeps when nothing happens; stopping wakes it, so this only bounds what a lost wake-up costs.
const POLL: Duration = Duration::from_secs(1);
/// How long the reports of purged records are waited for; they are there already, but for the poller's turn.
const PURGE_GRACE: Duration = Duration::from_secs(2);
/// How long the cluster is asked for the metadata of a topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a topic's number of partitions is believed: it changes rarely, and only grows.
const N_PARTITIONS_TTL: Duration = Duration::from_secs(60);

/// A cheap handle of the producer; the last one to go stops it, and what is unsent then is given up.
#[derive(Clone)]
pub(crate) struct Producer(Arc<Handle>);

/// What was cut off when a producer was closed before everything was acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CloseReport {
    /// Records that never left this process.
    pub(crate) n_unsent: u64,
    /// Records that were on their way: the broker may or may not have them.
    pub(crate) n_in_doubt: u64,
}

impl CloseReport {
    /// Whether everything was acknowledged or answered with an error.
    pub(crate) fn is_clean(&self) -> bool {
        self.n_unsent == 0 && self.n_in_doubt == 0
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_unsent, n_in_doubt } = self;
        write!(f, "the producer gave up {n_unsent} records that were not sent and {n_in_doubt} that may have arrived")
    }
}

/// Keys and payloads of one topic, to be sent in one call.
pub(crate) type Batch<'a> = &'a [(Option<bytes::Bytes>, Option<bytes::Bytes>)];

struct Handle {
    /// Taken on drop only: the poller's thread destroys the client, since that joins librdkafka's threads.
    core: Option<Arc<Core>>,
    retire: mpsc::Sender<Arc<Core>>,
}

/// What handles and the poller share.
struct Core {
    native: NativeProducer<ClientLog>,
    room: Semaphore,
    n_permits: usize,
    /// Told after each served report, for sends that wait for bytes.
    reported: Notify,
    batches: Mutex<BatchTable>,
    /// Partitions of topics asked for, and when.
    n_partitions: Mutex<HashMap<Box<str>, (Instant, i32)>>,
    limits: Limits,
    counters: Counters,
    is_retired: AtomicBool,
}

#[derive(Default)]
struct Counters {
    n_unsent: AtomicU64,
    n_in_doubt: AtomicU64,
}

/// Batches under way by their key; places are used again.
#[derive(Default)]
struct BatchTable {
    places: Vec<Option<Arc<BatchCompletion>>>,
    free: Vec<usize>,
}

impl Producer {
    /// Creates the producer and starts its poller; no connection is waited for.
    ///
    /// # Errors
    /// librdkafka refuses a property or a combination of them.
    pub(crate) fn create(properties: &BTreeMap<String, String>) -> Result<Self, Error> {
        let config: ClientConfig = properties.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let refused = |error: KafkaError| {
            Error::new(ErrorKind::Config, "the producer cannot be created from its properties").with_source(error)
        };
        let limits = config.create_native_config().and_then(|native| Limits::of(&native)).map_err(refused)?;
        let log = ClientLog::new("producer", limits.servers.clone());
        let native = NativeProducer::create(&config, log).map_err(refused)?;
        let n_permits = (limits.queue_messages / 2).clamp(1, Semaphore::MAX_PERMITS);
        let core = Arc::new(Core {
            native,
            room: Semaphore::new(n_permits),
            n_permits,
            reported: Notify::new(),
            batches: Mutex::default(),
            n_partitions: Mutex::default(),
            limits,
            counters: Counters::default(),
            is_retired: AtomicBool::new(false),
        });
        let (retire, retired) = mpsc::channel();
        let poller = Arc::clone(&core);
        thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || poller.run(&retired))
            .map_err(|e| Error::new(ErrorKind::Unavailable, "cannot start the producer's thread").with_source(e))?;
        Ok(Self(Arc::new(Handle { core: Some(core), retire })))
    }

    fn core(&self) -> &Arc<Core> {
        match &self.0.core {
            Some(core) => core,
            None => unreachable!("the core is taken when the last handle is dropped, and self is one"),
        }
    }

    /// Hands a record over when there is room now; `Err(Full)` gives the ticket back.
    pub(crate) fn try_produce(&self, record: &Outbound<'_>, ticket: Ticket) -> Result<(), TryProduce> {
        self.core().try_produce(record, ticket)
    }

    /// Waits for room, then hands the record over.
    pub(crate) async fn produce(&self, record: ProducerRecord, ticket: Ticket) -> Result<(), SendError> {
        self.core().produce(record, ticket).await
    }

    /// Hands at most [`MAX_BATCH`] records of a topic over, waiting for room; the batch is done when all are answered.
    pub(crate) async fn produce_batch(&self, topic: &str, records: Batch<'_>) -> Result<Arc<BatchCompletion>, Error> {
        self.core().produce_batch(topic, records).await
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

    /// The topic's partitions as the cluster describes them now; asks off the async threads.
    pub(crate) async fn partitions_for(&self, topic: &str) -> Result<Vec<PartitionInfo>, Error> {
        let (core, topic) = (Arc::clone(self.core()), topic.to_owned());
        blocking(move || core.partitions_for(&topic)).await?
    }

    /// `delivery.timeout.ms`: within it every record is answered.
    pub(crate) fn delivery_timeout(&self) -> Duration {
        self.core().limits.delivery_timeout()
    }
}

impl RecordSink for Producer {
    fn enqueue(&self, mut record: ProducerRecord) -> Enqueue<'_> {
        let Some(topic) = record.topic.take() else {
            let error = Error::new(ErrorKind::Config, "a record without a topic cannot be sent");
            return Enqueue::now(Err(SendError::new(record, error)));
        };
        record.topic = Some(Arc::clone(&topic));
        let completion = Arc::new(Completion::choosing(record.partition, record.timestamp));
        let pending = PendingSend::waiting(Arc::clone(&completion));
        match self.try_produce(&Outbound::of(&topic, &record), Ticket::One(completion)) {
            Ok(()) => Enqueue::now(Ok(pending)),
            Err(TryProduce::Failed(error)) => Enqueue::now(Err(SendError::new(record, error))),
            Err(TryProduce::Full(ticket)) => Enqueue::Later(Box::pin(async move {
                self.produce(record, ticket).await?;
                Ok(pending)
            })),
        }
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

/// Why a record was not taken at once.
pub(crate) enum TryProduce {
    /// There is no room; the ticket for the next attempt.
    Full(Ticket),
    Failed(Error),
}

impl Core {
    fn try_produce(&self, record: &Outbound<'_>, ticket: Ticket) -> Result<(), TryProduce> {
        let permit = match self.room.try_acquire() {
            Ok(permit) => permit,
            Err(TryAcquireError::NoPermits) => return Err(TryProduce::Full(ticket)),
            Err(TryAcquireError::Closed) => return Err(TryProduce::Failed(closed(record.topic))),
        };
        match self.native.produce(record, ticket) {
            Ok(()) => {
                permit.forget();
                Ok(())
            }
            // An unknown topic may have been made since: the slow way asks the cluster once.
            Err(NotTaken { code: RDKafkaErrorCode::QueueFull | RDKafkaErrorCode::UnknownTopic, ticket })
                if self.limits.fits_queue(record) =>
            {
                Err(TryProduce::Full(ticket))
            }
            Err(NotTaken { code, .. }) => Err(TryProduce::Failed(describe(code, record, &self.limits, false))),
        }
    }

    async fn produce(self: &Arc<Self>, record: ProducerRecord, mut ticket: Ticket) -> Result<(), SendError> {
        let topic = record.topic.clone().unwrap_or_default();
        let Ok(permit) = self.room.acquire().await else { return Err(SendError::new(record, closed(&topic))) };
        let mut is_refreshed = false;
        loop {
            let reported = self.reported.notified();
            tokio::pin!(reported);
            reported.as_mut().enable();
            if self.room.is_closed() {
                return Err(SendError::new(record, closed(&topic)));
            }
            let outbound = Outbound::of(&topic, &record);
            let code = match self.native.produce(&outbound, ticket) {
                Ok(()) => {
                    permit.forget();
                    return Ok(());
                }
                Err(not_taken) => {
                    ticket = not_taken.ticket;
                    not_taken.code
                }
            };
            let error = describe(code, &outbound, &self.limits, false);
            let is_fitting = self.limits.fits_queue(&outbound);
            if self.wait_to_retry(code, &topic, is_fitting, &mut is_refreshed, reported).await.is_break() {
                return Err(SendError::new(record, error));
            }
        }
    }

    /// Waits for what may let the next attempt succeed; `Break` when nothing can.
    async fn wait_to_retry(
        self: &Arc<Self>,
        code: RDKafkaErrorCode,
        topic: &str,
        is_fitting: bool,
        is_refreshed: &mut bool,
        reported: impl Future<Output = ()>,
    ) -> ControlFlow<()> {
        match code {
            RDKafkaErrorCode::QueueFull if is_fitting => {
                reported.await;
                ControlFlow::Continue(())
            }
            // librdkafka refuses a topic it once found missing until its next periodic refresh: ask now, once.
            RDKafkaErrorCode::UnknownTopic if !*is_refreshed => {
                *is_refreshed = true;
                let (core, topic) = (Arc::clone(self), topic.to_owned());
                match blocking(move || core.partitions_for(&topic)).await {
                    Ok(Ok(_)) => ControlFlow::Continue(()),
                    Ok(Err(_)) | Err(_) => ControlFlow::Break(()),
                }
            }
            _ => ControlFlow::Break(()),
        }
    }

    async fn produce_batch(self: &Arc<Self>, topic: &str, records: Batch<'_>) -> Result<Arc<BatchCompletion>, Error> {
        let n_records = match u32::try_from(records.len()) {
            // A batch without records would never be reported on, and keep its place in the table.
            Ok(0) => return Ok(Arc::new(BatchCompletion::new(0))),
            Ok(n) if records.len() <= MAX_BATCH.min(self.n_permits) => n,
            _ => return Err(too_many(records.len())),
        };
        let permits = self.room.acquire_many(n_records).await.map_err(|_| closed(topic))?;
        let mut batch = OpenBatch::register(self, topic, records, permits);
        let mut is_refreshed = false;
        while let Some(next) = batch.records.get(batch.n_settled) {
            let reported = self.reported.notified();
            tokio::pin!(reported);
            reported.as_mut().enable();
            if self.room.is_closed() {
                break;
            }
            let next = outbound_of(topic, next);
            let is_fitting = self.limits.fits_queue(&next);
            let code = batch.produce(&mut is_refreshed);
            if code != RDKafkaErrorCode::NoError
                && self.wait_to_retry(code, topic, is_fitting, &mut is_refreshed, reported).await.is_break()
            {
                batch.fail_next(code);
            }
        }
        Ok(Arc::clone(&batch.completion))
    }

    fn partitions_for(&self, topic: &str) -> Result<Vec<PartitionInfo>, Error> {
        super::metadata::partitions_for(self.native.client(), topic, METADATA_TIMEOUT, &self.limits.servers)
    }

    /// The poller: serves reports until the last handle is gone, then gives up what is left and lets the client go.
    fn run(self: Arc<Self>, retired: &mpsc::Receiver<Arc<Self>>) {
        while !self.is_retired.load(Ordering::Acquire) {
            self.serve(POLL);
        }
        if self.native.n_outstanding() > 0 {
            self.native.purge();
            while self.native.n_outstanding() > 0 && self.serve(PURGE_GRACE) {}
            let cut_off = self.counters.cut_off();
            if cut_off != CloseReport::default() {
                tracing::error!(
                    n_unsent = cut_off.n_unsent,
                    n_in_doubt = cut_off.n_in_doubt,
                    "the producer was dropped without close: records were given up"
                );
            }
        }
        let _ = retired.recv();
    }

    /// Serves one event; false when none came in time.
    fn serve(&self, timeout: Duration) -> bool {
        let Some(n_reports) = self.native.serve(timeout, &mut Reports { core: self, last: None }) else { return false };
        if n_reports > 0 {
            self.room.add_permits(n_reports);
            self.reported.notify_waiters();
        }
        true
    }
}

impl Counters {
    fn cut_off(&self) -> CloseReport {
        CloseReport {
            n_unsent: self.n_unsent.load(Ordering::Relaxed),
            n_in_doubt: self.n_in_doubt.load(Ordering::Relaxed),
        }
    }

    fn failed(&self, code: RDKafkaErrorCode) {
        match code {
            RDKafkaErrorCode::PurgeQueue => self.n_unsent.fetch_add(1, Ordering::Relaxed),
            RDKafkaErrorCode::PurgeInflight => self.n_in_doubt.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

/// Brings the reports of one event to who waits for them.
struct Reports<'c> {
    core: &'c Core,
    /// The batch of the record before: reports of a batch come in runs. It lives for one event only, so its key cannot
    /// have been given to another batch.
    last: Option<(usize, Arc<BatchCompletion>)>,
}

impl ReportSink for Reports<'_> {
    fn report(&mut self, ticket: Ticket, report: &Report<'_>) {
        let result = report.result().map_err(|code| self.failure(code, &ticket, report));
        match ticket {
            Ticket::One(completion) => completion.complete(result),
            Ticket::Batch(ticket) => self.batch(ticket, result),
            Ticket::Forget => {
                if let Err(error) = result {
                    tracing::error!(error = %error, "a record that nobody waits for was not sent");
                }
            }
        }
    }
}

impl Reports<'_> {
    fn failure(&self, code: RDKafkaErrorCode, ticket: &Ticket, report: &Report<'_>) -> SendError {
        self.core.counters.failed(code);
        let mut record = report.to_record();
        if let Ticket::One(completion) = ticket {
            record = completion.restore(record);
        }
        let topic = record.topic.clone().unwrap_or_default();
        let is_in_doubt = report.is_possibly_appended();
        let error = describe(code, &Outbound::of(&topic, &record), &self.core.limits, is_in_doubt);
        SendError::new(record, error)
    }

    fn batch(&mut self, ticket: BatchTicket, result: Result<SendResult, SendError>) {
        if self.last.as_ref().is_none_or(|(key, _)| *key != ticket.key) {
            self.last = self.core.batches.lock().get(ticket.key).map(|batch| (ticket.key, batch));
        }
        if let Some((key, batch)) = &self.last
            && batch.complete(ticket.index, result)
        {
            self.core.batches.lock().remove(*key);
        }
    }
}

/// A batch on its way into librdkafka. Dropped early (its future was dropped), it answers for what was never handed over.
struct OpenBatch<'a> {
    core: &'a Core,
    topic: &'a str,
    records: Batch<'a>,
    permits: SemaphorePermit<'a>,
    key: usize,
    completion: Arc<BatchCompletion>,
    scratch: MessageArray,
    /// Records handed over or refused.
    n_settled: usize,
}

impl<'a> OpenBatch<'a> {
    fn register(core: &'a Core, topic: &'a str, records: Batch<'a>, permits: SemaphorePermit<'a>) -> Self {
        let completion = Arc::new(BatchCompletion::new(records.len()));
        let key = core.batches.lock().insert(Arc::clone(&completion));
        Self { core, topic, records, permits, key, completion, scratch: MessageArray::new(), n_settled: 0 }
    }

    /// Hands over what is left; `NoError` when nothing is left, else why the first of the rest was not taken.
    fn produce(&mut self, is_refreshed: &mut bool) -> RDKafkaErrorCode {
        let rest = &self.records[self.n_settled..];
        let first = BatchTicket { key: self.key, index: self.n_settled };
        let mut refused = Vec::new();
        let mut n_taken = 0;
        let n_settled = self.core.native.produce_batch(
            self.topic,
            rest.iter().map(|(key, payload)| (key.as_deref(), payload.as_deref())),
            first,
            &mut self.scratch,
            |i, code| match code {
                None => n_taken += 1,
                Some(code) => refused.push((i, code)),
            },
        );
        if let Some(taken) = self.permits.split(n_taken) {
            taken.forget();
        }
        let n_settled = match n_settled {
            Ok(n_settled) => n_settled,
            Err(code) => return code,
        };
        // The state of the topic is one for the whole call, so all were refused for it: all may be tried again, once.
        if n_taken == 0 && !*is_refreshed && refused.iter().all(|(_, code)| *code == RDKafkaErrorCode::UnknownTopic) {
            return if n_settled == 0 { RDKafkaErrorCode::QueueFull } else { RDKafkaErrorCode::UnknownTopic };
        }
        let start = self.n_settled;
        self.n_settled += n_settled;
        for (i, code) in refused {
            self.refuse(start + i, code);
        }
        if self.n_settled < self.records.len() { RDKafkaErrorCode::QueueFull } else { RDKafkaErrorCode::NoError }
    }

    fn fail_next(&mut self, code: RDKafkaErrorCode) {
        self.n_settled += 1;
        self.refuse(self.n_settled - 1, code);
    }

    fn refuse(&self, index: usize, code: RDKafkaErrorCode) {
        let outbound = outbound_of(self.topic, &self.records[index]);
        self.core.counters.failed(code);
        self.answer(index, describe(code, &outbound, &self.core.limits, false));
    }

    fn answer(&self, index: usize, error: Error) {
        let (key, payload) = self.records[index].clone();
        let record = ProducerRecord { topic: Some(self.topic.into()), key, payload, ..ProducerRecord::default() };
        if self.completion.complete(index, Err(SendError::new(record, error))) {
            self.core.batches.lock().remove(self.key);
        }
    }
}

impl Drop for OpenBatch<'_> {
    fn drop(&mut self) {
        for index in self.n_settled..self.records.len() {
            self.answer(index, closed(self.topic));
        }
    }
}

impl BatchTable {
    fn insert(&mut self, batch: Arc<BatchCompletion>) -> usize {
        match self.free.pop() {
            Some(key) => {
                self.places[key] = Some(batch);
                key
            }
            None => {
                self.places.push(Some(batch));
                self.places.len() - 1
            }
        }
    }

    fn get(&self, key: usize) -> Option<Arc<BatchCompletion>> {
        self.places.get(key).cloned().flatten()
    }

    fn remove(&mut self, key: usize) {
        if self.places[key].take().is_some() {
            self.free.push(key);
        }
    }
}

impl<'a> Outbound<'a> {
    pub(crate) fn of(topic: &'a str, record: &'a ProducerRecord) -> Self {
        Self {
            topic,
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            payload: record.payload.as_deref(),
            headers: (!record.headers.is_empty()).then_some(&record.headers),
        }
    }
}

fn outbound_of<'a>(topic: &'a str, (key, payload): &'a (Option<bytes::Bytes>, Option<bytes::Bytes>)) -> Outbound<'a> {
    Outbound {
        topic,
        partition: None,
        timestamp: None,
        key: key.as_deref(),
        payload: payload.as_deref(),
        headers: None,
    }
}

fn closed(topic: &str) -> Error {
    Error::new(ErrorKind::Stopped, format!("the record for `{topic}` was not sent: the producer is closed"))
}

fn too_many(n_records: usize) -> Error {
    Error::new(ErrorKind::Refused, format!("{n_records} records are more than a batch holds"))
}

/// Runs a call of librdkafka that blocks on a thread where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let ended = |e| Error::new(ErrorKind::Stopped, "a call to the Kafka client was cut off").with_source(e);
    tokio::task::spawn_blocking(call).await.map_err(ended)
}
