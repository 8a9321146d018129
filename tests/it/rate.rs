//! A limited rate holds for a listener, over all its consumers.

use std::time::{Duration, Instant};

use anyhow::Result;
use kafka_app::{KafkaApp, RecordMetadata, State, kafka_listener, listeners};
use kafka_app_tests::{Journal, TestBroker, record};

#[kafka_listener(id = "limited", topic = "${in}", group = "${group}", concurrency = 2, rate_limit = "100/s")]
async fn limited(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("limited", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_holds_over_all_consumers_and_leaves_nothing_behind() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("limited", 4).await?;
    let (group, journal) = (broker.name("limited"), Journal::default());
    broker.produce(&topic, (0..80).map(|n| record(format!("key-{n}"), n.to_string())).collect::<Vec<_>>()).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .listeners(listeners![limited])
        .start()
        .await?;
    journal.wait_for(1).await?;
    let since = Instant::now();
    journal.wait_for(80).await?;
    // Ten may come at once, and those before we looked.
    assert!(since.elapsed() >= Duration::from_millis(400), "80 records in {:?}", since.elapsed());
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?.values().sum::<i64>(), 80);
    Ok(())
}
