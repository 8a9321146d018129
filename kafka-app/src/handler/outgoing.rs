//! [`Outgoing`]: a record to send that chooses more than its payload.

use std::{fmt, sync::Arc};

use bytes::{Bytes, BytesMut};

use crate::{
    convert::{ToKey, ToPayload},
    error::Result,
    handler::Output,
    record::ProducerRecord,
    schema::{Schema, Unstamped, WithSchema, encode_unstamped},
};

/// A record a listener returns, with what it chooses for itself: topic, key, partition, headers, timestamp.
///
/// What it leaves open is filled in: the listener's `send_to` for the topic, the key of the record that was handled, the
/// partitioner's partition, the time of sending.
///
/// ```
/// use kafka_app::{Outgoing, Text};
///
/// async fn route(Text(order): Text) -> Outgoing {
///     let topic = if order.starts_with("eu") { "orders-eu" } else { "orders-rest" };
///     Outgoing::new(order).topic(topic).header("routed-by", "region")
/// }
/// ```
#[must_use = "it is sent when the listener returns it"]
pub struct Outgoing {
    record: ProducerRecord,
    /// `None`: the key of the record that was handled.
    key: Option<Option<Bytes>>,
    unstamped: Unstamped,
    /// The first part that could not be encoded; told when the record is to be sent.
    error: Option<crate::Error>,
}

impl Outgoing {
    /// A record with this payload.
    pub fn new(payload: impl ToPayload) -> Self {
        let part = match payload.with_schema() {
            None => payload.into_payload().map(|payload| (payload, None)),
            Some(value) => stamped(value),
        };
        let ((payload, schema), error) = part_or_error(part);
        let unstamped = Unstamped { payload: schema, key: None };
        Self { record: ProducerRecord { payload, ..ProducerRecord::default() }, key: None, unstamped, error }
    }

    /// To this topic instead of `send_to`.
    pub fn topic(mut self, topic: impl Into<Arc<str>>) -> Self {
        self.record.topic = Some(topic.into());
        self
    }

    /// With this key instead of the handled record's; `()` for none.
    #[expect(clippy::needless_pass_by_value, reason = "as the payload: both are usually made for it")]
    pub fn key(mut self, key: impl ToKey) -> Self {
        let part = match key.key_with_schema() {
            None => key.to_key(&mut BytesMut::new()).map(|key| (key, None)),
            Some(value) => stamped(value),
        };
        let ((key, schema), error) = part_or_error(part);
        self.key = Some(key);
        self.unstamped.key = schema;
        self.error = self.error.or(error);
        self
    }

    /// To this partition, from 0, instead of the partitioner's.
    pub fn partition(mut self, partition: i32) -> Self {
        self.record.partition = Some(partition);
        self
    }

    /// With one more header; names may repeat.
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.record.headers.push(name, Some(Bytes::copy_from_slice(value.as_ref())));
        self
    }

    /// Made at this time, in milliseconds since 1970 UTC, instead of when it is sent.
    pub fn timestamp(mut self, millis: i64) -> Self {
        self.record.timestamp = Some(millis);
        self
    }

    pub(crate) fn into_output(self) -> Result<Output> {
        let inherits_key = self.key.is_none();
        match self.error {
            Some(error) => Err(error),
            None => {
                let record = ProducerRecord { key: self.key.flatten(), ..self.record };
                Ok(Output { record, inherits_key, unstamped: self.unstamped })
            }
        }
    }
}

/// A part of a record that is returned, and the schema whose id it still lacks.
type Part = (Option<Bytes>, Option<&'static Schema>);

fn part_or_error(part: Result<Part>) -> (Part, Option<crate::Error>) {
    match part {
        Ok(part) => (part, None),
        Err(error) => ((None, None), Some(error)),
    }
}

/// The part that a value with a schema is.
pub(super) fn stamped(value: &dyn WithSchema) -> Result<Part> {
    encode_unstamped(value).map(|(bytes, schema)| (Some(bytes), Some(schema)))
}

impl fmt::Debug for Outgoing {
    /// Shows where it goes, never contents: payloads do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("topic", &self.record.topic)
            .field("partition", &self.record.partition)
            .field("payload_len", &self.record.payload.as_ref().map(Bytes::len))
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
