//! Partitions that a listener takes by itself.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kafka_app::{
    KafkaApp, Listener, ListenerState, OffsetSpec, RecordMetadata, RunningApp, StartFrom, State, kafka_listener,
    listeners,
};
use kafka_app_tests::{Journal, PATIENCE, Record, TestBroker, record};

#[kafka_listener(id = "cache", topic = "${in}", partitions = "all", from = "earliest", concurrency = 2)]
async fn cache(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("cache", &metadata, text, 1);
}

#[kafka_listener(id = "some", topic = "${in}", partitions = [0, 2], group = "${group}")]
async fn some(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("some", &metadata, text, 1);
}

async fn start(
    broker: &TestBroker,
    topic: &str,
    listeners: impl IntoIterator<Item = Listener>,
) -> Result<(RunningApp, Journal)> {
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", topic)
        .set("group", broker.name("group"))
        .state(journal.clone())
        .listeners(listeners)
        .start()
        .await?;
    Ok((app, journal))
}

/// `n` records for each of `n_partitions`: 0, 1, .. in each.
fn numbers(n_partitions: i32, range: std::ops::Range<u32>) -> Vec<Record> {
    let in_each = |partition| {
        range.clone().map(move |n| Record { partition: Some(partition), ..record(n.to_string(), n.to_string()) })
    };
    (0..n_partitions).flat_map(in_each).collect()
}

/// How many records of each partition were handled.
fn counts(journal: &Journal) -> BTreeMap<i32, usize> {
    let mut counts = BTreeMap::new();
    for entry in journal.entries() {
        *counts.entry(entry.partition).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_reads_all_partitions_that_it_takes_by_itself_and_commits_nothing() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("hand", 3).await?;
    broker.produce(&topic, numbers(3, 0..10)).await?;
    let (first, of_first) = start(&broker, &topic, listeners![cache]).await?;
    let (second, of_second) = start(&broker, &topic, listeners![cache]).await?;
    for (app, journal) in [(first, of_first), (second, of_second)] {
        app.ready().await?;
        journal.wait_for(30).await?;
        assert_eq!(counts(&journal), BTreeMap::from([(0, 10), (1, 10), (2, 10)]));
        let listener = app.listener("cache")?;
        assert_eq!(listener.assignment().len(), 3, "over both consumers");
        assert!(listener.lag().await?.iter().all(|partition| partition.committed.is_none()));
        listener.stop().await?;
        listener.start()?;
        journal.wait_for(60).await.context("each start begins where `from` says")?;
        app.stop().await.expect_clean();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_by_number_go_on_where_their_own_group_has_committed() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("hand", 3).await?;
    broker.produce(&topic, numbers(3, 0..5)).await?;
    let (app, journal) = start(&broker, &topic, listeners![some]).await?;
    journal.wait_for(10).await?;
    assert_eq!(counts(&journal), BTreeMap::from([(0, 5), (2, 5)]));
    app.stop().await.expect_clean();
    broker.produce(&topic, numbers(3, 5..7)).await?;
    let (app, journal) = start(&broker, &topic, listeners![some]).await?;
    journal.wait_for(4).await?;
    assert_eq!(journal.entries().iter().map(|entry| entry.offset).min(), Some(5));
    let committed: Vec<_> = app.listener("some")?.lag().await?.iter().map(|partition| partition.committed).collect();
    assert_eq!(committed[1], None, "of those that it does not take nothing is committed");
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_begins_where_it_was_said() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("hand", 1).await?;
    broker.produce(&topic, numbers(1, 0..10)).await?;
    let places = [
        (OffsetSpec::Earliest, 0),
        (OffsetSpec::AfterEarliest(3), 3),
        (OffsetSpec::BeforeLatest(2), 8),
        (OffsetSpec::Offset(5), 5),
        (OffsetSpec::Timestamp(0), 0),
        (OffsetSpec::Latest, 10),
    ];
    for (spec, first) in places {
        let from = listeners![cache].into_iter().map(|cache| cache.start_from(StartFrom::At(spec)).until_end(true));
        let (app, journal) = start(&broker, &topic, from).await?;
        tokio::time::timeout(PATIENCE, app.listener("cache")?.finished()).await.context("it does not finish")??;
        let offsets: Vec<_> = journal.entries().iter().map(|entry| entry.offset).collect();
        assert_eq!(offsets, (first..10).collect::<Vec<_>>(), "{spec}");
        app.stop().await.expect_clean();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_not_there_fails_its_listener() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("hand", 2).await?;
    let (app, _) = start(&broker, &topic, listeners![some]).await?;
    let listener = app.listener("some")?;
    let failed = listener.wait_for(|state| matches!(state, ListenerState::Failed(_)));
    let ListenerState::Failed(error) = tokio::time::timeout(PATIENCE, failed).await? else {
        unreachable!("waited for")
    };
    let text = error.to_string();
    assert!(text.contains("has 2 partitions, and no 2"), "{text}");
    let _has_failed = app.stop().await;
    Ok(())
}
