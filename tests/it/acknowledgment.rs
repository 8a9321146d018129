//! Ack modes: when finished offsets are committed.

use std::time::Duration;

use anyhow::{Context, Result};
use kafka_app::{Ack, DeliveryAttempt, KafkaApp, RecordMetadata, State, kafka_listener, listeners};
use kafka_app_tests::{Journal, TestBroker, record};

#[kafka_listener(id = "manual", topic = "${in}", group = "${group}", ack = "manual")]
async fn manual(text: String, ack: Ack, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("manual", &metadata, &text, 1);
    if text == "later" {
        let n_before = journal.entries().iter().filter(|entry| entry.payload == "later").count();
        if n_before == 1 {
            ack.nack(Duration::from_millis(20));
            return;
        }
    }
    let _ = ack.ack().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nack_redelivers_from_its_record_on() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("manual", 1).await?;
    let (group, journal) = (broker.name("manual"), Journal::default());
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .state(journal.clone())
        .listeners(listeners![manual])
        .start()
        .await?;
    broker.produce(&topic, ["one", "later", "three"].map(|p| record("k", p))).await?;
    journal
        .wait_until(|entries| {
            let second = entries.iter().rposition(|e| e.payload == "later");
            entries.iter().filter(|e| e.payload == "later").count() == 2
                && second.is_some_and(|at| entries[at..].iter().any(|e| e.payload == "three"))
        })
        .await?;
    app.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?[&0], 3);
    Ok(())
}

#[kafka_listener(id = "immediate", topic = "${in}", group = "${group}", ack = "manual-immediate")]
async fn immediate(text: String, ack: Ack, metadata: RecordMetadata, State(journal): State<Journal>) {
    let acknowledged = ack.ack().await;
    journal.note("immediate", &metadata, format!("{text} {}", acknowledged.is_ok()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_immediate_returns_when_the_broker_has_the_offset() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("immediate", 1).await?;
    let (group, journal) = (broker.name("immediate"), Journal::default());
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .set("kafka.listener.ack-time", "1h")
        .state(journal.clone())
        .listeners(listeners![immediate])
        .start()
        .await?;
    broker.produce(&topic, [record("k", "a")]).await?;
    assert_eq!(journal.wait_for(1).await?[0].payload, "a true");
    assert_eq!(broker.committed(&group, &topic)?[&0], 1, "while the listener runs, long before any interval");
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "per_record", topic = "${in}", group = "${group}", ack = "record")]
async fn per_record(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) {
    journal.note("per_record", &metadata, text, attempt);
}

#[tokio::test(flavor = "multi_thread")]
async fn ack_record_commits_without_waiting_for_an_interval() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("per-record", 1).await?;
    let (group, journal) = (broker.name("per-record"), Journal::default());
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", &group)
        .set("kafka.listener.ack-time", "1h")
        .state(journal.clone())
        .listeners(listeners![per_record])
        .start()
        .await?;
    broker.produce(&topic, (0..5).map(|n| record("k", n.to_string()))).await?;
    journal.wait_for(5).await?;
    // The commit is sent behind the last record and answered a round trip later; each look is a round trip itself.
    let committed = (0..1_000).find_map(|_| broker.committed(&group, &topic).ok().filter(|at| at.get(&0) == Some(&5)));
    assert!(committed.is_some(), "committed while the listener runs: {:?}", broker.committed(&group, &topic)?);
    app.stop().await.expect_clean();
    Ok(())
}

/// Keeps what it is given for whoever comes later.
#[derive(Default)]
struct Kept(std::sync::Mutex<Vec<Ack>>);

#[kafka_listener(id = "keeper", topic = "${in}", group = "${group}", ack = "manual-immediate")]
async fn keeper(
    text: String,
    ack: Ack,
    metadata: RecordMetadata,
    State(kept): State<Kept>,
    State(journal): State<Journal>,
) {
    kept.0.lock().expect("no panic under it").push(ack);
    journal.note("keeper", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_of_a_partition_that_others_own_by_now_does_no_harm() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("kept", 1).await?;
    let (group, journal) = (broker.name("kept"), Journal::default());
    let app = |journal: &Journal| {
        KafkaApp::new(broker.bootstrap_servers())
            .set("in", &topic)
            .set("group", &group)
            .state(Kept::default())
            .state(journal.clone())
            .listeners(listeners![keeper])
    };
    let first = app(&journal).start().await?;
    broker.produce(&topic, (0..3).map(|n| record("k", n.to_string()))).await?;
    journal.wait_for(3).await?;
    let acks =
        std::mem::take(&mut *first.state::<Kept>().context("it was given")?.0.lock().expect("no panic under it"));
    first.stop().await.expect_clean();
    // Its successor has the same records, and acknowledges two of them.
    let again = Journal::default();
    let second = app(&again).start().await?;
    again.wait_for(3).await?;
    let theirs =
        std::mem::take(&mut *second.state::<Kept>().context("it was given")?.0.lock().expect("no panic under it"));
    let mut theirs = theirs.into_iter();
    for ack in theirs.by_ref().take(2) {
        ack.ack().await?;
    }
    for ack in acks {
        assert!(ack.ack().await.is_err(), "it is another's record by now");
    }
    assert_eq!(broker.committed(&group, &topic)?[&0], 2, "neither further nor back");
    theirs.next().context("there are three")?.ack().await?;
    second.stop().await.expect_clean();
    assert_eq!(broker.committed(&group, &topic)?[&0], 3);
    Ok(())
}
