//! Handles by listener id: pause, resume, stop, start, seek.

use std::time::Duration;

use anyhow::Result;
use kafka_app::{
    KafkaApp, ListenerState, OffsetSpec, ProducerRecord, RecordMetadata, RunningApp, State, TopicPartition,
    kafka_listener, listeners,
};
use kafka_app_tests::{Journal, Record, TestBroker, record};

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
async fn a_paused_partition_waits_while_the_others_go_on_and_over_a_restart() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("part-paused", 2).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    let listener = app.listener("handled").unwrap();
    let strange = listener.pause_partition("elsewhere", 0).unwrap_err().to_string();
    assert!(strange.contains("does not read `elsewhere`"), "{strange}");
    listener.pause_partition(&topic, 0)?;
    assert_eq!(listener.paused_partitions(), [TopicPartition::new(&*topic, 0)]);
    let to = |partition, payload: &str| Record { partition: Some(partition), ..record("k", payload) };
    broker.produce(&topic, [to(0, "held back"), to(1, "goes on")]).await?;
    journal.wait_for(1).await?;
    listener.stop().await?;
    listener.start()?;
    listener.ready(Duration::from_secs(30)).await?;
    broker.produce(&topic, [to(1, "goes on too")]).await?;
    journal.wait_for(2).await?;
    assert_eq!(journal.payloads(), ["goes on", "goes on too"]);
    listener.resume_partition(&topic, 0)?;
    journal.wait_for(3).await?;
    assert_eq!(journal.payloads()[2], "held back");
    assert!(listener.paused_partitions().is_empty());
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_by_what_the_broker_is_asked_says_where_it_went() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("sought", 2).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    let to = |partition, payload: &str| Record { partition: Some(partition), ..record("k", payload) };
    broker.produce(&topic, [to(0, "a"), to(0, "b"), to(1, "c")]).await?;
    journal.wait_for(3).await?;
    let listener = app.listener("handled").unwrap();
    let at = |partition, offset| (TopicPartition::new(&*topic, partition), offset);

    assert_eq!(listener.seek_to_beginning().await?, [at(0, 0), at(1, 0)]);
    journal.wait_for(6).await?;
    assert_eq!(listener.seek_to_end().await?, [at(0, 2), at(1, 1)]);
    let last_of_0 = listener.seek_to(&[TopicPartition::new(&*topic, 0)], OffsetSpec::BeforeLatest(1)).await?;
    assert_eq!(last_of_0, [at(0, 1)]);
    assert_eq!(journal.wait_for(7).await?[6].payload, "b");
    let strange = listener.seek_to(&[TopicPartition::new(&*topic, 7)], OffsetSpec::Earliest).await.unwrap_err();
    assert!(strange.to_string().contains("is not assigned"), "{strange}");
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_to_a_timestamp_goes_on_at_the_first_record_of_then_or_at_the_end() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic_with("timed", 2, &[("retention.ms", "-1")]).await?;
    let journal = Journal::default();
    let app = start(&broker, &topic, &journal).await?;
    let template = app.template::<String, String>();
    for ms in [1_000, 2_000, 3_000] {
        let record = ProducerRecord::to(&*topic).key(String::new()).payload(ms.to_string());
        template.send_record(record.partition(0).timestamp(ms)).await?;
    }
    let record = ProducerRecord::to(&*topic).key(String::new()).payload("old".to_owned());
    template.send_record(record.partition(1).timestamp(1_000)).await?;
    journal.wait_for(4).await?;
    let listener = app.listener("handled").unwrap();
    let at = |partition, offset| (TopicPartition::new(&*topic, partition), offset);
    assert_eq!(listener.seek_to_timestamp(1_500).await?, [at(0, 1), at(1, 1)], "nothing in partition 1 is as late");
    journal.wait_for(6).await?;
    assert_eq!(journal.payloads()[4..], ["2000", "3000"]);
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
