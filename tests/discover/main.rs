//! Discovery takes every listener that is linked into the program: so this is a program of its own, with two of them.

use anyhow::Result;
use kafka_app::{KafkaApp, RecordMetadata, State, kafka_listener};
use kafka_app_tests::{Journal, TestBroker, record};

#[kafka_listener(topic = "${in}", group = "${group}-a")]
async fn first(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("first", &metadata, text, 1);
}

mod elsewhere {
    use super::{Journal, RecordMetadata, State, kafka_listener};

    #[kafka_listener(topic = "${in}", group = "${group}-b")]
    async fn second(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
        journal.note("second", &metadata, text, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_linked_listener_is_found() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("discovered", 1).await?;
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("discovered"))
        .state(journal.clone())
        .discover()
        .start()
        .await?;
    broker.produce(&topic, [record("k", "x")]).await?;
    let mut who = journal.wait_for(2).await?.into_iter().map(|entry| entry.who).collect::<Vec<_>>();
    who.sort();
    assert_eq!(who, ["first", "second"]);
    assert_eq!(app.listeners().iter().map(kafka_app::ListenerHandle::id).collect::<Vec<_>>(), ["first", "second"]);
    app.stop().await.expect_clean();
    Ok(())
}
