//! [`OpenBatch`]: many records of a topic on their way in one call, and the table their reports find them by.

use std::sync::Arc;

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::SemaphorePermit;

use super::{
    core::{Core, closed},
    receipts::Collects,
};
use crate::{
    client::{
        delivery::BatchCompletion,
        ffi::{BatchTicket, MessageArray, Outbound},
        produce_error::describe,
        window::Window,
    },
    error::{Error, ErrorKind},
    producer::SendError,
    record::ProducerRecord,
};

/// Keys and payloads of one topic, to be sent in one call.
pub(super) type Batch<'a> = &'a [(Option<bytes::Bytes>, Option<bytes::Bytes>)];

/// A batch on its way into librdkafka. Dropped early (its future was dropped), it answers for what was never handed over.
pub(super) struct OpenBatch<'a> {
    core: &'a Core,
    topic: &'a str,
    pub(super) records: Batch<'a>,
    permits: SemaphorePermit<'a>,
    key: usize,
    pub(super) completion: Arc<BatchCompletion>,
    scratch: MessageArray,
    /// Records handed over or refused.
    pub(super) n_settled: usize,
}

impl<'a> OpenBatch<'a> {
    pub(super) fn register(
        core: &'a Core,
        topic: &'a str,
        records: Batch<'a>,
        window: &Arc<Window>,
        permits: SemaphorePermit<'a>,
    ) -> Self {
        let completion = Arc::new(BatchCompletion::new(records.len(), Arc::clone(window)));
        let key = core.batches.lock().insert(Arc::clone(&completion) as _);
        Self { core, topic, records, permits, key, completion, scratch: MessageArray::new(), n_settled: 0 }
    }

    /// Hands over what is left; `NoError` when nothing is left, else why the first of the rest was not taken.
    pub(super) fn produce(&mut self, is_refreshed: &mut bool) -> RDKafkaErrorCode {
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

    pub(super) fn fail_next(&mut self, code: RDKafkaErrorCode) {
        self.n_settled += 1;
        self.refuse(self.n_settled - 1, code);
    }

    fn refuse(&self, index: usize, code: RDKafkaErrorCode) {
        let outbound = Outbound::keyed(self.topic, &self.records[index]);
        self.core.counters.failed(code);
        self.answer(index, describe(code, &outbound, &self.core.limits, false));
    }

    fn answer(&self, index: usize, error: Error) {
        let (key, payload) = self.records[index].clone();
        let record = ProducerRecord { topic: Some(self.topic.into()), key, payload, ..ProducerRecord::default() };
        self.completion.store(index, Err(SendError::new(record, error)));
        if self.completion.answered(1) {
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

/// Batches under way by their key; places are used again.
#[derive(Default)]
pub(super) struct BatchTable {
    places: Vec<Option<Arc<dyn Collects>>>,
    free: Vec<usize>,
}

impl BatchTable {
    pub(super) fn insert(&mut self, batch: Arc<dyn Collects>) -> usize {
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

    pub(super) fn get(&self, key: usize) -> Option<Arc<dyn Collects>> {
        self.places.get(key).cloned().flatten()
    }

    pub(super) fn remove(&mut self, key: usize) {
        if self.places[key].take().is_some() {
            self.free.push(key);
        }
    }
}

pub(super) fn too_many(n_records: usize) -> Error {
    Error::new(ErrorKind::Refused, format!("{n_records} records are more than a batch holds"))
}
