//! [`Encoded`]: a record's key and payload as bytes, on their way from a template to the client.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};

use super::{SendError, send_all};
use crate::{
    convert::{ToKey, ToPayload},
    error::{Error, ErrorKind, Result},
    record::ProducerRecord,
    schema::{Framing, Schema, asking, no_registry},
};

/// Key and payload as bytes.
pub(super) type Encoded = (Option<Bytes>, Option<Bytes>);

thread_local! {
    /// Records are encoded here and copied by librdkafka; when nobody kept one, the memory is used again.
    static BUFFER: RefCell<BytesMut> = RefCell::new(send_all::buffer());
}

pub(super) async fn learned(
    framing: Framing<'_>,
    key: Option<&'static Schema>,
    payload: Option<&'static Schema>,
) -> Result<()> {
    let Some(schemas) = framing.schemas else { return Err(no_registry()) };
    for (is_key, schema) in [(true, key), (false, payload)] {
        if let Some(schema) = schema {
            asking(schemas.learn(framing.topic, is_key, schema)).await?;
        }
    }
    Ok(())
}

pub(super) fn encode_parts<Q: ToKey + ?Sized, V: ToPayload + ?Sized>(
    framing: Framing<'_>,
    key: Option<&Q>,
    payload: Option<&V>,
) -> Result<Encoded> {
    BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => encode_into(framing, key, payload, &mut buffer),
        // A converter that itself sends a record.
        Err(_) => encode_into(framing, key, payload, &mut BytesMut::new()),
    })
}

pub(super) fn encode_into<Q: ToKey + ?Sized, V: ToPayload + ?Sized>(
    framing: Framing<'_>,
    key: Option<&Q>,
    payload: Option<&V>,
    buffer: &mut BytesMut,
) -> Result<Encoded> {
    let key = match key.map(|key| (key, key.key_with_schema())) {
        None => None,
        Some((key, None)) => key.to_key(buffer)?,
        Some((_, Some(key))) => Some(framing.encode(true, key, buffer)?),
    };
    let payload = match payload.map(|payload| (payload, payload.with_schema())) {
        None => None,
        Some((payload, None)) => payload.to_payload(buffer)?,
        Some((_, Some(payload))) => Some(framing.encode(false, payload, buffer)?),
    };
    Ok((key, payload))
}

pub(super) fn owned(topic: &str, (key, payload): Encoded) -> ProducerRecord {
    ProducerRecord { topic: Some(topic.into()), key, payload, ..ProducerRecord::default() }
}

/// There is no room for the record now.
pub(super) fn full(record: ProducerRecord) -> SendError {
    let topic = record.topic.as_deref().unwrap_or_default();
    let text = format!("the record for `{topic}` was not sent: too many are unacknowledged");
    SendError::new(record, Error::new(ErrorKind::Unavailable, text))
}

/// The value itself could not be made into bytes, so there are none to give back.
pub(super) fn not_encoded(topic: &str, error: Error) -> SendError {
    let text = format!("the record for `{topic}` was not sent");
    SendError::new(owned(topic, (None, None)), Error::new(ErrorKind::Codec, text).with_source(error))
}
