//! A listener of whose records too many would become dead letters stops, and stays so.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

use anyhow::{Context, Result};
use kafka_app::{ErrorKind, KafkaApp, ListenerState, RecordMetadata, State, kafka_listener, listeners};
use kafka_app_tests::{Failed, Journal, PATIENCE, TestBroker, record};

/// Whether the fault is mended.
#[derive(Debug, Default)]
struct Mended(AtomicBool);

#[kafka_listener(
    id = "bill",
    topic = "${in}",
    group = "${group}",
    concurrency = 2,
    retry_topics(attempts = 2, backoff = "50ms"),
    restart(attempts = 100, backoff = "10ms"),
    dead_letter_brake(share = "30%", within = "10m", at_least = 20)
)]
async fn bill(
    text: String,
    metadata: RecordMetadata,
    State(mended): State<Mended>,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    if text.starts_with("bad") && !mended.0.load(SeqCst) {
        return Err(Failed);
    }
    journal.note("bill", &metadata, &text, 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_with_too_many_dead_letters_stops_with_its_retry_topics_until_it_is_started_by_hand() -> Result<()> {
    let broker = TestBroker::start()?;
    let (source, journal) = (broker.topic("orders", 4).await?, Journal::default());
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &source)
        .set("group", broker.name("billing"))
        .state(Mended::default())
        .state(journal.clone())
        .listeners(listeners![bill])
        .start()
        .await?;
    app.ready().await?;
    let named = |name: &'static str, n: usize| (0..n).map(move |i| record(i.to_string(), format!("{name} {i}")));
    broker.produce(&source, named("ok", 40)).await?;
    journal.wait_for(40).await?;
    broker.produce(&source, named("bad", 100)).await?;
    // The dead letters come of the retry topic: it is its listener that notices, and the one it is of stops too.
    for id in ["bill-retry", "bill"] {
        let listener = app.listener(id)?;
        let failed = listener.wait_for(|state| matches!(state, ListenerState::Failed(_)));
        let state = tokio::time::timeout(PATIENCE, failed).await.with_context(|| format!("{id} goes on"))?;
        let ListenerState::Failed(error) = state else { unreachable!("it is what was waited for") };
        assert_eq!(error.kind(), ErrorKind::DeadLetterBrake, "{error}");
        assert!(error.to_string().contains("more than 30%"), "{error}");
    }
    // 17 of 57 are less than three tenths, 18 of 58 are more.
    let letters = || Ok::<_, anyhow::Error>(broker.end_offsets(&format!("{source}-dlt"))?.values().sum::<i64>());
    assert_eq!(letters()?, 17);

    app.state::<Mended>().context("it was given")?.0.store(true, SeqCst);
    app.listener("bill")?.start()?;
    journal.wait_for(40 + 83).await?;
    app.stop().await.expect_clean();
    assert_eq!(letters()?, 17);
    assert_eq!(journal.payloads().into_iter().collect::<BTreeSet<_>>().len(), 40 + 83, "each of the others once");
    Ok(())
}
