use super::*;

#[derive(Clone, PartialEq, prost::Message)]
struct Line {
    #[prost(string, tag = "1")]
    article: String,
}

impl prost::Name for Line {
    const NAME: &'static str = "Order.Line";
    const PACKAGE: &'static str = "shop";
}

impl ProtobufSchema for Line {
    const PROTO: &'static str =
        "syntax = \"proto3\"; package shop; message Other {} message Order { message Line { string article = 1; } }";
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stray {}

impl prost::Name for Stray {
    const NAME: &'static str = "Stray";
    const PACKAGE: &'static str = "shop";
}

impl ProtobufSchema for Stray {
    const PROTO: &'static str = Line::PROTO;
}

#[test]
fn a_message_is_written_behind_its_place_in_its_file() {
    let mut body = BytesMut::new();
    Protobuf(Line { article: "hat".to_owned() }).encode_body(&mut body).unwrap();
    assert_eq!(&body[..], [4, 2, 0, 10, 3, b'h', b'a', b't'], "two indexes, 1 and 0");
}

#[test]
fn a_message_that_its_file_does_not_declare_is_an_error() {
    let error = Protobuf(Stray {}).schema().unwrap_err().to_string();
    assert_eq!(error, "the text in `ProtobufSchema::PROTO` declares no message `shop.Stray`");
}

#[test]
fn without_a_registry_it_is_neither_read_nor_written() {
    assert_eq!(Protobuf::<Line>::from_payload(&[0; 9]).err(), Some(SchemaError::NoRegistry));
    assert!(Protobuf(Line::default()).encode(&mut BytesMut::new()).is_err());
}
