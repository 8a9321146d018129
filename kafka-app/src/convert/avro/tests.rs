use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::{
    record::{OwnedRecord, RawRecord},
    schema::{Asking, Known, SchemaPort, Wanted, Writing},
};

/// A registry that has one schema, under id 7.
struct One(Arc<WriterSchema>);

impl One {
    fn of(text: &str) -> Self {
        Self::with(text, &[])
    }

    fn with(text: &str, references: &[&str]) -> Self {
        let references = references.iter().map(|text| (*text).to_owned()).collect();
        Self(Arc::new(WriterSchema::new(7, SchemaFormat::Avro, text.to_owned(), references)))
    }

    fn of_type<T: Serialize + AvroSchema>() -> Self {
        Self::of(once(avro_type::<T>).schema.text())
    }

    fn read<T: DeserializeOwned + AvroSchema>(&self, body: &[u8]) -> Result<T, SchemaError> {
        let record = RawRecord::from(OwnedRecord::default());
        let payload = [&[0, 0, 0, 0, 7], body].concat();
        let wanted = Wanted::default();
        Avro::from_payload_of(&PayloadContext::payload(&record, Some((self, &wanted))), &payload)
            .map(|Avro(value)| value)
    }
}

impl SchemaPort for One {
    fn writer(&self, id: u32) -> Known {
        if id == 7 { Known::Schema(Arc::clone(&self.0)) } else { Known::NotYet }
    }

    fn load(&self, _: u32) -> Asking<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn writing(&self, _: &str, _: bool, _: &'static Schema) -> Option<Writing> {
        None
    }

    fn learn<'a>(&'a self, _: &'a str, _: bool, _: &'static Schema) -> Asking<'a, Writing> {
        Box::pin(std::future::ready(Ok(Writing { id: 7, latest: None })))
    }
}

fn body<T: Serialize + AvroSchema>(value: T) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    Avro(value).encode_body(&mut buffer).unwrap();
    buffer.to_vec()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
struct Order {
    id: i64,
    customer: String,
    lines: Vec<Line>,
    note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
struct Line {
    article: String,
    pieces: i32,
}

fn order() -> Order {
    let lines = vec![Line { article: "hat".to_owned(), pieces: 2 }, Line { article: "shoe".to_owned(), pieces: -1 }];
    Order { id: 4711, customer: "ann".to_owned(), lines, note: Some("soon".to_owned()) }
}

#[test]
fn what_is_written_is_read_again() {
    assert_eq!(One::of_type::<Order>().read::<Order>(&body(order())), Ok(order()));
}

#[test]
fn a_record_is_written_as_the_specification_says() {
    let bytes = body(Line { article: "hat".to_owned(), pieces: -1 });
    assert_eq!(bytes, [6, b'h', b'a', b't', 1], "a length, the text, a zigzag number");
}

#[test]
fn the_schema_is_named_with_its_namespace() {
    let value = Avro(order());
    let schema = value.schema().unwrap();
    assert_eq!((schema.name(), schema.format()), ("shop.Order", SchemaFormat::Avro));
    assert!(schema.text().contains(r#""namespace":"shop""#), "{}", schema.text());
}

/// A later version of [`Line`]: a field more with a default, one less, and a wider number.
mod later {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
    #[avro(namespace = "shop")]
    pub(super) struct Line {
        pub(super) pieces: i64,
        #[avro(default = r#""EUR""#)]
        pub(super) currency: String,
    }
}

#[test]
fn an_earlier_version_is_read_with_defaults_and_wider_numbers() {
    let read = One::of_type::<Line>().read::<later::Line>(&body(Line { article: "hat".to_owned(), pieces: 3 }));
    assert_eq!(read, Ok(later::Line { pieces: 3, currency: "EUR".to_owned() }));
}

#[test]
fn a_field_that_is_missing_without_a_default_is_told_by_its_name() {
    let error = One::of_type::<later::Line>().read::<Line>(&body(later::Line { pieces: 3, currency: "x".to_owned() }));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("schema with id 7") && error.contains("article"), "{error}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
struct Refund {
    id: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop", alias = "Refund")]
struct Return {
    id: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
struct Sale {
    id: i64,
}

#[test]
fn a_record_of_another_name_is_rejected_unless_that_is_an_alias() {
    let refunds = One::of_type::<Refund>();
    let error = refunds.read::<Sale>(&body(Refund { id: 1 })).unwrap_err().to_string();
    assert!(error.contains("it is a `shop.Refund`, and not a `shop.Sale`"), "{error}");
    assert_eq!(refunds.read::<Return>(&body(Refund { id: 1 })), Ok(Return { id: 1 }));
}

#[test]
fn bytes_that_do_not_fit_are_told_without_what_they_hold() {
    for bytes in [&b""[..], b"\x0c4711", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
        for error in [
            One::of_type::<Line>().read::<Line>(bytes).unwrap_err().to_string(),
            One::of_type::<Line>().read::<later::Line>(bytes).unwrap_err().to_string(),
        ] {
            assert!(error.starts_with("the bytes do not fit the schema with id 7"), "{error}");
            assert!(!error.contains("4711"), "{error}");
        }
    }
}

#[test]
fn schemas_may_refer_to_others() {
    let line = once(avro_type::<Line>).schema.text();
    let order = r#"{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},
        {"name":"customer","type":"string"},{"name":"lines","type":{"type":"array","items":"shop.Line"}},
        {"name":"note","type":["null","string"]}]}"#;
    assert_eq!(One::with(order, &[line]).read::<Order>(&body(self::order())), Ok(self::order()));
}

#[test]
fn what_is_no_schema_says_so() {
    let error = One::of("{\"type\":\"recor\"}").read::<Line>(b"").unwrap_err().to_string();
    assert!(error.starts_with("the schema with id 7 cannot be used: "), "{error}");
}

#[test]
fn a_value_is_written_by_the_latest_schema_of_its_subject() {
    let latest = One::of_type::<later::Line>();
    let own = &once(avro_type::<Line>).schema;
    let written = written::rewrite(own, &latest.0, &body(Line { article: "hat".to_owned(), pieces: 3 })).unwrap();
    assert_eq!(latest.read::<later::Line>(&written), Ok(later::Line { pieces: 3, currency: "EUR".to_owned() }));
    let own = &once(avro_type::<later::Line>).schema;
    let refused = body(later::Line { pieces: 1, currency: "4711".to_owned() });
    let error = written::rewrite(own, &One::of_type::<Line>().0, &refused).unwrap_err().to_string();
    assert!(error.contains("neither a value nor a default") && !error.contains("4711"), "{error}");
}

#[test]
fn without_a_registry_it_is_neither_read_nor_written() {
    assert_eq!(Avro::<Line>::from_payload(&[0; 9]).err(), Some(SchemaError::NoRegistry));
    let error = Avro(Refund { id: 1 }).encode(&mut BytesMut::new()).unwrap_err();
    assert!(error.to_string().contains("ToPayload::with_schema"), "{error}");
}
