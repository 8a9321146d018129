//! Schemas of payloads: what a registry keeps, and how records name it, in Confluent's wire format.
//!
//! Formats ([`Avro`](crate::Avro), [`Protobuf`](crate::Protobuf), [`JsonSchema`](crate::JsonSchema)) are converters in
//! `convert/`; the client of the registry is `registry/`, behind the feature `schema-registry`. What converts and what runs
//! listeners sees it as a [`SchemaPort`], which answers at once from what is known, and asks only when it is told to.

mod asking;
mod definition;
mod error;
mod framing;
mod port;
mod wanted;
mod wire;

#[cfg(feature = "schema-registry")]
mod registry;

pub(crate) use asking::{asking, watched};
pub use definition::{Schema, SchemaFormat, WithSchema};
pub use error::SchemaError;
pub(crate) use framing::{Framing, Unstamped, encode_unstamped, no_registry};
#[cfg(all(test, feature = "schema-registry"))]
pub(crate) use port::Asking;
#[cfg(feature = "schema-registry")]
pub(crate) use port::WriterSchema;
pub(crate) use port::{Known, SchemaPort, Writing};
#[cfg(feature = "schema-registry")]
pub(crate) use registry::SchemaRegistry;
pub(crate) use wanted::Wanted;
pub(crate) use wire::split;
#[cfg(feature = "protobuf")]
pub(crate) use wire::{put_indexes, take_indexes};
