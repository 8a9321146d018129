//! Consume, transform, produce: what a listener is for.

use std::collections::BTreeSet;

use anyhow::Result;
use kafka_app::{
    DeliveryAttempt, Headers, Json, KafkaApp, Key, NewTopic, Outgoing, Record, RecordMetadata, State, Text,
    kafka_listener, listeners,
};
use kafka_app_tests::{Journal, TestBroker, record};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
struct Order<'r> {
    id: u64,
    article: &'r str,
}

#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Invoice {
    order: u64,
    line: String,
}

#[kafka_listener(id = "bill", topic = "${in}", group = "${group}", send_to = "${out}")]
async fn bill(Json(order): Json<Order<'_>>) -> Json<Invoice> {
    Json(Invoice { order: order.id, line: format!("1 x {}", order.article) })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_listener_returns_is_sent_with_the_key_of_its_record() -> Result<()> {
    let broker = TestBroker::start()?;
    let (orders, invoices) = (broker.topic("orders", 3).await?, broker.topic("invoices", 1).await?);
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &orders)
        .set("out", &invoices)
        .set("group", broker.name("billing"))
        .listeners(listeners![bill])
        .start()
        .await?;
    broker
        .produce(
            &orders,
            (0..30).map(|id| record(format!("customer-{}", id % 5), format!(r#"{{"id":{id},"article":"tea"}}"#))),
        )
        .await?;

    let sent = broker.records(&invoices, 30).await?;
    let ids = sent
        .iter()
        .map(|r| serde_json::from_str::<Invoice>(&r.text()).map(|i| i.order))
        .collect::<Result<BTreeSet<_>, _>>()?;
    assert_eq!(ids, (0..30).collect(), "each order is billed once");
    assert!(sent.iter().all(|r| r.key.as_deref().is_some_and(|key| key.starts_with("customer-"))));
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_committed_at_the_stop_and_a_second_start_goes_on_behind_them() -> Result<()> {
    let broker = TestBroker::start()?;
    let (orders, invoices) = (broker.topic("orders", 2).await?, broker.topic("invoices", 1).await?);
    let group = broker.name("billing");
    for round in 0..2_usize {
        let app = KafkaApp::new(broker.bootstrap_servers())
            .set("in", &orders)
            .set("out", &invoices)
            .set("group", &group)
            .listeners(listeners![bill])
            .start()
            .await?;
        broker
            .produce(&orders, (0..10).map(|id| record(id.to_string(), format!(r#"{{"id":{id},"article":"tea"}}"#))))
            .await?;
        broker.records(&invoices, (round + 1) * 10).await?;
        app.stop().await.expect_clean();
        assert_eq!(broker.committed(&group, &orders)?, broker.end_offsets(&orders)?);
    }
    assert_eq!(broker.end_offsets(&invoices)?.values().sum::<i64>(), 20, "nothing was billed twice");
    Ok(())
}

#[kafka_listener(id = "inspect", topic = "${in}", group = "${group}")]
async fn inspect(
    Key(key): Key<String>,
    payload: Option<&str>,
    headers: Headers,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) {
    let header = headers.last("trace").flatten().map(|v| String::from_utf8_lossy(v).into_owned());
    journal.note("inspect", &metadata, format!("{key}={payload:?} trace={header:?}"), attempt);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_a_record_reaches_the_arguments() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("parts", 1).await?;
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("inspect"))
        .state(journal.clone())
        .listeners(listeners![inspect])
        .start()
        .await?;
    let mut full = record("a", "x");
    full.headers = vec![("trace".to_owned(), b"1".to_vec()), ("trace".to_owned(), b"2".to_vec())];
    let mut tombstone = record("b", "");
    tombstone.payload = None;
    broker.produce(&topic, [full, tombstone]).await?;

    let seen = journal.wait_for(2).await?;
    assert_eq!(seen[0].payload, r#"a=Some("x") trace=Some("2")"#, "the last header of a name wins, as in Kafka");
    assert_eq!(seen[1].payload, "b=None trace=None");
    assert_eq!((seen[1].partition, seen[1].offset, seen[1].attempt), (0, 1, 1));
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "split", topic = "${in}", group = "${group}")]
fn split(record: Record<String, String>, State(targets): State<[String; 2]>) -> Vec<Outgoing> {
    let payload = record.payload;
    let words = payload.split(' ').enumerate();
    words
        .map(|(i, word)| Outgoing::new(Text(word.to_owned())).topic(targets[i % 2].as_str()).key(format!("w{i}")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn outgoing_records_choose_their_topic_and_key() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("lines", 1).await?;
    let targets = [broker.topic("even", 1).await?, broker.topic("odd", 1).await?];
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("split"))
        .state(targets.clone())
        .listeners(listeners![split])
        .start()
        .await?;
    broker.produce(&topic, [record("k", "a b c d")]).await?;
    let texts = |records: Vec<kafka_app_tests::Record>| {
        records.iter().map(|r| (r.key.clone().unwrap(), r.text())).collect::<Vec<_>>()
    };
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    assert_eq!(texts(broker.records(&targets[0], 2).await?), [pair("w0", "a"), pair("w2", "c")]);
    assert_eq!(texts(broker.records(&targets[1], 2).await?), [pair("w1", "b"), pair("w3", "d")]);
    app.stop().await.expect_clean();
    Ok(())
}

fn even(record: &kafka_app::RawRecord) -> bool {
    record.offset() % 2 == 0
}

#[kafka_listener(id = "filtered", topic = "${in}", group = "${group}", filter = even)]
async fn filtered(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("filtered", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn filtered_records_count_as_done() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("numbers", 1).await?;
    let (group, journal) = (broker.name("filter"), Journal::default());
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .listeners(listeners![filtered])
        .start()
        .await?;
    broker.produce(&topic, (0..10).map(|n| record("k", n.to_string()))).await?;
    // The last record too, which the filter drops.
    broker.until_committed(&group, &topic, |committed| committed.get(&0) == Some(&10)).await?;
    app.stop().await.expect_clean();
    assert_eq!(journal.payloads(), ["0", "2", "4", "6", "8"]);
    Ok(())
}

#[kafka_listener(id = "by_pattern", topic_pattern = "${pattern}", group = "${group}")]
async fn by_pattern(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note(&metadata.topic.clone(), &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_matches_whole_names_only() -> Result<()> {
    let broker = TestBroker::start()?;
    let (one, two) = (broker.topic("pat-1", 1).await?, broker.topic("pat-2", 1).await?);
    let other = broker.topic("x-pat-1", 1).await?;
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("pattern", broker.name("pat-[0-9]"))
        .set("group", broker.name("pattern"))
        .state(journal.clone())
        .listeners(listeners![by_pattern])
        .start()
        .await?;
    for topic in [&other, &one, &two] {
        broker.produce(topic, [record("k", topic.as_str())]).await?;
    }
    let seen = journal.wait_for(2).await?.into_iter().map(|entry| entry.who).collect::<BTreeSet<_>>();
    assert_eq!(seen, BTreeSet::from([one, two]));
    app.stop().await.expect_clean();
    assert_eq!(journal.entries().len(), 2, "the topic that only ends like the pattern was not read");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_topics_are_created_and_grown_but_never_shrunk() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.name("declared");
    for (partitions, expected) in [(2, 2), (4, 4), (3, 4)] {
        let app = KafkaApp::new(broker.bootstrap_servers())
            .topics([NewTopic::new(&topic).partitions(partitions)])
            .start()
            .await?;
        app.stop().await.expect_clean();
        assert_eq!(broker.end_offsets(&topic)?.len(), expected);
    }
    Ok(())
}
