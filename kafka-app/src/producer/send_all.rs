//! Many records with one await: chunks through librdkafka's batch call, and what failed of them.

use std::{
    collections::VecDeque,
    error::Error as StdError,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use super::SendError;
use crate::{
    client::{BatchCompletion, PendingSend, Producer, RecordSink, Window},
    error::Error,
    record::{ProducerRecord, SendResult},
};

/// Some of many records were not sent; the others were acknowledged.
#[derive(Debug)]
pub struct SendAllError {
    n_sent: usize,
    failures: Vec<(usize, SendError)>,
}

impl SendAllError {
    /// Records that were acknowledged.
    #[must_use]
    pub fn n_sent(&self) -> usize {
        self.n_sent
    }

    /// What was not sent: its place in the iterator, and the record with the reason.
    #[must_use]
    pub fn failures(&self) -> &[(usize, SendError)] {
        &self.failures
    }

    /// As [`SendAllError::failures`], by value, to send the records again or keep them.
    #[must_use]
    pub fn into_failures(self) -> Vec<(usize, SendError)> {
        self.failures
    }
}

impl fmt::Display for SendAllError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_failed = self.failures.len();
        write!(f, "{n_failed} of {} records were not sent", n_failed + self.n_sent)?;
        match self.failures.first() {
            Some((index, error)) => write!(f, "; the first, number {index}: {error}"),
            None => Ok(()),
        }
    }
}

impl StdError for SendAllError {}

impl From<SendAllError> for Error {
    fn from(error: SendAllError) -> Self {
        let kind = error.failures.first().map_or(crate::ErrorKind::Refused, |(_, error)| error.kind());
        Self::new(kind, error.to_string())
    }
}

/// Records of a chunk: few enough that the memory of its messages stays in the processor's cache.
const CHUNK: usize = 512;

/// Records under way at first. Messages of this many are still in the processor's cache when librdkafka sends and frees
/// them: with 50,000, each costs twice the processor time.
const WINDOW: usize = 8 * 1024;
/// A wait that shows that the window is too small for the way to the cluster. It is long, since a broker that is merely
/// busy is no faster with more records under way.
const LATE: Duration = Duration::from_millis(100);

/// Collects records of one topic into chunks, hands each over when it is full, and at last waits for all of them.
pub(super) struct SendAll<'p> {
    producer: &'p Producer,
    topic: &'p str,
    chunk: Vec<(Option<Bytes>, Option<Bytes>)>,
    /// The place of each record of the chunk in the iterator; only set apart when an encoding failed.
    first_index: usize,
    n_chunk: usize,
    batches: VecDeque<(usize, Arc<BatchCompletion>)>,
    results: Vec<SendResult>,
    failures: Vec<(usize, SendError)>,
    n_records: usize,
    window: Arc<Window>,
    /// Records that may be unanswered before the next chunk goes.
    n_most: usize,
}

impl<'p> SendAll<'p> {
    pub(super) fn new(producer: &'p Producer, topic: &'p str) -> Self {
        let n_chunk = CHUNK.min(producer.max_batch());
        Self {
            producer,
            topic,
            chunk: Vec::with_capacity(n_chunk),
            first_index: 0,
            n_chunk,
            batches: VecDeque::new(),
            results: Vec::new(),
            failures: Vec::new(),
            n_records: 0,
            window: Arc::default(),
            n_most: WINDOW,
        }
    }

    /// Takes a record; true when the chunk is to be handed over first.
    pub(super) fn push(&mut self, record: Result<(Option<Bytes>, Option<Bytes>), Error>) -> bool {
        let index = self.n_records;
        self.n_records += 1;
        match record {
            Ok(record) => {
                self.chunk.push(record);
                self.chunk.len() >= self.n_chunk
            }
            // The chunk ends here, so that indexes in it stay those of the iterator.
            Err(error) => {
                let record = ProducerRecord { topic: Some(self.topic.into()), ..ProducerRecord::default() };
                self.failures.push((index, SendError::new(record, error)));
                true
            }
        }
    }

    /// Hands the chunk over, waiting for room.
    pub(super) async fn hand_over(&mut self) {
        match self.producer.produce_batch(self.topic, &self.chunk, &self.window).await {
            Ok(batch) => self.batches.push_back((self.first_index, batch)),
            Err(error) => self.fail_chunk(&error),
        }
        self.chunk.clear();
        self.first_index = self.n_records;
        self.stay_in_window().await;
    }

    /// Waits while too many records are under way, of whatever batches: each is spread over partitions, and done by its
    /// slowest. A cluster that answers late needs more of them under way to be kept busy: then the window grows, and the
    /// producer's own room is the limit.
    async fn stay_in_window(&mut self) {
        let start = Instant::now();
        self.window.at_most(self.n_most).await;
        if start.elapsed() > LATE {
            self.n_most = self.n_most.saturating_mul(2);
        }
        while let Some((first_index, batch)) = self.batches.pop_front_if(|(_, batch)| batch.is_done()) {
            self.collect(first_index, &batch);
        }
    }

    fn collect(&mut self, first_index: usize, batch: &BatchCompletion) {
        self.results.extend(batch.results());
        self.failures.extend(batch.take_failures().into_iter().map(|(i, error)| (first_index + i, error)));
    }

    fn fail_chunk(&mut self, error: &Error) {
        for (i, (key, payload)) in self.chunk.drain(..).enumerate() {
            let record = ProducerRecord { topic: Some(self.topic.into()), key, payload, ..ProducerRecord::default() };
            let error = Error::new(error.kind(), error.to_string());
            self.failures.push((self.first_index + i, SendError::new(record, error)));
        }
    }

    /// Waits for every acknowledgment.
    pub(super) async fn results(mut self) -> Result<Vec<SendResult>, SendAllError> {
        self.window.at_most(0).await;
        while let Some((first_index, batch)) = self.batches.pop_front() {
            self.collect(first_index, &batch);
        }
        if self.failures.is_empty() {
            return Ok(self.results);
        }
        self.failures.sort_by_key(|(index, _)| *index);
        Err(SendAllError { n_sent: self.n_records - self.failures.len(), failures: self.failures })
    }
}

/// Sends each record by itself, for interceptors to see; waits for room only until all are handed over.
pub(super) async fn one_by_one(
    producer: &Producer,
    topic: &str,
    records: impl Iterator<Item = Result<(Option<Bytes>, Option<Bytes>), Error>>,
) -> Result<Vec<SendResult>, SendAllError> {
    let topic: Arc<str> = topic.into();
    let mut sends: Vec<Result<PendingSend, SendError>> = Vec::new();
    for record in records {
        let to_topic = ProducerRecord { topic: Some(Arc::clone(&topic)), ..ProducerRecord::default() };
        sends.push(match record {
            Ok((key, payload)) => producer.enqueue(ProducerRecord { key, payload, ..to_topic }).await,
            Err(error) => Err(SendError::new(to_topic, error)),
        });
    }
    let (mut results, mut failures) = (Vec::with_capacity(sends.len()), Vec::new());
    for (index, sent) in sends.into_iter().enumerate() {
        let sent = match sent {
            Ok(pending) => pending.await,
            Err(failed) => Err(failed),
        };
        match sent {
            Ok(result) => results.push(result),
            Err(failed) => failures.push((index, failed)),
        }
    }
    if failures.is_empty() { Ok(results) } else { Err(SendAllError { n_sent: results.len(), failures }) }
}

/// Memory for the encoded records of a chunk: taken once, then again and again as long as nobody keeps a record of it.
pub(super) fn buffer() -> BytesMut {
    BytesMut::with_capacity(BUFFER_BYTES)
}

/// Makes the whole buffer free again, after the records in it have gone.
pub(super) fn reuse(buffer: &mut BytesMut) {
    buffer.reserve(BUFFER_BYTES);
}

/// Below the size from which the C library would map fresh pages for it.
const BUFFER_BYTES: usize = 64 * 1024;
