//! Listeners: what any version of a schema wrote is read, and what is not read is given up with its reason.

use anyhow::Result;
use apache_avro::AvroSchema;
use kafka_app::{
    Avro, Batch, ErrorKind, FromPayload, JsonSchema, KafkaApp, Key, PayloadContext, Protobuf, RecordMetadata,
    SchemaError, State, Valid, kafka_listener, listeners,
};
use kafka_app_tests::{Journal, PATIENCE, Record, record};
use serde::Deserialize;
use serde_json::json;

use crate::types::{Receipt, Refund, Sale, Setup, Ticket, header, later, sale};

#[kafka_listener(id = "evolve", topic = "${in}", group = "${group}", send_to = "${out}", dead_letter = "${dlt}")]
async fn evolve(Avro(sale): Avro<later::Sale>) -> Protobuf<Receipt> {
    Protobuf(Receipt { id: sale.id, text: sale.currency })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_schema_wrote_is_read_and_what_is_returned_has_its_own() -> Result<()> {
    let setup = Setup::new().await?;
    let (sales, receipts) = (setup.broker.topic("sales", 2).await?, setup.broker.topic("receipts", 1).await?);
    let app = setup
        .app()
        .set("in", &sales)
        .set("out", &receipts)
        .set("dlt", setup.broker.name("dlt"))
        .set("group", setup.broker.name("evolvers"))
        .listeners(listeners![evolve])
        .start()
        .await?;
    let template = app.template::<String, Avro<Sale>>();
    for id in 0..20 {
        template.send(&sales, &id.to_string(), &Avro(sale(id))).await?;
    }
    let records = setup.broker.records(&receipts, 20).await?;
    let first = records.iter().find(|record| record.key.as_deref() == Some("1")).expect("its receipt");
    let receipt = [&header(2)[..], &[2, 2, 8, 1, 18, 3, b'E', b'U', b'R']].concat();
    assert_eq!(first.payload.as_deref(), Some(&receipt[..]));
    assert_eq!((setup.n_requests("GET"), setup.n_requests("POST")), (1, 2), "{:?}", setup.registry.requests());
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "read", topic = "${in}", group = "${group}", dead_letter = "${dlt}")]
async fn read(
    Protobuf(receipt): Protobuf<Receipt>,
    Key(key): Key<Option<JsonSchema<Sale>>>,
    metadata: RecordMetadata,
    journal: State<Journal>,
) {
    let key = key.map_or(0, |JsonSchema(sale)| sale.id);
    journal.note("read", &metadata, format!("{}: {} {key}", receipt.id, receipt.text), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_given_up_at_once_with_its_reason() -> Result<()> {
    let setup = Setup::new().await?;
    let (topic, dlt) = (setup.broker.topic("receipts", 1).await?, setup.broker.topic("dlt", 1).await?);
    let journal = Journal::default();
    let app = setup
        .app()
        .set("in", &topic)
        .set("dlt", &dlt)
        .set("group", setup.broker.name("readers"))
        .state(journal.clone())
        .listeners(listeners![read])
        .start()
        .await?;
    let avro = setup.registry.keep("avro", &json!({ "schema": "{\"type\":\"record\",\"name\":\"A\",\"fields\":[]}" }));
    let odd = setup.registry.keep("odd", &json!({ "schema": "?", "schemaType": "XSD" }));
    app.template::<(), Protobuf<Ticket>>().send(&topic, &(), &Protobuf(Ticket { text: "secret".to_owned() })).await?;
    let unread = [header(avro), header(4711), header(odd), b"secret".to_vec(), [header(3), b"\xff".to_vec()].concat()];
    setup.broker.produce(&topic, unread.map(|payload| record("", payload))).await?;
    let receipt = Protobuf(Receipt { id: 7, text: "ok".to_owned() });
    app.template::<JsonSchema<Sale>, Protobuf<Receipt>>().send(&topic, &JsonSchema(sale(1)), &receipt).await?;

    journal.wait_for(1).await?;
    assert_eq!(journal.payloads(), ["7: ok 1"]);
    let reasons = setup.broker.records(&dlt, 6).await?;
    let reasons: Vec<_> = reasons
        .iter()
        .map(|letter| {
            String::from_utf8_lossy(letter.header("kafka_dlt-exception-message").unwrap_or_default()).into_owned()
        })
        .collect();
    let expected = [
        "it is a `shop.Ticket`, and not a `shop.Receipt`",
        "is AVRO, and not PROTOBUF",
        "the schema registry says 40403: Schema not found",
        "its format `XSD` is not known",
        "the 6 bytes do not begin with magic byte 0",
        "they do not say which message they hold",
    ];
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.contains(expected) && !reason.contains("secret"), "{expected:?} is missing in {reason:?}");
    }
    app.stop().await.expect_clean();
    Ok(())
}

#[derive(Debug, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
struct Line {
    sale: Sale,
}

#[derive(Debug, Deserialize, AvroSchema)]
#[avro(namespace = "shop")]
struct Order {
    line: Line,
}

#[kafka_listener(id = "ordered", topic = "${in}", group = "${group}", dead_letter = "${dlt}")]
async fn ordered(Avro(order): Avro<Order>, metadata: RecordMetadata, journal: State<Journal>) {
    journal.note("ordered", &metadata, format!("{} {}", order.line.sale.id, order.line.sale.article), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_refers_to_others_is_read_with_all_of_them() -> Result<()> {
    let setup = Setup::new().await?;
    let (avro, protobuf) = (setup.broker.topic("orders", 1).await?, setup.broker.topic("receipts", 1).await?);
    let refers_to = |name: &str, subject: &str| json!([{ "name": name, "subject": subject, "version": 1 }]);
    let record_of = |name: &str, field: &str, type_name: &str| json!({ "type": "record", "name": name, "namespace": "shop", "fields": [{ "name": field, "type": type_name }] });
    let sale = r#"{"type":"record","name":"Sale","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"article","type":"string"}]}"#;
    let (line, order) = (record_of("Line", "sale", "shop.Sale"), record_of("Order", "line", "shop.Line"));
    let registry = &setup.registry;
    let _sale = registry.keep("sales", &json!({ "schema": sale }));
    let _line =
        registry.keep("lines", &json!({ "schema": line.to_string(), "references": refers_to("shop.Sale", "sales") }));
    let order =
        registry.keep("orders", &json!({ "schema": order.to_string(), "references": refers_to("shop.Line", "lines") }));
    let money = r#"syntax = "proto3"; package shop; message Money { int64 cents = 1; }"#;
    let _money = registry.keep("money.proto", &json!({ "schema": money, "schemaType": "PROTOBUF" }));
    let receipt = r#"syntax = "proto3"; package shop; import "money.proto";
        message Ticket { string text = 2; } message Receipt { int64 id = 1; string text = 2; shop.Money paid = 3; }"#;
    let references = refers_to("money.proto", "money.proto");
    let receipt =
        registry.keep("receipts", &json!({ "schema": receipt, "schemaType": "PROTOBUF", "references": references }));
    let (journal, dlt) = (Journal::default(), setup.broker.name("dlt"));
    let app = |topic: &str| setup.app().set("in", topic).set("dlt", &dlt).state(journal.clone());
    let orders = app(&avro).set("group", setup.broker.name("o")).listeners(listeners![ordered]).start().await?;
    let receipts = app(&protobuf).set("group", setup.broker.name("r")).listeners(listeners![read]).start().await?;

    setup.broker.produce(&avro, [record("", [&header(order)[..], &[2, 6, b'h', b'a', b't']].concat())]).await?;
    journal.wait_for(1).await?;
    let asked = setup.registry.requests();
    let schema_of_order = format!("GET /schemas/ids/{order}");
    assert_eq!(asked, [&*schema_of_order, "GET /subjects/lines/versions/1", "GET /subjects/sales/versions/1"]);
    let paid = [&header(receipt)[..], &[2, 2, 8, 7, 18, 2, b'o', b'k', 26, 2, 8, 5]].concat();
    setup.broker.produce(&protobuf, [Record { payload: Some(paid), ..Record::default() }]).await?;
    journal.wait_for(2).await?;
    assert_eq!(journal.payloads(), ["1 hat", "7: ok 0"]);
    assert_eq!(setup.registry.requests().last().map(String::as_str), Some("GET /subjects/money.proto/versions/1"));
    orders.stop().await.expect_clean();
    receipts.stop().await.expect_clean();
    Ok(())
}

/// Several types on one topic.
#[derive(Debug)]
enum Booking {
    Sale(Sale),
    Refund(Refund),
}

impl<'r> FromPayload<'r> for Booking {
    type Error = Box<dyn std::error::Error + Send + Sync>;

    const NEEDS_REGISTRY: bool = true;

    fn from_payload(_: &'r [u8]) -> Result<Self, Self::Error> {
        Err(SchemaError::NoRegistry.into())
    }

    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, Self::Error> {
        match &*cx.schema_name(payload)? {
            "shop.Sale" => Ok(Self::Sale(Avro::from_payload_of(cx, payload)?.0)),
            "shop.Refund" => Ok(Self::Refund(Avro::from_payload_of(cx, payload)?.0)),
            other => Err(format!("no booking is a `{other}`").into()),
        }
    }
}

#[kafka_listener(id = "book", topic = "${in}", group = "${group}")]
async fn book(bookings: Batch<Booking>, journal: State<Journal>) {
    for booking in bookings {
        let text = match booking.payload {
            Booking::Sale(sale) => format!("sale {}", sale.id),
            Booking::Refund(refund) => format!("refund {}", refund.sale),
        };
        journal.note("book", &booking.metadata, text, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enum_tells_the_types_of_a_topic_apart_by_their_schemas() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("bookings", 1).await?;
    let journal = Journal::default();
    let app = setup
        .app()
        .set("kafka.schema-registry.value-subject-name-strategy", "TopicRecordNameStrategy")
        .set("in", &topic)
        .set("group", setup.broker.name("bookers"))
        .state(journal.clone())
        .listeners(listeners![book])
        .start()
        .await?;
    app.template::<(), Avro<Sale>>().send(&topic, &(), &Avro(sale(1))).await?;
    app.template::<(), Avro<Refund>>().send(&topic, &(), &Avro(Refund { sale: 1 })).await?;
    app.template::<(), Avro<Sale>>().send(&topic, &(), &Avro(sale(2))).await?;
    journal.wait_for(3).await?;
    assert_eq!(journal.payloads(), ["sale 1", "refund 1", "sale 2"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "check", topic = "${in}", group = "${group}", dead_letter = "${dlt}")]
async fn check(Valid(Avro(sale)): Valid<Avro<Sale>>, metadata: RecordMetadata, journal: State<Journal>) {
    journal.note("check", &metadata, sale.id.to_string(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_validate_is_given_up_at_once() -> Result<()> {
    let setup = Setup::new().await?;
    let (topic, dlt) = (setup.broker.topic("sales", 1).await?, setup.broker.topic("dlt", 1).await?);
    let journal = Journal::default();
    let app = setup
        .app()
        .set("in", &topic)
        .set("dlt", &dlt)
        .set("group", setup.broker.name("checkers"))
        .state(journal.clone())
        .listeners(listeners![check])
        .start()
        .await?;
    let template = app.template::<(), Avro<Sale>>();
    template.send_all(&topic, [-1, 2].map(|id| (&(), Avro(sale(id))))).await?;
    journal.wait_for(1).await?;
    assert_eq!(journal.payloads(), ["2"]);
    let letter = setup.broker.records(&dlt, 1).await?.remove(0);
    let reason = String::from_utf8_lossy(letter.header("kafka_dlt-exception-message").unwrap_or_default()).into_owned();
    assert!(reason.contains("not valid: a sale has a number"), "{reason}");
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "price", topic = "${in}", group = "${group}", reply)]
async fn price(Avro(sale): Avro<Sale>) -> Avro<Refund> {
    Avro(Refund { sale: sale.id })
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_replies_have_schemas_too() -> Result<()> {
    let setup = Setup::new().await?;
    let (topic, replies) = (setup.broker.topic("requests", 1).await?, setup.broker.topic("replies", 1).await?);
    let responder =
        setup.app().set("in", &topic).set("group", setup.broker.name("g")).listeners(listeners![price]).start().await?;
    let requester = setup.app().set("kafka.template.reply-topic", &replies).start().await?;
    let template = requester.template::<(), Avro<Sale>>();
    let Avro(refund): Avro<Refund> = template.request(&topic, &(), &Avro(sale(7)), PATIENCE).await?;
    assert_eq!(refund, Refund { sale: 7 });
    requester.stop().await.expect_clean();
    responder.stop().await.expect_clean();
    Ok(())
}

#[tokio::test]
async fn without_a_registry_such_a_listener_does_not_start() {
    let app = KafkaApp::new("127.0.0.1:1")
        .set("in", "sales")
        .set("dlt", "dlt")
        .set("group", "g")
        .state(Journal::default())
        .listeners(listeners![check]);
    let error = app.start().await.expect_err("there is no registry");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("whose schemas are in a registry: set `kafka.schema-registry.url`"), "{error}");
}
