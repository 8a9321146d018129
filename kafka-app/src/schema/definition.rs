//! [`Schema`]: what a registry keeps of a type, and [`WithSchema`]: a value that is written with one.

use std::fmt;

use bytes::BytesMut;

use super::{SchemaError, port::WriterSchema};
use crate::error::Result;

/// The languages of schemas that registries know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchemaFormat {
    /// Avro.
    Avro,
    /// Protobuf.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaFormat {
    /// As registries spell it (`schemaType`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

impl fmt::Display for SchemaFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The schema of a payload type, as it is registered. There is one for each type, for as long as the program runs.
#[derive(Debug)]
pub struct Schema {
    pub(crate) format: SchemaFormat,
    /// The full name of the record or message: what the record-name strategies make subjects of.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Makes a body that was written by this schema one by another; none for formats whose bodies need no such thing.
    pub(crate) rewrite: Option<Rewrite>,
}

/// Makes a body that was written by the schema one by the schema of the registry.
pub(crate) type Rewrite = fn(&'static Schema, &WriterSchema, &[u8]) -> Result<Vec<u8>, SchemaError>;

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        (self.format, &self.name, &self.text) == (other.format, &other.name, &other.text)
    }
}

impl Eq for Schema {}

impl Schema {
    /// Its language.
    #[must_use]
    pub fn format(&self) -> SchemaFormat {
        self.format
    }

    /// Full name of the record or message.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text, as it is registered.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A value whose bytes begin with the id that a registry gave its schema, as [`ToPayload::with_schema`] returns it.
///
/// [`ToPayload::with_schema`]: crate::ToPayload::with_schema
pub trait WithSchema {
    /// The schema that the value is written by.
    ///
    /// # Errors
    /// The type has none: a `.proto` file does not hold its message, say.
    fn schema(&self) -> Result<&'static Schema>;

    /// Appends what comes behind magic byte and id.
    ///
    /// # Errors
    /// The value has no such form ([`ErrorKind::Codec`](crate::ErrorKind::Codec)).
    fn encode_body(&self, buffer: &mut BytesMut) -> Result<()>;
}
