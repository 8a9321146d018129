//! What a record was written as, by the schema it names.

use serde_json::Value;

use crate::schema::{SchemaFormat, WriterSchema};

impl WriterSchema {
    /// The full name of the record or message; `body` is what follows the id, which for Protobuf begins with the way to the
    /// message in its file.
    pub(crate) fn name(&self, body: &[u8]) -> Option<String> {
        match self.format {
            SchemaFormat::Avro => avro_name(&self.text),
            SchemaFormat::Json => json_name(&self.text),
            SchemaFormat::Protobuf => self.message_name(body),
        }
    }

    #[cfg(feature = "protobuf")]
    fn message_name(&self, body: &[u8]) -> Option<String> {
        let (indexes, _) = crate::schema::take_indexes(body)?;
        crate::convert::message_at(&self.text, &indexes)
    }

    #[cfg(not(feature = "protobuf"))]
    fn message_name(&self, _: &[u8]) -> Option<String> {
        None
    }
}

fn avro_name(text: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(text).ok()?;
    let name = match &schema {
        Value::String(name) => return Some(name.clone()),
        schema => schema.get("name").or_else(|| schema.get("type"))?.as_str()?,
    };
    match schema.get("namespace").and_then(Value::as_str) {
        Some(namespace) if !namespace.is_empty() && !name.contains('.') => Some(format!("{namespace}.{name}")),
        _ => Some(name.to_owned()),
    }
}

fn json_name(text: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(text).ok()?;
    schema.get("title")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(format: SchemaFormat, text: &str) -> Option<String> {
        WriterSchema::new(1, format, text.to_owned(), Vec::new()).name(&[])
    }

    #[test]
    fn a_record_is_named_with_its_namespace() {
        let named = |text| name(SchemaFormat::Avro, text);
        assert_eq!(named(r#"{"type":"record","name":"Sale","namespace":"shop"}"#).as_deref(), Some("shop.Sale"));
        assert_eq!(named(r#"{"type":"record","name":"shop.Sale","namespace":"x"}"#).as_deref(), Some("shop.Sale"));
        assert_eq!(named(r#"{"type":"record","name":"Sale"}"#).as_deref(), Some("Sale"));
        assert_eq!(named(r#""string""#).as_deref(), Some("string"));
        assert_eq!(named("[]"), None);
    }

    #[test]
    fn a_json_schema_is_named_by_its_title() {
        assert_eq!(name(SchemaFormat::Json, r#"{"title":"Sale"}"#).as_deref(), Some("Sale"));
        assert_eq!(name(SchemaFormat::Json, "{}"), None);
    }
}
