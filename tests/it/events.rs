//! Events of listeners, from their start to their end.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kafka_app::{
    KafkaApp, ListenerEvent, ListenerEvents, RecordFate, RecordMetadata, State, TopicPartition, kafka_listener,
    listeners,
};
use kafka_app_tests::{Journal, PATIENCE, TestBroker, record};

#[kafka_listener(id = "told", topic = "${in}", group = "${group}", dead_letter = "off", retry(attempts = 2))]
async fn told(text: String, metadata: RecordMetadata, State(journal): State<Journal>) -> Result<(), std::io::Error> {
    journal.note("told", &metadata, text.clone(), 1);
    if text == "bad" { Err(std::io::Error::other("refused")) } else { Ok(()) }
}

async fn next(events: &mut ListenerEvents) -> Result<ListenerEvent> {
    next_of(events, |_| true).await
}

/// The next one that `is_it` takes.
async fn next_of(events: &mut ListenerEvents, is_it: impl Fn(&ListenerEvent) -> bool) -> Result<ListenerEvent> {
    let mut others = Vec::new();
    let found = async {
        loop {
            let event = events.next().await.context("the application is gone")?;
            if is_it(&event) {
                return Ok(event);
            }
            others.push(event);
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| bail!("only these happen: {:?}", &others[..others.len().min(20)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_listener_is_told() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("told", 1).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("told"))
        .set("kafka.listeners.told.idle-event-interval", "100ms")
        .state(Journal::default())
        .listeners(listeners![told]);
    let mut events = app.events();
    let app = app.start().await?;
    let partition = TopicPartition::new(&*topic, 0);
    assert!(matches!(next(&mut events).await?, ListenerEvent::Started { .. }));
    let assigned = next_of(&mut events, |event| matches!(event, ListenerEvent::Assigned { .. })).await?;
    let ListenerEvent::Assigned { listener, consumer: 0, partitions, .. } = assigned else { panic!("{assigned:?}") };
    assert_eq!((&*listener, partitions), ("told", vec![partition.clone()]));
    app.ready().await?;

    next_of(&mut events, |event| matches!(event, ListenerEvent::Idle { .. })).await?;
    broker.produce(&topic, [record("k", "good"), record("k", "bad")]).await?;
    // A handler may be quicker than what is told of the pump.
    let is_news = |event: &ListenerEvent| {
        matches!(event, ListenerEvent::NoLongerIdle { .. } | ListenerEvent::RetryExhausted { .. })
    };
    for _ in 0..2 {
        match next_of(&mut events, is_news).await? {
            ListenerEvent::RetryExhausted { partition: at, offset, attempts, fate, .. } => {
                assert_eq!((at, offset, attempts, fate), (partition.clone(), 1, 2, RecordFate::Skipped));
            }
            ListenerEvent::NoLongerIdle { idle_for, .. } => {
                assert!(idle_for >= Duration::from_millis(100), "{idle_for:?}");
            }
            other => bail!("{other:?}"),
        }
    }

    let listener = app.listener("told")?;
    let mut own = listener.events();
    let not_idle =
        |event: &ListenerEvent| !matches!(event, ListenerEvent::Idle { .. } | ListenerEvent::NoLongerIdle { .. });
    listener.pause();
    listener.resume();
    listener.pause_partition(&topic, 0)?;
    listener.pause_partition(&topic, 0)?; // Nothing new.
    listener.resume_partition(&topic, 0)?;
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::Paused { .. }));
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::Resumed { .. }));
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::PartitionPaused { .. }));
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::PartitionResumed { .. }));
    listener.stop().await?;
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::Stopping { .. }));
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::Revoked { .. }));
    assert!(matches!(next_of(&mut own, not_idle).await?, ListenerEvent::Stopped { .. }));
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "failing", topic = "${in}", group = "${group}", retry(attempts = 1))]
async fn failing(_: String) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("refused"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_fails_says_which_record_stopped_it_and_why() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("failing", 1).await?;
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &topic)
        .set("group", broker.name("failing"))
        .listeners(listeners![failing]);
    let mut events = app.events();
    let app = app.start().await?;
    broker.produce(&topic, [record("k", "x")]).await?;
    let spent = next_of(&mut events, |event| matches!(event, ListenerEvent::RetryExhausted { .. })).await?;
    assert!(matches!(spent, ListenerEvent::RetryExhausted { fate: RecordFate::Stopped, .. }), "{spent:?}");
    let failed = next_of(&mut events, |event| matches!(event, ListenerEvent::Failed { .. })).await?;
    let ListenerEvent::Failed { error, .. } = failed else { panic!("{failed:?}") };
    assert!(error.to_string().contains("offset 0"), "{error}");
    assert!(!app.stop().await.is_clean());
    Ok(())
}
