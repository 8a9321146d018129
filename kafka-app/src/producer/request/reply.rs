//! [`Reply`] and [`Replies`]: what came back.

use std::{fmt, sync::Arc};

use crate::{
    convert::{FromPayload, PayloadContext},
    error::{Error, ErrorKind, Result},
    record::{RawRecord, RecordMetadata},
    schema::{SchemaPort, Wanted},
};

/// A reply as it arrived, undecoded.
pub struct Reply {
    topic: Arc<str>,
    partition: i32,
    record: RawRecord,
}

impl Reply {
    /// Copies the record, so that the reply may be kept.
    pub(crate) fn of(topic: &Arc<str>, partition: i32, record: &RawRecord) -> Self {
        Self { topic: Arc::clone(topic), partition, record: record.detached() }
    }

    /// Key, payload and headers.
    #[must_use]
    pub fn record(&self) -> &RawRecord {
        &self.record
    }

    /// Where it was read.
    #[must_use]
    pub fn metadata(&self) -> RecordMetadata {
        RecordMetadata {
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            offset: self.record.offset(),
            timestamp: self.record.timestamp(),
            leader_epoch: self.record.leader_epoch(),
        }
    }

    /// The payload as a value, which may borrow from the reply.
    ///
    /// # Errors
    /// The bytes are no such value, or there is no payload ([`ErrorKind::Codec`]). Values with schemas are made by
    /// [`KafkaTemplate::request`](crate::KafkaTemplate::request), which has them.
    pub fn decode<'r, R: FromPayload<'r>>(&'r self) -> Result<R> {
        self.decode_with(None)
    }

    pub(super) fn decode_with<'r, R: FromPayload<'r>>(
        &'r self,
        schemas: Option<(&'r dyn SchemaPort, &'r Wanted)>,
    ) -> Result<R> {
        let place = || format!("the reply at {}-{}, offset {}", self.topic, self.partition, self.record.offset());
        let Some(payload) = self.record.payload() else {
            return Err(Error::new(ErrorKind::Codec, format!("{} has no payload", place())));
        };
        R::from_payload_of(&PayloadContext::payload(&self.record, schemas), payload)
            .map_err(|error| Error::new(ErrorKind::Codec, format!("cannot decode {}", place())).with_source(error))
    }
}

impl fmt::Debug for Reply {
    /// Shows where it was read, never contents: payloads do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, record } = self;
        f.debug_struct("Reply").field("topic", topic).field("partition", partition).field("record", record).finish()
    }
}

/// The replies to one request, in the order they arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replies<R> {
    /// What came.
    pub replies: Vec<R>,
    /// Whether these are enough by the request's [`Release`](crate::Release); false for what there was at the timeout.
    pub is_complete: bool,
}
