//! Which records are handled one after the other.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Result;
use kafka_app::{DeliveryAttempt, KafkaApp, Key, RecordMetadata, State, kafka_listener, listeners};
use kafka_app_tests::{Failed, Journal, TestBroker, record};
use tokio::sync::Semaphore;

/// Records with the key `slow` wait for a permit of it.
struct Gate(Semaphore);

#[kafka_listener(id = "by_key", topic = "${in}", group = "${group}", ordering = "key", workers = 8)]
async fn by_key(
    Key(key): Key<String>,
    text: String,
    metadata: RecordMetadata,
    State(gate): State<Gate>,
    State(journal): State<Journal>,
) {
    if key == "slow" {
        gate.0.acquire().await.expect("the gate is never closed").forget();
    }
    journal.note(&key, &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_ordering_by_key_a_slow_key_holds_up_no_other_and_each_key_keeps_its_order() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("keyed", 1).await?;
    let (group, journal) = (broker.name("keyed"), Journal::default());
    let gate = std::sync::Arc::new(Gate(Semaphore::new(0)));
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .shared_state(std::sync::Arc::clone(&gate))
        .listeners(listeners![by_key])
        .start()
        .await?;
    let keys = (0..40).map(|n| format!("key-{n}")).collect::<Vec<_>>();
    let slow = (0..5).map(|n| record("slow", n.to_string()));
    let rest = (0..5).flat_map(|n| keys.iter().map(move |key| record(key.clone(), n.to_string())));
    broker.produce(&topic, slow.chain(rest).collect::<Vec<_>>()).await?;

    journal.wait_for(200).await?;
    assert!(!journal.entries().iter().any(|entry| entry.who == "slow"), "all others, and none of the slow one");
    assert!(
        broker.committed(&group, &topic)?.get(&0).is_none_or(|at| *at == 0),
        "nothing behind the slow record is committed"
    );
    gate.0.add_permits(5);
    let entries = journal.wait_for(205).await?;
    let mut by_key = BTreeMap::<String, Vec<String>>::new();
    for entry in entries {
        by_key.entry(entry.who).or_default().push(entry.payload);
    }
    assert!(by_key.values().all(|payloads| *payloads == ["0", "1", "2", "3", "4"]), "{by_key:?}");
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?[&0], 205);
    Ok(())
}

/// How many handlers run at once, now and at most.
#[derive(Default)]
struct Running(AtomicUsize, AtomicUsize);

#[kafka_listener(id = "unordered", topic = "${in}", group = "${group}", ordering = "none", workers = 4)]
async fn unordered(
    text: String,
    metadata: RecordMetadata,
    State(running): State<Running>,
    State(journal): State<Journal>,
    State(gate): State<Gate>,
) {
    let now = running.0.fetch_add(1, Ordering::SeqCst) + 1;
    running.1.fetch_max(now, Ordering::SeqCst);
    if now == 4 {
        gate.0.add_permits(1_000); // the fourth one in opens the gate for all
    }
    gate.0.acquire().await.expect("the gate is never closed").forget();
    running.0.fetch_sub(1, Ordering::SeqCst);
    journal.note("unordered", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ordering_all_workers_share_one_partition() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("unordered", 1).await?;
    let (group, journal) = (broker.name("unordered"), Journal::default());
    broker.produce(&topic, (0..100).map(|n| record("k", n.to_string()))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .state(Running::default())
        .state(Gate(Semaphore::new(0)))
        .listeners(listeners![unordered])
        .start()
        .await?;
    journal.wait_for(100).await?;
    assert_eq!(
        app.state::<Running>().unwrap().1.load(Ordering::SeqCst),
        4,
        "four at once, and never more than the workers"
    );
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?[&0], 100);
    Ok(())
}

/// Every fifth record is handled the third time only.
#[kafka_listener(
    id = "stubborn",
    topic = "${in}",
    group = "${group}",
    ordering = "key",
    workers = 8,
    retry(attempts = 3, backoff = "20ms")
)]
async fn stubborn(
    Key(key): Key<String>,
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    if text.parse::<u32>().is_ok_and(|n| n.is_multiple_of(5)) && attempt < 3 {
        return Err(Failed);
    }
    journal.note(&key, &metadata, text, attempt);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_in_place_keeps_the_order_of_its_key() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("stubborn", 2).await?;
    let (group, journal) = (broker.name("stubborn"), Journal::default());
    broker.produce(&topic, (0..200).map(|n| record(format!("key-{}", n % 10), n.to_string()))).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .listeners(listeners![stubborn])
        .start()
        .await?;
    let mut by_key = BTreeMap::<String, Vec<u32>>::new();
    for entry in journal.wait_for(200).await? {
        by_key.entry(entry.who).or_default().push(entry.payload.parse()?);
    }
    assert!(by_key.values().all(|numbers| numbers.len() == 20 && numbers.is_sorted()), "{by_key:?}");
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?.values().sum::<i64>(), 200);
    Ok(())
}
