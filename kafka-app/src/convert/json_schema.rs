//! [`JsonSchema`]: payloads in JSON whose schema is in a registry.

use std::ops::{Deref, DerefMut};

use bytes::BytesMut;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};

use super::{
    FromPayload, Json, ToPayload,
    type_schemas::{once, without_registry},
};
use crate::{
    error::Result,
    schema::{Schema, SchemaError, SchemaFormat, WithSchema, split},
};

/// A payload or a key in JSON, with its JSON Schema in a registry (`kafka.schema-registry.url`), as Confluent's
/// `KafkaJsonSchemaSerializer` writes it.
///
/// The schema is the one that [`schemars`] derives, in draft 7, and is registered by the first send. A reader needs no schema:
/// serde decides what a value may be, as for [`Json`], and its type may borrow from the record.
///
/// ```
/// use kafka_app::{JsonSchema, kafka_listener};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Order { id: u64 }
///
/// #[kafka_listener(topic = "orders", group = "billing")]
/// async fn bill(JsonSchema(order): JsonSchema<Order>) {
///     println!("{}", order.id);
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct JsonSchema<T>(pub T);

impl<T> Deref for JsonSchema<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for JsonSchema<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<'r, T: Deserialize<'r>> FromPayload<'r> for JsonSchema<T> {
    type Error = SchemaError;

    fn from_payload(payload: &'r [u8]) -> Result<Self, SchemaError> {
        let (id, body) = split(payload)?;
        let Json(value) =
            Json::from_payload(body).map_err(|error| SchemaError::Malformed { id, what: error.to_string() })?;
        Ok(Self(value))
    }
}

impl<T: Serialize + schemars::JsonSchema> ToPayload for JsonSchema<T> {
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

impl<T: Serialize + schemars::JsonSchema> WithSchema for JsonSchema<T> {
    fn schema(&self) -> Result<&'static Schema> {
        Ok(once(schema_of::<T>))
    }

    fn encode_body(&self, buffer: &mut BytesMut) -> Result<()> {
        Json(&self.0).encode(buffer)
    }
}

fn schema_of<T: schemars::JsonSchema>() -> Schema {
    // Draft 7 is what Confluent's own serializer writes, and what every registry knows.
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
    Schema {
        format: SchemaFormat::Json,
        name: T::schema_name().into_owned(),
        text: schema.as_value().to_string(),
        rewrite: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
    struct Order<'r> {
        id: u64,
        customer: &'r str,
    }

    #[test]
    fn a_value_is_json_behind_the_id() {
        let mut body = BytesMut::from(&[0, 0, 0, 0, 7][..]);
        JsonSchema(Order { id: 1, customer: "ann" }).encode_body(&mut body).unwrap();
        assert_eq!(&body[5..], br#"{"id":1,"customer":"ann"}"#);
        let JsonSchema(order) = JsonSchema::<Order<'_>>::from_payload(&body).unwrap();
        assert_eq!(order.customer.as_ptr(), body[25..].as_ptr(), "text is borrowed from the record");
        assert_eq!(order, Order { id: 1, customer: "ann" });
    }

    #[test]
    fn the_schema_is_of_draft_7_and_named_after_the_type() {
        let schema = JsonSchema(Order { id: 1, customer: "" }).schema().unwrap();
        assert_eq!(schema.name(), "Order");
        assert!(schema.text().contains("draft-07") && schema.text().contains("\"customer\""), "{}", schema.text());
    }

    #[test]
    fn what_is_wrong_is_told_without_what_the_record_holds() {
        let error = |payload: &[u8]| JsonSchema::<Order<'_>>::from_payload(payload).unwrap_err().to_string();
        assert_eq!(
            error(b"\0\0\0\0\x07{\"id\":\"4711\"}"),
            "the bytes do not fit the schema with id 7: invalid type, expected u64 at line 1 column 12"
        );
        assert!(error(b"{\"id\":4711}").starts_with("the 11 bytes do not begin with magic byte 0"));
    }

    #[test]
    fn encoded_by_itself_it_is_an_error() {
        let error = JsonSchema(1_u8).encode(&mut BytesMut::new()).unwrap_err();
        assert!(error.to_string().contains("ToPayload::with_schema"), "{error}");
    }
}
