//! [`Avro`]: payloads in Avro whose schemas are in a registry.

mod reading;
#[cfg(test)]
mod tests;
mod written;

use std::ops::{Deref, DerefMut};

use apache_avro::{AvroSchema, writer::datum::GenericDatumWriter};
use bytes::{BufMut, BytesMut};
use serde::{Serialize, de::DeserializeOwned};

use self::{
    reading::Readings,
    written::{Written, full_name},
};
use super::{
    FromPayload, PayloadContext, ToPayload,
    type_schemas::{once, without_registry},
};
use crate::{
    error::{Error, ErrorKind, Result},
    schema::{Schema, SchemaError, SchemaFormat, WithSchema, WriterSchema},
};

/// A payload or a key in Avro, with its schema in a registry (`kafka.schema-registry.url`), as Confluent's
/// `KafkaAvroSerializer` writes it.
///
/// Its type derives [`AvroSchema`] (which wants `serde_json` among the program's dependencies) and serde's traits. What
/// is sent is written by the type's schema, which the first send registers; what is read was written by any version of
/// it: Avro resolves the two, with defaults for fields that are missing (`#[avro(default = "..")]`), without those that
/// are too many, and with wider numbers. A record of another name is rejected, as the specification has it, unless that
/// is an alias (`#[avro(alias = "..")]`).
///
/// ```
/// use apache_avro::AvroSchema;
/// use kafka_app::{Avro, kafka_listener};
///
/// #[derive(serde::Deserialize, AvroSchema)]
/// #[avro(namespace = "shop")]
/// struct Order {
///     id: i64,
///     #[avro(default = "null")]
///     note: Option<String>,
/// }
///
/// #[kafka_listener(topic = "orders", group = "billing")]
/// async fn bill(Avro(order): Avro<Order>) {
///     println!("{}", order.id);
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Avro<T>(pub T);

impl<T> Deref for Avro<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Avro<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// A type with its schema, and what it takes to write and to read by it.
struct AvroType {
    schema: Schema,
    avro: &'static apache_avro::Schema,
    /// Why it cannot be written: of its schema.
    writer: Result<GenericDatumWriter<'static>, String>,
    readings: Readings,
}

fn avro_type<T: AvroSchema>() -> AvroType {
    let avro: &'static apache_avro::Schema = Box::leak(Box::new(T::get_schema()));
    let text = serde_json::to_string(avro).unwrap_or_default();
    let schema = Schema { format: SchemaFormat::Avro, name: full_name(avro), text, rewrite: Some(written::rewrite) };
    let writer = GenericDatumWriter::builder(avro).build().map_err(|error| error.to_string());
    AvroType { schema, avro, writer, readings: Readings::default() }
}

impl<'r, T: DeserializeOwned + AvroSchema> FromPayload<'r> for Avro<T> {
    type Error = SchemaError;

    const NEEDS_REGISTRY: bool = true;

    fn from_payload(_: &'r [u8]) -> Result<Self, SchemaError> {
        Err(SchemaError::NoRegistry)
    }

    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, SchemaError> {
        let (writer, body) = cx.writer(payload)?;
        let written = written_of(&writer)?;
        once(avro_type::<T>).read(writer.id, written, body).map(Self)
    }
}

impl AvroType {
    fn read<T: DeserializeOwned>(&self, id: u32, written: &'static Written, body: &[u8]) -> Result<T, SchemaError> {
        let reading = self.readings.of(self.avro, written);
        reading.and_then(|reading| reading.read(written, body)).map_err(|why| why.about(id))
    }
}

/// What records with that schema were written by.
fn written_of(writer: &WriterSchema) -> Result<&'static Written, SchemaError> {
    let id = writer.id;
    if writer.format != SchemaFormat::Avro {
        return Err(SchemaError::OtherFormat { id, found: writer.format, expected: SchemaFormat::Avro });
    }
    let parsed = writer.parsed(|writer| Written::of(&writer.text, &writer.references));
    match parsed {
        Some(Ok(written)) => Ok(written),
        Some(Err(reason)) => Err(SchemaError::Unusable { id, reason: reason.clone() }),
        None => Err(SchemaError::Unusable { id, reason: "it is in use as another format".to_owned() }),
    }
}

impl<T: Serialize + AvroSchema> ToPayload for Avro<T> {
    fn encode(&self, _: &mut BytesMut) -> Result<()> {
        Err(without_registry::<Self>())
    }

    fn with_schema(&self) -> Option<&dyn WithSchema> {
        Some(self)
    }

    fn needs_registry() -> bool {
        true
    }
}

impl<T: Serialize + AvroSchema> WithSchema for Avro<T> {
    fn schema(&self) -> Result<&'static Schema> {
        Ok(&once(avro_type::<T>).schema)
    }

    fn encode_body(&self, buffer: &mut BytesMut) -> Result<()> {
        // Avro's own errors tell the value.
        let written = match &once(avro_type::<T>).writer {
            Ok(writer) => writer.write_ser(&mut buffer.writer(), &self.0).map_err(|_| "it does not fit its own schema"),
            Err(reason) => Err(reason.as_str()),
        };
        written.map(|_| ()).map_err(|reason| {
            let text = format!("cannot write `{}` as Avro: {reason}", std::any::type_name::<T>());
            Error::new(ErrorKind::Codec, text)
        })
    }
}
