//! Ports: what the runtime needs of a Kafka client. Only files of this folder name rdkafka.

pub(crate) mod ffi;

pub(crate) use ffi::NativeRecord;

use std::{future::Future, pin::Pin};

use crate::{
    error::Error,
    record::{ProducerRecord, SendResult},
};

/// An accepted send: resolves when the broker acknowledged the record or the client gave it up.
pub(crate) type Delivery = Pin<Box<dyn Future<Output = Result<SendResult, Error>> + Send>>;

/// Where the runtime puts records: dead letters and what handlers return. A double of it tests the policies.
pub(crate) trait RecordSink: Send + Sync {
    /// Waits for room (back-pressure), then hands the record to the client; the inner future is the acknowledgment.
    /// Records of one caller keep their order.
    fn enqueue(&self, record: ProducerRecord) -> Pin<Box<dyn Future<Output = Result<Delivery, Error>> + Send + '_>>;
}
