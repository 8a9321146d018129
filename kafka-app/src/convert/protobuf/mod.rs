//! [`Protobuf`]: payloads in Protobuf whose schema is in a registry.

mod names;

use std::ops::{Deref, DerefMut};

use bytes::BytesMut;

pub(crate) use self::names::message_at;
use self::names::{Messages, indexes_of};
use super::{
    FromPayload, PayloadContext, ToPayload,
    type_schemas::{once, without_registry},
};
use crate::{
    error::{Error, ErrorKind, Result},
    schema::{Schema, SchemaError, SchemaFormat, WithSchema, put_indexes, take_indexes},
};

/// A Protobuf message, with its `.proto` file in a registry (`kafka.schema-registry.url`), as Confluent's
/// `KafkaProtobufSerializer` writes it.
///
/// Its type is a message of [`prost`] that names its file by [`ProtobufSchema`]. The file is registered by the first send; files
/// it imports have to be those that every registry has (`google/protobuf/..`). A record holds the message that its schema says:
/// one of another name is rejected, since its bytes could be read as this one and be wrong.
///
/// ```
/// use kafka_app::{Protobuf, ProtobufSchema, kafka_listener};
///
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Order {
///     #[prost(uint64, tag = "1")]
///     id: u64,
/// }
///
/// impl prost::Name for Order {
///     const NAME: &'static str = "Order";
///     const PACKAGE: &'static str = "shop";
/// }
///
/// impl ProtobufSchema for Order {
///     // Usually `include_str!("shop.proto")`; prost-build writes the message and, with `enable_type_names`, its name.
///     const PROTO: &'static str = r#"syntax = "proto3"; package shop; message Order { uint64 id = 1; }"#;
/// }
///
/// #[kafka_listener(topic = "orders", group = "billing")]
/// async fn bill(Protobuf(order): Protobuf<Order>) {
///     println!("{}", order.id);
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Protobuf<M>(pub M);

/// A message that knows the file it is declared in.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name its `.proto` file",
    note = "implement `ProtobufSchema` with `const PROTO: &'static str = include_str!(..)`; `prost::Name` comes from prost-build with `enable_type_names`"
)]
pub trait ProtobufSchema: prost::Message + prost::Name + Default {
    /// The text of the `.proto` file that declares the message.
    const PROTO: &'static str;
}

impl<M> Deref for Protobuf<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

impl<M> DerefMut for Protobuf<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.0
    }
}

/// A message type with its place in its file.
struct MessageType {
    schema: Schema,
    /// `None`: the file does not declare it.
    indexes: Option<Vec<i32>>,
}

fn message_type<M: ProtobufSchema>() -> MessageType {
    let name = M::full_name();
    let indexes = indexes_of(M::PROTO, &name);
    let schema = Schema { format: SchemaFormat::Protobuf, name, text: M::PROTO.to_owned(), rewrite: None };
    MessageType { schema, indexes }
}

impl<'r, M: ProtobufSchema> FromPayload<'r> for Protobuf<M> {
    type Error = SchemaError;

    const NEEDS_REGISTRY: bool = true;

    fn from_payload(_: &'r [u8]) -> Result<Self, SchemaError> {
        Err(SchemaError::NoRegistry)
    }

    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, SchemaError> {
        let (writer, body) = cx.writer(payload)?;
        let id = writer.id;
        if writer.format != SchemaFormat::Protobuf {
            return Err(SchemaError::OtherFormat { id, found: writer.format, expected: SchemaFormat::Protobuf });
        }
        let malformed = |what: &str| SchemaError::Malformed { id, what: what.to_owned() };
        let (indexes, body) = take_indexes(body).ok_or_else(|| malformed("they do not say which message they hold"))?;
        let messages = writer.parsed(|writer| Messages::of(&writer.text));
        let found = messages.and_then(|messages| messages.name(&indexes));
        let found = found.ok_or_else(|| malformed("the schema has no such message"))?;
        let expected = once(message_type::<M>).schema.name();
        if found != expected {
            return Err(SchemaError::Incompatible { id, reason: format!("it is a `{found}`, and not a `{expected}`") });
        }
        // prost's own errors name fields, never values.
        M::decode(body).map(Self).map_err(|error| malformed(&error.to_string()))
    }
}

impl<M: ProtobufSchema> ToPayload for Protobuf<M> {
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

impl<M: ProtobufSchema> WithSchema for Protobuf<M> {
    fn schema(&self) -> Result<&'static Schema> {
        let MessageType { schema, indexes } = once(message_type::<M>);
        match indexes {
            Some(_) => Ok(schema),
            None => {
                let text = format!("the text in `ProtobufSchema::PROTO` declares no message `{}`", schema.name);
                Err(Error::new(ErrorKind::Codec, text))
            }
        }
    }

    fn encode_body(&self, buffer: &mut BytesMut) -> Result<()> {
        self.schema()?;
        let indexes = once(message_type::<M>).indexes.as_deref().unwrap_or_default();
        put_indexes(indexes, buffer);
        // It fails for want of room alone, of which a buffer that grows has as much as there is.
        self.0.encode(buffer).map_err(|error| {
            let text = format!("cannot write a `{}`", std::any::type_name::<M>());
            Error::new(ErrorKind::Codec, text).with_source(error)
        })
    }
}

#[cfg(test)]
mod tests;
