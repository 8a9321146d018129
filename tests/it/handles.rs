//! Handles by listener id: pause, resume, stop, start, seek.

use std::time::Duration;

use anyhow::Result;
use kafka_app::{KafkaApp, ListenerState, RecordMetadata, RunningApp, State, kafka_listener, listeners};
use kafka_app_tests::{Journal, TestBroker, record};

#[kafka_listener(id = "handled", topic = "${in}", group = "${group}")]
async fn handled(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("handled", &metadata, text, 1);
}

async fn start(broker: &TestBroker, topic: &str, journal: &Journal) -> Result<RunningApp> {
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", topic)
        .set("group", broker.name("handled"))
        .state(journal.clone())
        .listeners(listeners![handled])
        .start()
        .await?;
    app.ready().await?;
    Ok(app)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_listener_handles_nothing_until_it_is_resumed() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("pausable", 1).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    let listener = app.listener("handled").unwrap();
    broker.produce(&topic, [record("k", "before")]).await?;
    journal.wait_for(1).await?;

    listener.pause();
    assert!(matches!(listener.state(), ListenerState::Paused));
    broker.produce(&topic, [record("k", "while paused")]).await?;
    let quiet = tokio::time::timeout(Duration::from_millis(700), journal.wait_for(2)).await;
    assert!(quiet.is_err(), "nothing is handled while paused: {:?}", journal.payloads());
    listener.resume();
    journal.wait_for(2).await?;
    assert_eq!(journal.payloads(), ["before", "while paused"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_listener_starts_again_where_it_was() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("restartable", 1).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    let listener = app.listener("handled").unwrap();
    broker.produce(&topic, [record("k", "1")]).await?;
    journal.wait_for(1).await?;
    listener.stop().await?;
    assert!(matches!(listener.state(), ListenerState::Stopped));
    assert_eq!(broker.committed(&broker.name("handled"), &topic)?[&0], 1);
    broker.produce(&topic, [record("k", "2")]).await?;
    listener.start()?;
    journal.wait_for(2).await?;
    assert_eq!(journal.payloads(), ["1", "2"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_reads_again_from_the_offset() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("seekable", 1).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    broker.produce(&topic, (0..5).map(|n| record("k", n.to_string()))).await?;
    journal.wait_for(5).await?;
    app.listener("handled").unwrap().seek(&topic, 0, 2).await?;
    let entries = journal.wait_for(8).await?;
    assert_eq!(entries[5..].iter().map(|e| e.offset).collect::<Vec<_>>(), [2, 3, 4]);
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_of_a_listener_is_what_is_behind_its_committed_offsets() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("lagging", 2).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    let listener = app.listener("handled").unwrap();
    broker.produce(&topic, (0..10).map(|n| record(n.to_string(), "x"))).await?;
    journal.wait_for(10).await?;
    listener.stop().await?;
    assert_eq!(app.lag("handled").await?.iter().map(kafka_app::PartitionLag::lag).sum::<i64>(), 0);
    broker.produce(&topic, (0..3).map(|n| record(n.to_string(), "x"))).await?;
    assert_eq!(app.lag("handled").await?.iter().map(kafka_app::PartitionLag::lag).sum::<i64>(), 3);
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "idle", topic = "${in}", group = "${group}", auto_start = false)]
async fn idle(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("idle", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_without_auto_start_waits_for_its_handle() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("idle", 1).await?;
    let journal = Journal::default();
    broker.produce(&topic, [record("k", "x")]).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("idle"))
        .state(journal.clone())
        .listeners(listeners![idle])
        .start()
        .await?;
    app.ready().await?;
    let listener = app.listener("idle").unwrap();
    assert!(matches!(listener.state(), ListenerState::Stopped));
    assert!(journal.entries().is_empty());
    listener.start()?;
    journal.wait_for(1).await?;
    app.stop().await.expect_clean();
    Ok(())
}
