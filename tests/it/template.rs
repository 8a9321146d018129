//! The template: every acknowledged record is there, and what fails comes back.

use std::collections::BTreeMap;

use anyhow::Result;
use kafka_app::{Json, KafkaApp, RunningApp, SendError, Template, kafka_listener, listeners};
use kafka_app_tests::{TestBroker, record};

async fn app(broker: &TestBroker) -> Result<RunningApp> {
    Ok(KafkaApp::new(broker.bootstrap_servers()).start().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_send_answers_with_the_place_of_its_record() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("sent", 1).await?;
    let app = app(&broker).await?;
    let template = app.template::<String, Json<Vec<u32>>>();
    for n in 0..3 {
        let result = template.send(&topic, "k", &Json(vec![n])).await?;
        assert_eq!((result.partition, result.offset), (0, i64::from(n)));
    }
    assert_eq!(broker.records(&topic, 3).await?.iter().map(|r| r.text()).collect::<Vec<_>>(), ["[0]", "[1]", "[2]"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn send_all_keeps_the_order_of_each_key() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("many", 3).await?;
    let app = app(&broker).await?;
    let template = app.template::<String, String>();
    let records = (0..5_000).map(|n| (format!("k{}", n % 7), n.to_string())).collect::<Vec<_>>();
    let results = template.send_all(&topic, records.iter().map(|(key, payload)| (key.as_str(), payload))).await?;
    assert_eq!(results.len(), 5_000);
    let mut by_key = BTreeMap::<String, Vec<u32>>::new();
    for record in broker.records(&topic, 5_000).await? {
        by_key.entry(record.key.clone().unwrap_or_default()).or_default().push(record.text().parse()?);
    }
    assert_eq!(by_key.len(), 7);
    assert!(by_key.values().all(|numbers| numbers.is_sorted()));
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_comes_back_with_an_error_that_says_so() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("large", 1).await?;
    let app = app(&broker).await?;
    let template = app.template::<String, String>();
    let payload = "x".repeat(5_000_000);
    let error = template.send(&topic, "k", &payload).await.unwrap_err();
    assert!(error.to_string().contains(&topic), "{error}");
    assert_eq!(error.record().payload.as_ref().map(|p| p.len()), Some(5_000_000), "the record is given back");
    template.send(&topic, "k", &"small".to_owned()).await?;
    app.stop().await.expect_clean();
    assert_eq!(broker.end_offsets(&topic)?[&0], 1, "and the next one goes through");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_land_on_the_partitions_java_producers_choose() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("murmur", 10).await?;
    let app = app(&broker).await?;
    let template = app.template::<String, String>();
    // The values of Java's Utils.murmur2, from Kafka's own UtilsTest.
    for (key, murmur2) in
        [("21", -973_932_308_i32), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)]
    {
        let sent = template.send(&topic, key, &String::new()).await?;
        assert_eq!(sent.partition, (murmur2 & i32::MAX) % 10, "{key}");
    }
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "relay", topic = "${in}", group = "${group}", dead_letter = "off")]
async fn relay(text: String, template: Template<String, String>) -> Result<(), SendError> {
    let (topic, payload) = text.split_once(' ').unwrap_or(("nowhere", &text));
    template.send(topic, "relayed", &payload.to_owned()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_sends_through_a_template_argument() -> Result<()> {
    let broker = TestBroker::start()?;
    let (topic, out) = (broker.topic("relay", 1).await?, broker.topic("relayed", 1).await?);
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("relay"))
        .listeners(listeners![relay])
        .start()
        .await?;
    broker.produce(&topic, [record("k", format!("{out} hello"))]).await?;
    let sent = broker.records(&out, 1).await?;
    assert_eq!((sent[0].key.as_deref(), sent[0].text().as_str()), (Some("relayed"), "hello"));
    app.stop().await.expect_clean();
    Ok(())
}
