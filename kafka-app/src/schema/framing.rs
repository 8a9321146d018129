//! [`Framing`]: values with schemas as bytes, with the id of their schema before them.

use bytes::{Bytes, BytesMut};

use super::{
    Schema, SchemaPort, WithSchema, Writing,
    wire::{put_header, split, with_id},
};
use crate::{
    convert::cut,
    error::{Error, ErrorKind, Result},
};

/// Where a record goes: what decides about the ids its parts carry.
#[derive(Clone, Copy)]
pub(crate) struct Framing<'a> {
    pub(crate) topic: &'a str,
    pub(crate) schemas: Option<&'a dyn SchemaPort>,
}

impl Framing<'_> {
    /// The schema of a part whose id has to be asked for before the part can be encoded.
    pub(crate) fn missing(&self, is_key: bool, part: Option<&dyn WithSchema>) -> Option<&'static Schema> {
        // What is wrong with a schema is told when it is to be used.
        let schema = part?.schema().ok()?;
        self.schemas?.writing(self.topic, is_key, schema).is_none().then_some(schema)
    }

    /// A part of a record as bytes; its id is known, or this is an error.
    pub(crate) fn encode(&self, is_key: bool, part: &dyn WithSchema, buffer: &mut BytesMut) -> Result<Bytes> {
        let schema = part.schema()?;
        let schemas = self.schemas.ok_or_else(no_registry)?;
        let writing = schemas.writing(self.topic, is_key, schema).ok_or_else(|| {
            let text = format!(
                "the id of the schema `{}` for topic `{}` is not known yet: a send that is awaited asks the registry for it",
                schema.name, self.topic
            );
            Error::new(ErrorKind::Unavailable, text)
        })?;
        let body = encode_with(writing.id, part, buffer)?;
        if writing.latest.is_some() { writing.stamp(body, schema) } else { Ok(body) }
    }
}

/// What a part of a record that a listener returns lacks: its topic is known later, and so is the id of its schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unstamped {
    pub(crate) key: Option<&'static Schema>,
    pub(crate) payload: Option<&'static Schema>,
}

impl Unstamped {
    /// Whether nothing is lacking, which is so for every format without a registry.
    pub(crate) fn is_none(self) -> bool {
        self.key.is_none() && self.payload.is_none()
    }
}

/// A part of a record without its id.
pub(crate) fn encode_unstamped(part: &dyn WithSchema) -> Result<(Bytes, &'static Schema)> {
    let schema = part.schema()?;
    Ok((encode_with(0, part, &mut BytesMut::new())?, schema))
}

fn encode_with(id: u32, part: &dyn WithSchema, buffer: &mut BytesMut) -> Result<Bytes> {
    let start = buffer.len();
    put_header(id, buffer);
    match part.encode_body(buffer) {
        Ok(()) => Ok(cut(buffer, start)),
        Err(error) => {
            buffer.truncate(start);
            Err(error)
        }
    }
}

impl Writing {
    /// The part with its id, written by the schema that has it.
    pub(crate) fn stamp(&self, part: Bytes, schema: &'static Schema) -> Result<Bytes> {
        let (Some(latest), Some(rewrite)) = (&self.latest, schema.rewrite) else { return Ok(with_id(part, self.id)) };
        let rewritten = split(&part).and_then(|(_, body)| rewrite(schema, latest, body));
        let body = rewritten.map_err(|error| {
            let text = format!("a `{}` cannot be written by the latest schema of its subject", schema.name);
            Error::new(ErrorKind::Codec, text).with_source(error)
        })?;
        let mut bytes = BytesMut::with_capacity(body.len() + 5);
        put_header(self.id, &mut bytes);
        bytes.extend_from_slice(&body);
        Ok(bytes.freeze())
    }
}

/// A value with a schema, and no registry to get its id from.
pub(crate) fn no_registry() -> Error {
    Error::new(ErrorKind::Config, "there is no schema registry: set `kafka.schema-registry.url`")
}
