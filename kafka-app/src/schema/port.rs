//! [`SchemaPort`]: the registry as converters and runners see it.

use std::{
    any::Any,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use super::{Schema, SchemaFormat};
use crate::error::Result;

/// A future of a port.
pub(crate) type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A registry of schemas: what is known is there at once, the rest has to be asked for.
pub(crate) trait SchemaPort: Send + Sync {
    /// The schema that records with this id were written by.
    fn writer(&self, id: u32) -> Known;

    /// Asks for the schema of an id; afterwards [`SchemaPort::writer`] has an answer, which may be that there is none.
    ///
    /// # Errors
    /// The registry does not answer ([`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable)): ask again.
    fn load(&self, id: u32) -> Asking<'_, ()>;

    /// How keys or payloads of a topic are written by the schema of their type, if it is known.
    fn writing(&self, topic: &str, is_key: bool, schema: &'static Schema) -> Option<Writing>;

    /// As [`SchemaPort::writing`]; registers the schema, or asks for it, as configured.
    ///
    /// # Errors
    /// The registry does not answer ([`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable)): ask again. It refuses
    /// ([`ErrorKind::Refused`](crate::ErrorKind::Refused)): nothing helps but a change.
    fn learn<'a>(&'a self, topic: &'a str, is_key: bool, schema: &'static Schema) -> Asking<'a, Writing>;
}

/// What is known of an id.
#[derive(Debug, Clone)]
pub(crate) enum Known {
    /// Its schema.
    Schema(Arc<WriterSchema>),
    /// There is none, for this reason.
    Nothing(Arc<str>),
    /// It has to be asked for.
    NotYet,
}

/// How values of a type are written to a topic.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    /// The id they carry.
    pub(crate) id: u32,
    /// The schema of that id, where bodies have to be written by it instead of that of their type.
    pub(crate) latest: Option<Arc<WriterSchema>>,
}

/// A schema of the registry, with those it refers to.
#[cfg_attr(not(feature = "avro"), allow(dead_code, reason = "each format takes what it needs of it"))]
pub(crate) struct WriterSchema {
    pub(crate) id: u32,
    pub(crate) format: SchemaFormat,
    pub(crate) text: String,
    /// Schemas that it refers to, those that others refer to first.
    pub(crate) references: Vec<String>,
    /// What its format made of it.
    parsed: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl WriterSchema {
    pub(crate) fn new(id: u32, format: SchemaFormat, text: String, references: Vec<String>) -> Self {
        Self { id, format, text, references, parsed: OnceLock::new() }
    }

    /// What `parse` makes of it, made once. One format alone asks, and always for the same type.
    #[cfg(any(feature = "avro", feature = "protobuf"))]
    pub(crate) fn parsed<P: Send + Sync + 'static>(&self, parse: impl FnOnce(&Self) -> P) -> Option<&P> {
        self.parsed.get_or_init(|| Box::new(parse(self))).downcast_ref()
    }
}

impl fmt::Debug for WriterSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterSchema").field("id", &self.id).field("format", &self.format).finish_non_exhaustive()
    }
}
