//! [`FakeSink`]: a producer that notes what it was given and answers as it was told.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    client::{Completion, Enqueue, Outbound, PendingSend, Receipts, RecordSink},
    error::{Error, ErrorKind, Result},
    producer::SendError,
    record::{ProducerRecord, SendResult},
};

/// How one send ends; without a script every send is acknowledged at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Acknowledged at once.
    Acknowledged,
    /// Refused when it is handed over.
    Refused,
    /// Refused for good: there is no such topic.
    Unwanted,
    /// Accepted, then given up.
    Lost,
    /// Accepted, and open until [`FakeSink::acknowledge_all`].
    Open,
    /// Acknowledged, but not taken at once.
    Late,
}

/// A producer that notes what it was given, in order, and answers by its script.
#[derive(Default)]
pub(crate) struct FakeSink {
    script: Mutex<VecDeque<Sent>>,
    records: Mutex<Vec<ProducerRecord>>,
    open: Mutex<Vec<Box<dyn FnOnce() + Send>>>,
    n_at_once: AtomicUsize,
    handed_over: Notify,
    n_partitions: Option<i32>,
}

const ACKNOWLEDGED: SendResult = SendResult { partition: 0, offset: 0 };

impl FakeSink {
    pub(crate) fn new(script: impl IntoIterator<Item = Sent>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), n_partitions: Some(12), ..Self::default() })
    }

    /// One whose topics have this many partitions; `None`: it cannot tell.
    pub(crate) fn with_partitions(n_partitions: Option<i32>) -> Arc<Self> {
        Arc::new(Self { n_partitions, ..Self::default() })
    }

    /// All records handed over, in order, whatever became of them.
    pub(crate) fn records(&self) -> Vec<ProducerRecord> {
        self.records.lock().clone()
    }

    /// The payloads of [`FakeSink::records`], as text.
    pub(crate) fn payloads(&self) -> Vec<String> {
        let records = self.records.lock();
        let payloads = records.iter().map(|record| record.payload.as_deref().unwrap_or_default());
        payloads.map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
    }

    /// Waits until `n_records` were handed over.
    pub(crate) async fn await_records(&self, n_records: usize) {
        loop {
            let handed_over = self.handed_over.notified();
            if self.records.lock().len() >= n_records {
                return;
            }
            handed_over.await;
        }
    }

    pub(crate) fn acknowledge_all(&self) {
        self.open.lock().drain(..).for_each(|acknowledge| acknowledge());
    }

    /// How many went the short way, by [`RecordSink::try_enqueue`] and [`RecordSink::try_entrust`].
    pub(crate) fn n_at_once(&self) -> usize {
        self.n_at_once.load(Ordering::SeqCst)
    }

    /// What it takes at once; what it refuses, [`RecordSink::enqueue`] says why.
    fn taken(&self, record: &Outbound<'_>) -> Option<ProducerRecord> {
        if matches!(self.script.lock().front(), Some(Sent::Refused | Sent::Unwanted | Sent::Late)) {
            return None;
        }
        let owned = |bytes: Option<&[u8]>| bytes.map(Bytes::copy_from_slice);
        Some(ProducerRecord {
            topic: Some(record.topic.into()),
            partition: record.partition,
            timestamp: record.timestamp,
            key: owned(record.key),
            payload: owned(record.payload),
            headers: record.headers.cloned().unwrap_or_default(),
        })
    }

    fn failed(record: ProducerRecord, text: &str) -> SendError {
        SendError::new(record, Error::new(ErrorKind::Unavailable, text))
    }
}

impl RecordSink for FakeSink {
    fn enqueue(&self, record: ProducerRecord) -> Enqueue<'_> {
        self.records.lock().push(record.clone());
        self.handed_over.notify_waiters();
        Enqueue::now(match self.script.lock().pop_front().unwrap_or(Sent::Acknowledged) {
            Sent::Acknowledged | Sent::Late => Ok(PendingSend::done(Ok(ACKNOWLEDGED))),
            Sent::Refused => Err(Self::failed(record, "the queue refuses the record")),
            Sent::Unwanted => Err(SendError::new(record, Error::new(ErrorKind::Refused, "the topic does not exist"))),
            Sent::Lost => Ok(PendingSend::done(Err(Self::failed(record, "no acknowledgment in time")))),
            Sent::Open => {
                let completion = Arc::new(Completion::default());
                let acknowledged = Arc::clone(&completion);
                self.open.lock().push(Box::new(move || acknowledged.complete(Ok(ACKNOWLEDGED))));
                Ok(PendingSend::waiting(completion))
            }
        })
    }

    fn entrust(&self, record: ProducerRecord) -> Enqueue<'_, ()> {
        self.records.lock().push(record.clone());
        self.handed_over.notify_waiters();
        Enqueue::now(match self.script.lock().pop_front().unwrap_or(Sent::Acknowledged) {
            Sent::Refused | Sent::Unwanted => Err(Self::failed(record, "the queue refuses the record")),
            Sent::Acknowledged | Sent::Late | Sent::Lost | Sent::Open => Ok(()),
        })
    }

    fn receipts(&self, n_records: usize) -> Receipts {
        Receipts::of_double(n_records)
    }

    fn try_enqueue(&self, record: &Outbound<'_>, receipts: &Receipts, index: usize) -> bool {
        let Some(record) = self.taken(record) else { return false };
        self.n_at_once.fetch_add(1, Ordering::SeqCst);
        self.records.lock().push(record.clone());
        self.handed_over.notify_waiters();
        let answer = receipts.answer();
        match self.script.lock().pop_front().unwrap_or(Sent::Acknowledged) {
            Sent::Lost => answer(index, Err(Self::failed(record, "no acknowledgment in time"))),
            Sent::Open => self.open.lock().push(Box::new(move || answer(index, Ok(ACKNOWLEDGED)))),
            Sent::Acknowledged | Sent::Late | Sent::Refused | Sent::Unwanted => answer(index, Ok(ACKNOWLEDGED)),
        }
        true
    }

    fn try_entrust(&self, record: &Outbound<'_>) -> bool {
        let is_taken = match self.taken(record).map(|record| self.entrust(record)) {
            Some(Enqueue::Now(Some(result))) => result.is_ok(),
            Some(Enqueue::Now(None) | Enqueue::Later(_)) | None => false,
        };
        self.n_at_once.fetch_add(usize::from(is_taken), Ordering::SeqCst);
        is_taken
    }

    fn n_partitions<'a>(&'a self, topic: &'a str) -> Pin<Box<dyn Future<Output = Result<i32>> + Send + 'a>> {
        let answer = self
            .n_partitions
            .ok_or_else(|| Error::new(ErrorKind::Unavailable, format!("the partitions of `{topic}` are unknown")));
        Box::pin(std::future::ready(answer))
    }
}
