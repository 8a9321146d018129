//! What every registry does: on the one of `KAFKA_APP_TEST_SCHEMA_REGISTRY` (Confluent's, or one with its REST API) where that is
//! said, else on the fake.

use anyhow::Result;
use kafka_app::{
    Avro, ErrorKind, JsonSchema, KafkaApp, Key, Protobuf, RecordMetadata, State, kafka_listener, listeners,
};
use kafka_app_schema_tests::FakeRegistry;
use kafka_app_tests::{Journal, TestBroker, record};
use serde::{Deserialize, Serialize};

use crate::types::{Receipt, Sale, header, later, sale};

/// The registry of this run; the fake one lives as long as it is kept.
async fn registry() -> Result<(String, Option<FakeRegistry>)> {
    if let Ok(url) = std::env::var("KAFKA_APP_TEST_SCHEMA_REGISTRY") {
        return Ok((url, None));
    }
    let fake = FakeRegistry::start().await?;
    Ok((fake.url(), Some(fake)))
}

#[kafka_listener(id = "all", topic = "${in}", group = "${group}", send_to = "${out}", dead_letter = "${dlt}")]
async fn all(Avro(sale): Avro<later::Sale>, Key(key): Key<JsonSchema<Sale>>) -> Protobuf<Receipt> {
    Protobuf(Receipt { id: sale.id, text: format!("{} {}", key.article, sale.currency) })
}

#[kafka_listener(id = "last", topic = "${out}", group = "${group}-last", dead_letter = "${dlt}")]
async fn last(Protobuf(receipt): Protobuf<Receipt>, metadata: RecordMetadata, journal: State<Journal>) {
    journal.note("last", &metadata, format!("{}: {}", receipt.id, receipt.text), 1);
}

#[kafka_listener(id = "letters", topic = "${dlt}", group = "${group}-letters")]
async fn letters(_letter: &[u8], metadata: RecordMetadata, journal: State<Journal>) {
    journal.note("letters", &metadata, "letter", 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_formats_go_through_a_pipeline_and_an_id_that_is_not_there_is_a_dead_letter() -> Result<()> {
    let (broker, (url, _fake)) = (TestBroker::start()?, registry().await?);
    let (sales, receipts) = (broker.topic("sales", 1).await?, broker.topic("receipts", 1).await?);
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("kafka.schema-registry.url", &url)
        .set("in", &sales)
        .set("out", &receipts)
        .set("dlt", broker.topic("dlt", 1).await?)
        .set("group", broker.name("all"))
        .state(journal.clone())
        .listeners(listeners![all, last, letters])
        .start()
        .await?;
    broker.produce(&sales, [record("\0\0\0\0\u{1}{}", [header(2_000_000_000), b"x".to_vec()].concat())]).await?;
    let template = app.template::<JsonSchema<Sale>, Avro<Sale>>();
    for id in 0..3 {
        template.send(&sales, &JsonSchema(sale(id)), &Avro(sale(id))).await?;
    }
    let entries = journal.wait_for(4).await?;
    let of = |who: &str| entries.iter().filter(|entry| entry.who == who).map(|e| &*e.payload).collect::<Vec<_>>();
    assert_eq!((of("last"), of("letters").len()), (vec!["0: hat EUR", "1: hat EUR", "2: hat EUR"], 1));
    app.stop().await.expect_clean();
    Ok(())
}

/// [`Sale`] with a field that earlier ones lack, and no default for it.
mod incompatible {
    use super::*;

    #[derive(Debug, Serialize, Deserialize, apache_avro::AvroSchema)]
    #[avro(namespace = "shop")]
    pub(super) struct Sale {
        pub(super) id: i64,
        pub(super) wanted: String,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_is_registered_once_over_restarts_and_one_that_is_not_compatible_is_refused() -> Result<()> {
    let (broker, (url, fake)) = (TestBroker::start()?, registry().await?);
    let topic = broker.topic("sales", 1).await?;
    for id in 0..2 {
        let app = KafkaApp::new(broker.bootstrap_servers()).set("kafka.schema-registry.url", &url).start().await?;
        app.template::<(), Avro<Sale>>().send(&topic, &(), &Avro(sale(id))).await?;
        app.stop().await.expect_clean();
    }
    let records = broker.records(&topic, 2).await?;
    assert_eq!(records[0].payload.as_deref().map(|p| &p[..5]), records[1].payload.as_deref().map(|p| &p[..5]));
    // A real one is to be set to BACKWARD, which is Confluent's default.
    if let Some(fake) = &fake {
        fake.freeze(&format!("{topic}-value"));
    }
    let app = KafkaApp::new(broker.bootstrap_servers()).set("kafka.schema-registry.url", &url).start().await?;
    let refused = incompatible::Sale { id: 1, wanted: "x".to_owned() };
    let error = app.template::<(), Avro<incompatible::Sale>>().send(&topic, &(), &Avro(refused)).await;
    let error = error.expect_err("it is not compatible");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(error.to_string().contains("the schema registry says 409"), "{error}");
    app.stop().await.expect_clean();
    Ok(())
}
