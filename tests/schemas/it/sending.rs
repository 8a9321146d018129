//! Templates: the id of a schema is asked for once for a type and a topic, and what the registry refuses is told.

use anyhow::Result;
use kafka_app::{Avro, ErrorKind, JsonSchema, KafkaApp, Protobuf, SendError};
use kafka_app_tests::TestBroker;
use serde_json::{Value, json};

use crate::types::{Receipt, Refund, Sale, Setup, header, later, sale};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_begins_with_the_id_of_its_schema_which_is_registered_once() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    let app = setup.app().start().await?;
    let template = app.template::<String, Avro<Sale>>();
    for id in 0..5 {
        template.send(&topic, "ann", &Avro(sale(id))).await?;
    }
    template.send_all(&topic, (5..9).map(|id| ("ann", Avro(sale(id))))).await?;
    let records = setup.broker.records(&topic, 9).await?;
    let expected = [header(1), vec![0, 6, b'h', b'a', b't']].concat();
    assert_eq!(records[0].payload.as_deref(), Some(&expected[..]));
    assert_eq!(setup.registry.requests(), [format!("POST /subjects/{topic}-value/versions")]);
    let schema: Value =
        serde_json::from_str(setup.registry.versions(&format!("{topic}-value"))[0]["schema"].as_str().unwrap())?;
    assert_eq!((&schema["namespace"], &schema["name"]), (&json!("shop"), &json!("Sale")));
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_have_subjects_of_their_own_and_formats_their_names() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("receipts", 1).await?;
    let app = setup.app().start().await?;
    let receipt = Protobuf(Receipt { id: 1, text: "a".to_owned() });
    app.template::<JsonSchema<Sale>, Protobuf<Receipt>>().send(&topic, &JsonSchema(sale(1)), &receipt).await?;
    let record = setup.broker.records(&topic, 1).await?.remove(0);
    let key = [&header(1)[..], br#"{"id":1,"article":"hat"}"#].concat();
    assert_eq!(record.key.as_deref().map(str::as_bytes), Some(&key[..]));
    assert_eq!(record.payload.as_deref(), Some(&[&header(2)[..], &[2, 2, 8, 1, 18, 1, b'a']].concat()[..]));
    assert_eq!(setup.registry.versions(&format!("{topic}-key"))[0]["schemaType"], "JSON");
    assert_eq!(setup.registry.versions(&format!("{topic}-value"))[0]["schemaType"], "PROTOBUF");
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_does_not_wait_needs_an_id_that_is_known() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    let app = setup.app().start().await?;
    let template = app.template::<String, Avro<Sale>>();
    let error = template.try_send(&topic, "ann", &Avro(sale(1))).expect_err("nobody has asked");
    assert!(
        error.to_string().contains("the id of the schema `shop.Sale`")
            && error.to_string().contains("is not known yet"),
        "{error}"
    );
    template.send(&topic, "ann", &Avro(sale(1))).await?;
    template.try_send(&topic, "ann", &Avro(sale(2)))?.await?;
    app.stop().await.expect_clean();
    Ok(())
}

async fn refused(setup: &Setup, app: KafkaApp) -> Result<SendError> {
    let topic = setup.broker.topic("sales", 1).await?;
    setup.registry.freeze(&format!("{topic}-value"));
    let app = app.start().await?;
    let error = app.template::<String, Avro<Sale>>().send(&topic, "ann", &Avro(sale(1))).await;
    app.stop().await.expect_clean();
    Ok(error.expect_err("it is refused"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incompatible_schema_is_told_in_the_words_of_the_registry() -> Result<()> {
    let setup = Setup::new().await?;
    let error = refused(&setup, setup.app()).await?;
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let text = error.to_string();
    assert!(text.contains("the schema `shop.Sale` cannot be used for subject `sales-"), "{text}");
    assert!(text.contains("says 409: Schema being registered is incompatible with an earlier schema"), "{text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_registration_a_schema_has_to_be_there() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    let app = setup.app().set("kafka.schema-registry.auto-register-schemas", "false").start().await?;
    let template = app.template::<String, Avro<Sale>>();
    let error = template.send(&topic, "ann", &Avro(sale(1))).await.expect_err("nobody registered it").to_string();
    assert!(error.contains("says 40401: Subject not found"), "{error}");

    let registered = setup.broker.topic("registered", 1).await?;
    let other = setup.app().start().await?;
    other.template::<String, Avro<Sale>>().send(&registered, "ann", &Avro(sale(1))).await?;
    template.send(&registered, "ann", &Avro(sale(2))).await?;
    let records = setup.broker.records(&registered, 2).await?;
    assert_eq!(records[0].payload.as_deref().map(|p| &p[..5]), records[1].payload.as_deref().map(|p| &p[..5]));
    app.stop().await.expect_clean();
    other.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_latest_version_values_are_written_by_the_schema_of_the_registry() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    let register = setup.app().start().await?;
    let later = later::Sale { id: 1, currency: "USD".to_owned() };
    register.template::<String, Avro<later::Sale>>().send(&topic, "ann", &Avro(later)).await?;
    let app = setup
        .app()
        .set("kafka.schema-registry.auto-register-schemas", "false")
        .set("kafka.schema-registry.use-latest-version", "true")
        .start()
        .await?;
    app.template::<String, Avro<Sale>>().send(&topic, "ann", &Avro(sale(2))).await?;
    let records = setup.broker.records(&topic, 2).await?;
    assert_eq!(records[1].payload.as_deref(), Some(&[&header(1)[..], &[4, 6, b'E', b'U', b'R']].concat()[..]));
    app.stop().await.expect_clean();
    register.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_are_named_by_their_strategy() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("bookings", 1).await?;
    let app = setup
        .app()
        .set("kafka.schema-registry.value-subject-name-strategy", "topic-record-name")
        .set("kafka.schema-registry.key-subject-name-strategy", "record-name")
        .start()
        .await?;
    let key = Avro(Refund { sale: 1 });
    app.template::<Avro<Refund>, Avro<Sale>>().send(&topic, &key, &Avro(sale(1))).await?;
    app.template::<Avro<Refund>, Avro<Refund>>().send(&topic, &key, &Avro(Refund { sale: 1 })).await?;
    for subject in [format!("{topic}-shop.Sale"), format!("{topic}-shop.Refund"), "shop.Refund".to_owned()] {
        assert_eq!(setup.registry.versions(&subject).len(), 1, "{subject}");
    }
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_sent_and_never_shown() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    // user:hunter2
    setup.registry.wants("Basic dXNlcjpodW50ZXIy");
    let send = async |app: KafkaApp| -> Result<Result<(), SendError>> {
        let app = app.start().await?;
        let sent = app.template::<String, Avro<Sale>>().send(&topic, "ann", &Avro(sale(1))).await;
        app.stop().await.expect_clean();
        Ok(sent.map(|_| ()))
    };
    send(setup.app().set("kafka.schema-registry.basic-auth.user-info", "user:hunter2")).await??;
    let wrong = setup.app().set("kafka.schema-registry.basic-auth.user-info", "user:hunter3");
    let error = send(wrong).await?.expect_err("wrong password");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("40101: who are you?") && !error.to_string().contains("hunter"), "{error}");
    setup.registry.wants("Bearer token-4711");
    send(setup.app().set("kafka.schema-registry.bearer-auth.token", "token-4711")).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_urls_is_enough() -> Result<()> {
    let setup = Setup::new().await?;
    let topic = setup.broker.topic("sales", 1).await?;
    let urls = format!("http://127.0.0.1:1/, {}", setup.registry.url());
    let app = setup.app().set("kafka.schema-registry.url", urls).start().await?;
    app.template::<String, Avro<Sale>>().send(&topic, "ann", &Avro(sale(1))).await?;
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test]
async fn mistakes_are_told_at_start() -> Result<()> {
    let broker = TestBroker::start()?;
    let error = KafkaApp::new(broker.bootstrap_servers())
        .set("kafka.schema-registry.url", "localhost:8081")
        .set("kafka.schema-registry.use-latest-version", "true")
        .set("kafka.schema-registry.basic-auth.user-info", "hunter2")
        .set("kafka.schema-registry.value-subject-name-strategy", "record")
        .set("kafka.schema-registry.auto-register", "true")
        .start()
        .await
        .expect_err("five mistakes")
        .to_string();
    let said = [
        "5 mistakes",
        "expected URLs such as",
        "set that to false",
        "expected \"user:password\"",
        "record-name",
        "auto-register-schemas",
    ];
    said.iter().for_each(|said| assert!(error.contains(said), "{said:?} is missing in:\n{error}"));
    assert!(!error.contains("hunter2"), "{error}");
    Ok(())
}
