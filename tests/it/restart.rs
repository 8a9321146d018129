//! Listeners that come back: after a failure, and under a name that their group knows.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};
use kafka_app::{
    KafkaApp, ListenerEvent, ListenerEvents, ListenerHandle, ListenerState, RecordMetadata, RunningApp, State,
    TopicPartition, kafka_listener, listeners,
};
use kafka_app_tests::{Journal, PATIENCE, TestBroker, record};

/// Whether the handler can work.
#[derive(Debug, Default)]
struct IsMended(AtomicBool);

#[kafka_listener(
    id = "back",
    topic = "${in}",
    group = "${group}",
    retry(attempts = 1),
    restart(attempts = 1000, backoff = "50ms", multiplier = 1)
)]
async fn back(
    text: String,
    metadata: RecordMetadata,
    State(journal): State<Journal>,
    State(mended): State<Arc<IsMended>>,
) -> Result<(), std::io::Error> {
    if text == "bad" && !mended.0.load(Ordering::SeqCst) {
        return Err(std::io::Error::other("not yet"));
    }
    journal.note("back", &metadata, text, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_failed_goes_on_at_the_record_that_stopped_it() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("back", 1).await?;
    let (journal, mended) = (Journal::default(), Arc::new(IsMended::default()));
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("back"))
        .state(journal.clone())
        .state(Arc::clone(&mended))
        .listeners(listeners![back])
        .start()
        .await?;
    broker.produce(&topic, [record("k", "1"), record("k", "bad"), record("k", "3")]).await?;
    let listener = app.listener("back")?;
    for _ in 0..2 {
        let restarting = listener.wait_for(|state| matches!(state, ListenerState::Restarting { .. }));
        tokio::time::timeout(PATIENCE, restarting).await.context("it never fails")?;
        let again = listener.wait_for(|state| matches!(state, ListenerState::Running));
        tokio::time::timeout(PATIENCE, again).await.context("it never starts again")?;
    }
    assert_eq!(journal.payloads(), ["1"], "nothing comes twice, and nothing is passed over");
    mended.0.store(true, Ordering::SeqCst);
    journal.wait_for(3).await?;
    assert_eq!(journal.payloads(), ["1", "bad", "3"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "member", topic = "${in}", group = "${group}", group_instance_id = "${member}")]
async fn member(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("member", &metadata, text, 1);
}

async fn start(broker: &TestBroker, topic: &str, name: &str, protocol: &str) -> Result<RunningApp> {
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", topic)
        .set("group", broker.name("members"))
        .set("member", name)
        .set("kafka.consumer.properties.group.protocol", protocol)
        .state(Journal::default())
        .listeners(listeners![member])
        .start()
        .await?;
    app.ready().await?;
    Ok(app)
}

/// Waits until it owns as many partitions, and returns them.
async fn owns(listener: &ListenerHandle, n_partitions: usize) -> Result<Vec<TopicPartition>> {
    let mut events = listener.events();
    let owned = async {
        loop {
            let partitions = listener.assignment();
            if partitions.len() == n_partitions {
                return partitions;
            }
            events.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, owned).await.with_context(|| format!("it owns {:?}", listener.assignment()))
}

/// Waits until it has given something back and, where the protocol says so, all have joined once more: what is left to it is
/// told when it has given back, and again with the generation in which others get the rest.
async fn has_shared(events: &mut ListenerEvents, protocol: &str) -> Result<()> {
    let n_told = if protocol == "consumer" { 0 } else { 2 };
    let shared = async {
        while !matches!(events.next().await, Some(ListenerEvent::Revoked { .. }) | None) {}
        for _ in 0..n_told {
            while !matches!(events.next().await, Some(ListenerEvent::Assigned { .. }) | None) {}
        }
    };
    tokio::time::timeout(PATIENCE, shared).await.context("it gives nothing back")
}

async fn keeps_its_partitions(protocol: &str) -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("members", 4).await?;
    let stays = start(&broker, &topic, "stays", protocol).await?;
    let steady = stays.listener("member")?;
    let mut events = steady.events();
    let leaves = start(&broker, &topic, "leaves", protocol).await?;
    let goes = leaves.listener("member")?;
    let before = owns(&goes, 2).await?;
    has_shared(&mut events, protocol).await?;
    owns(&steady, 2).await?;
    let n_rebalances = steady.rebalances();
    leaves.stop().await.expect_clean();
    let back = start(&broker, &topic, "leaves", protocol).await?;
    assert_eq!(owns(&back.listener("member")?, 2).await?, before);
    assert_eq!(steady.rebalances(), n_rebalances, "nobody else has noticed");
    for app in [stays, back] {
        app.stop().await.expect_clean();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_that_is_back_in_time_has_its_partitions_and_others_notice_nothing() -> Result<()> {
    keeps_its_partitions("classic").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_static_member_of_the_consumer_protocol_that_is_back_in_time_has_its_partitions() -> Result<()> {
    keeps_its_partitions("consumer").await
}
