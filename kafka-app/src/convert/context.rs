//! [`PayloadContext`]: what surrounds a payload or a key that is decoded.

use std::fmt;
#[cfg(feature = "schema-registry")]
use std::sync::Arc;

#[cfg(feature = "schema-registry")]
use crate::schema::{Known, SchemaError, WriterSchema, split};
use crate::{
    record::RawRecord,
    schema::{SchemaPort, Wanted},
};

/// A record whose payload or key is decoded, and the schemas of its writers.
#[derive(Clone, Copy)]
pub struct PayloadContext<'r> {
    record: &'r RawRecord,
    is_key: bool,
    #[cfg_attr(not(feature = "schema-registry"), expect(dead_code, reason = "formats with schemas use it"))]
    schemas: Option<(&'r dyn SchemaPort, &'r Wanted)>,
}

impl<'r> PayloadContext<'r> {
    pub(crate) fn payload(record: &'r RawRecord, schemas: Option<(&'r dyn SchemaPort, &'r Wanted)>) -> Self {
        Self { record, is_key: false, schemas }
    }

    pub(crate) fn key(record: &'r RawRecord, schemas: Option<(&'r dyn SchemaPort, &'r Wanted)>) -> Self {
        Self { record, is_key: true, schemas }
    }

    /// The undecoded record.
    #[must_use]
    pub fn record(&self) -> &'r RawRecord {
        self.record
    }

    /// Whether the record's key is decoded, and not its payload.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.is_key
    }

    /// The value of the last header of that name; a null value counts as none.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'r [u8]> {
        self.record.last_header(name).flatten()
    }
}

#[cfg(feature = "schema-registry")]
impl<'r> PayloadContext<'r> {
    /// The full name of the record or message that the payload was written as, by the schema it names: what an enum of
    /// several types chooses by. A JSON Schema is named by its title.
    ///
    /// ```
    /// # #[cfg(feature = "avro")] {
    /// use apache_avro::AvroSchema;
    /// use kafka_app::{Avro, FromPayload, PayloadContext, SchemaError};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize, AvroSchema)]
    /// #[avro(namespace = "shop")]
    /// struct Sale { cents: i64 }
    ///
    /// #[derive(Deserialize, AvroSchema)]
    /// #[avro(namespace = "shop")]
    /// struct Refund { cents: i64 }
    ///
    /// enum Booking { Sale(Sale), Refund(Refund) }
    ///
    /// impl<'r> FromPayload<'r> for Booking {
    ///     type Error = Box<dyn std::error::Error + Send + Sync>;
    ///     const NEEDS_REGISTRY: bool = true;
    ///
    ///     fn from_payload(_: &'r [u8]) -> Result<Self, Self::Error> {
    ///         Err(SchemaError::NoRegistry.into())
    ///     }
    ///
    ///     fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
    ///         match &*cx.schema_name(payload)? {
    ///             "shop.Sale" => Ok(Self::Sale(Avro::from_payload_of(cx, payload)?.0)),
    ///             "shop.Refund" => Ok(Self::Refund(Avro::from_payload_of(cx, payload)?.0)),
    ///             other => Err(format!("no booking is a `{other}`").into()),
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// The bytes name no schema, or one that the registry does not have.
    pub fn schema_name(&self, payload: &[u8]) -> Result<String, SchemaError> {
        let (writer, body) = self.writer(payload)?;
        let id = writer.id;
        writer.name(body).ok_or(SchemaError::Malformed { id, what: "it has no name".to_owned() })
    }

    /// The schema that the bytes were written by, and what they hold behind its id.
    pub(crate) fn writer<'b>(&self, bytes: &'b [u8]) -> Result<(Arc<WriterSchema>, &'b [u8]), SchemaError> {
        let (id, body) = split(bytes)?;
        let (schemas, wanted) = self.schemas.ok_or(SchemaError::NoRegistry)?;
        match schemas.writer(id) {
            Known::Schema(writer) => Ok((writer, body)),
            Known::Nothing(reason) => Err(SchemaError::Unusable { id, reason: reason.to_string() }),
            Known::NotYet => {
                wanted.note(id);
                Err(SchemaError::NotLoaded { id })
            }
        }
    }
}

impl fmt::Debug for PayloadContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadContext")
            .field("record", &self.record)
            .field("is_key", &self.is_key)
            .finish_non_exhaustive()
    }
}
