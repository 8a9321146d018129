//! Batch listeners: size, wait, bytes, and records that cannot be decoded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Result;
use kafka_app::{Batch, BatchRecord, DeliveryAttempt, Json, KafkaApp, State, kafka_listener, listeners};
use kafka_app_tests::{Journal, PATIENCE, TestBroker, record};
use tokio::sync::watch;

/// Sizes of the batches a handler got, in order.
struct Sizes(watch::Sender<Vec<usize>>);

impl Sizes {
    fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Vec::new())))
    }

    async fn wait_for_records(&self, n: usize) -> Result<Vec<usize>> {
        let mut sizes = self.0.subscribe();
        let seen = tokio::time::timeout(PATIENCE, sizes.wait_for(|sizes| sizes.iter().sum::<usize>() >= n)).await??;
        Ok(seen.clone())
    }
}

#[kafka_listener(id = "sized", topic = "${in}", group = "${group}", batch(max_records = 10, max_wait = "30s"))]
async fn sized(numbers: Batch<Json<u64>>, State(sizes): State<Sizes>) {
    sizes.0.send_modify(|sizes| sizes.push(numbers.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_handed_over_when_it_is_full() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("numbers", 1).await?;
    let (sizes, group) = (Sizes::new(), broker.name("sized"));
    broker.produce(&topic, (0..30).map(|n| record("k", n.to_string()))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .shared_state(Arc::clone(&sizes))
        .listeners(listeners![sized])
        .start()
        .await?;
    assert_eq!(sizes.wait_for_records(30).await?, [10, 10, 10], "full batches do not wait for max_wait");
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?[&0], 30);
    Ok(())
}

#[kafka_listener(id = "waiting", topic = "${in}", group = "${group}", batch(max_records = 1000, max_wait = "200ms"))]
async fn waiting(numbers: Batch<Json<u64>>, State(sizes): State<Sizes>) {
    sizes.0.send_modify(|sizes| sizes.push(numbers.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_does_not_fill_is_handed_over_after_its_wait() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("numbers", 1).await?;
    let sizes = Sizes::new();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("waiting"))
        .shared_state(Arc::clone(&sizes))
        .listeners(listeners![waiting])
        .start()
        .await?;
    app.ready().await?;
    broker.produce(&topic, (0..7).map(|n| record("k", n.to_string()))).await?;
    assert_eq!(sizes.wait_for_records(7).await?.iter().sum::<usize>(), 7);
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(
    id = "bytes",
    topic = "${in}",
    group = "${group}",
    batch(max_records = 1000, max_wait = "30s", max_bytes = "1KiB")
)]
async fn bytes(lines: Batch<String>, State(sizes): State<Sizes>) {
    sizes.0.send_modify(|sizes| sizes.push(lines.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_handed_over_when_its_bytes_are_reached() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("lines", 1).await?;
    let sizes = Sizes::new();
    broker.produce(&topic, (0..20).map(|_| record("", "x".repeat(256)))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("bytes"))
        .shared_state(Arc::clone(&sizes))
        .listeners(listeners![bytes])
        .start()
        .await?;
    let seen = sizes.wait_for_records(20).await?;
    assert!(seen.iter().all(|n| *n <= 4), "1 KiB holds four records of 256 bytes: {seen:?}");
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(
    id = "mixed",
    topic = "${in}",
    group = "${group}",
    dead_letter = "${dlt}",
    batch(max_records = 6, max_wait = "30s")
)]
async fn mixed(numbers: Batch<Json<u64>>, State(sizes): State<Sizes>) -> Vec<Result<(), std::io::Error>> {
    sizes.0.send_modify(|sizes| sizes.push(numbers.len()));
    let outcome = |n: &u64| if *n == 4 { Err(std::io::Error::other("four is refused")) } else { Ok(()) };
    numbers.iter().map(|item| outcome(&item.payload.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_batch_that_fail_are_dead_lettered_alone() -> Result<()> {
    let broker = TestBroker::start()?;
    let (topic, dlt) = (broker.topic("numbers", 1).await?, broker.topic("numbers-dlt", 1).await?);
    let (sizes, group) = (Sizes::new(), broker.name("mixed"));
    let payloads = ["0", "broken", "2", "3", "4", "5"];
    broker.produce(&topic, payloads.map(|p| record("k", p))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("dlt", &dlt)
        .set("group", &group)
        .shared_state(Arc::clone(&sizes))
        .listeners(listeners![mixed])
        .start()
        .await?;
    let mut dead = broker.records(&dlt, 2).await?.iter().map(|r| r.text()).collect::<Vec<_>>();
    dead.sort();
    assert_eq!(dead, ["4", "broken"]);
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?[&0], 6);
    assert_eq!(sizes.0.borrow()[0], 5, "the record that cannot be decoded never reaches the handler");
    Ok(())
}

/// `bad` is handled the third time; each batch is noted as one.
#[kafka_listener(
    id = "partial",
    topic = "${in}",
    group = "${group}",
    retry(attempts = 3, backoff = "20ms"),
    batch(max_records = 100, max_wait = "300ms")
)]
async fn partial(
    batch: Batch<String>,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) -> Vec<Result<(), std::io::Error>> {
    let partitions: BTreeSet<_> = batch.iter().map(|item| item.metadata.partition).collect();
    let one = |BatchRecord { payload, metadata }: BatchRecord<String>| {
        journal.note(&format!("{partitions:?}"), &metadata, &payload, attempt);
        if payload.starts_with("bad") && attempt < 3 { Err(std::io::Error::other("not yet")) } else { Ok(()) }
    };
    batch.into_iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeded_of_a_batch_is_not_handled_again_and_no_batch_is_of_two_partitions() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("partial", 3).await?;
    let (group, journal) = (broker.name("partial"), Journal::default());
    let payload = |n: u32| if n.is_multiple_of(7) { format!("bad {n}") } else { format!("ok {n}") };
    broker.produce(&topic, (0..60).map(|n| record(n.to_string(), payload(n)))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .listeners(listeners![partial])
        .start()
        .await?;
    // Nine of the sixty fail twice.
    let entries = journal.wait_for(60 + 2 * 9).await?;
    app.stop().await.expect_clean();
    let mut attempts = BTreeMap::<String, Vec<u32>>::new();
    for entry in &entries {
        attempts.entry(entry.payload.clone()).or_default().push(entry.attempt);
        assert_eq!(entry.who.matches(',').count(), 0, "of one partition: {}", entry.who);
    }
    for (payload, attempts) in attempts {
        let expected: &[u32] = if payload.starts_with("bad") { &[1, 2, 3] } else { &[1] };
        assert_eq!(attempts, expected, "{payload}");
    }
    assert_eq!(broker.committed(&group, &topic)?.values().sum::<i64>(), 60);
    Ok(())
}
