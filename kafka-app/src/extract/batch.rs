//! [`Batch`]: many records at once.

use super::{FromBatch, FromRecord};
use crate::{
    handler::{BatchContext, Declaration, Rejection},
    record::RecordMetadata,
};

/// The records of a batch that could be decoded, in their order; the others go the dead-letter way one by one.
///
/// They are of one partition, and with [`Ordering::Key`](crate::Ordering::Key) or [`Ordering::None`](crate::Ordering::None) of
/// one lane: what `batch(max_records, max_wait, max_bytes)` gathers is dealt out to the lanes then.
///
/// `T` is any argument of a listener: `Batch<Json<Order>>`, `Batch<Option<Text>>`, `Batch<Record<K, V>>`.
///
/// ```
/// use kafka_app::{Batch, Text};
///
/// async fn store(batch: Batch<Text>) {
///     for record in batch {
///         println!("{} at offset {}", record.payload.0, record.metadata.offset);
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Batch<T>(Vec<BatchRecord<T>>);

/// One record of a [`Batch`].
#[derive(Debug, Clone)]
pub struct BatchRecord<T> {
    /// What was made of it.
    pub payload: T,
    /// Where it is and when it was made.
    pub metadata: RecordMetadata,
}

impl<T> Batch<T> {
    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none of the records could be decoded: a listener is not called with such a batch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, BatchRecord<T>> {
        self.0.iter()
    }

    /// The payloads in their order.
    pub fn payloads(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|record| &record.payload)
    }

    /// The payloads in their order, by value.
    pub fn into_payloads(self) -> impl Iterator<Item = T> {
        self.0.into_iter().map(|record| record.payload)
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = BatchRecord<T>;
    type IntoIter = std::vec::IntoIter<BatchRecord<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a BatchRecord<T>;
    type IntoIter = std::slice::Iter<'a, BatchRecord<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'r, T: FromRecord<'r>> FromBatch<'r> for Batch<T> {
    fn from_batch(cx: &BatchContext<'r>, rejected: &mut Vec<(usize, Rejection)>) -> Result<Self, Rejection> {
        let mut records = Vec::with_capacity(cx.records.len());
        for (index, record) in cx.records.iter().enumerate() {
            match T::from_record(record) {
                Ok(payload) => {
                    records.push(BatchRecord { payload, metadata: RecordMetadata::from_record(record)? });
                }
                Err(rejection) => {
                    cx.rejected.lock().extend(record.ack.map(|ack| ack.seq));
                    rejected.push((index, rejection));
                }
            }
        }
        // The runner asks for the schemas that are missing, and delivers all of them then.
        match rejected.pop() {
            Some((_, missing)) if cx.misses_schemas() => Err(missing),
            last => {
                rejected.extend(last);
                Ok(Self(records))
            }
        }
    }

    fn declare(declaration: &mut Declaration) {
        T::declare(declaration);
    }
}
