//! [`Core`]: room for records, hand-over to librdkafka, and the poller's turns.

use std::{
    collections::HashMap,
    future::Future,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::{Notify, Semaphore, TryAcquireError};

use super::{
    PURGE_GRACE,
    batch::{Batch, BatchTable, OpenBatch, too_many},
    blocking,
    cut_off::{CloseReport, Counters},
    reports::Reports,
};
use crate::{
    client::{
        brokers::Brokers,
        client_log::ClientLog,
        delivery::BatchCompletion,
        ffi::{MAX_BATCH, NativeProducer, NotTaken, Outbound, Ticket},
        metadata,
        produce_error::{Limits, describe, is_of_outage, is_of_transaction},
        transactional::Undelivered,
        window::Window,
    },
    error::{Error, ErrorKind},
    producer::{Interceptors, PartitionInfo, SendError},
    record::ProducerRecord,
};

/// How long the poller sleeps when nothing happens; stopping wakes it, so this only bounds what a lost wake-up costs.
const POLL: Duration = Duration::from_secs(1);
/// How long the cluster is asked for the metadata of a topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// What handles and the poller share.
pub(super) struct Core {
    pub(super) native: NativeProducer<ClientLog>,
    pub(super) room: Semaphore,
    pub(super) n_permits: usize,
    /// Told after each served report, for sends that wait for bytes.
    pub(super) reported: Notify,
    /// Held by senders too.
    pub(super) batches: Arc<Mutex<BatchTable>>,
    /// Partitions of topics asked for, and when.
    pub(super) n_partitions: Mutex<HashMap<Box<str>, (Instant, i32)>>,
    pub(super) limits: Limits,
    pub(super) brokers: Arc<Brokers>,
    pub(super) interceptors: Interceptors,
    pub(super) counters: Counters,
    /// Whose records fail or arrive together, which the end of their transaction tells.
    pub(super) is_transactional: bool,
    /// Of a transactional producer, why the first record of the transaction failed that did not do so for another's sake.
    pub(super) failure: Mutex<Option<Undelivered>>,
    /// Records of the transaction fail because it has failed.
    pub(super) is_broken: AtomicBool,
    pub(super) is_retired: AtomicBool,
}

/// Why a record was not taken at once.
pub(crate) enum TryProduce {
    /// There is no room; the ticket for the next attempt.
    Full(Ticket),
    Failed(Error),
}

impl Core {
    /// A record of a transaction was refused or not delivered.
    pub(super) fn note_failure(&self, code: RDKafkaErrorCode, error: &Error) {
        let is_its_own = !is_of_outage(code);
        if !is_of_transaction(code) {
            self.failure.lock().get_or_insert_with(|| Undelivered { text: error.to_string(), is_its_own });
        }
        // Behind it, so that who sees the one sees the other.
        if is_of_transaction(code) || !is_its_own {
            self.is_broken.store(true, Ordering::Release);
        }
    }

    /// As [`describe`], of a record that was refused.
    fn refused(&self, code: RDKafkaErrorCode, record: &Outbound<'_>) -> Error {
        if self.is_transactional && is_of_transaction(code) {
            self.is_broken.store(true, Ordering::Release);
        }
        describe(code, record, &self.limits, false)
    }

    pub(super) fn try_produce(&self, record: &Outbound<'_>, ticket: Ticket) -> Result<(), TryProduce> {
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
            Err(NotTaken { code, .. }) => Err(TryProduce::Failed(self.refused(code, record))),
        }
    }

    pub(super) async fn produce(self: &Arc<Self>, record: ProducerRecord, mut ticket: Ticket) -> Result<(), SendError> {
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
            let error = self.refused(code, &outbound);
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

    pub(super) async fn produce_batch(
        self: &Arc<Self>,
        topic: &str,
        records: Batch<'_>,
        window: &Arc<Window>,
    ) -> Result<Arc<BatchCompletion>, Error> {
        let n_records = match u32::try_from(records.len()) {
            // A batch without records would never be reported on, and keep its place in the table.
            Ok(0) => return Ok(Arc::new(BatchCompletion::new(0, Arc::clone(window)))),
            Ok(n) if records.len() <= MAX_BATCH.min(self.n_permits) => n,
            _ => return Err(too_many(records.len())),
        };
        let permits = self.room.acquire_many(n_records).await.map_err(|_| closed(topic))?;
        let mut batch = OpenBatch::register(self, topic, records, window, permits);
        let mut is_refreshed = false;
        while let Some(next) = batch.records.get(batch.n_settled) {
            let reported = self.reported.notified();
            tokio::pin!(reported);
            reported.as_mut().enable();
            if self.room.is_closed() {
                break;
            }
            let next = Outbound::keyed(topic, next);
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

    pub(super) fn partitions_for(&self, topic: &str) -> Result<Vec<PartitionInfo>, Error> {
        metadata::partitions_for(self.native.client(), topic, METADATA_TIMEOUT, &self.limits.servers)
    }

    /// The poller: serves reports until the last handle is gone, then gives up what is left and lets the client go.
    pub(super) fn run(self: Arc<Self>, retired: &mpsc::Receiver<Arc<Self>>) {
        while !self.is_retired.load(Ordering::Acquire) {
            self.serve(POLL);
            let now = Instant::now();
            self.native.client().context().look(now);
            self.native.keep_brokers(now);
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
        let Some(n_reports) = self.native.serve(timeout, &mut Reports::new(self)) else { return false };
        if n_reports > 0 {
            self.reported.notify_waiters();
        }
        true
    }
}

pub(super) fn closed(topic: &str) -> Error {
    Error::new(ErrorKind::Stopped, format!("the record for `{topic}` was not sent: the producer is closed"))
}
