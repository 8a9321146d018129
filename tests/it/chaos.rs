//! The world changes under running listeners: topics vanish and come back, partitions are added, members come and go,
//! handlers are slow, dead letters have nowhere to go. Nothing may be lost, nothing handled twice without cause, and the
//! listener must get over it by itself.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use kafka_app::{
    DeliveryAttempt, KafkaApp, Key, ListenerState, RecordMetadata, RunningApp, State, kafka_listener, listeners,
};
use kafka_app_tests::{Entry, Journal, PATIENCE, Record, TestBroker, record};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewPartitions},
    client::DefaultClientContext,
};
use tokio::sync::Semaphore;

/// Which of the instances of this process it is, and what it waits for at `wait`.
struct Instance {
    name: String,
    gate: Arc<Semaphore>,
}

#[derive(Debug)]
struct Trouble(&'static str);

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Trouble {}

#[kafka_listener(id = "chaotic", topic = "${in}", group = "${group}", retry(attempts = 3, backoff = "1ms"))]
async fn chaotic(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(instance): State<Instance>,
    State(journal): State<Journal>,
) -> Result<(), Trouble> {
    if text == "wait" {
        instance.gate.acquire().await.map_err(|_| Trouble("the gate is gone"))?.forget();
    }
    journal.note(&instance.name, &metadata, text.clone(), attempt);
    if text == "poison" { Err(Trouble("it is poison")) } else { Ok(()) }
}

/// A topic, a group and what was handled of it.
struct Case {
    broker: TestBroker,
    topic: String,
    group: String,
    journal: Journal,
    gate: Arc<Semaphore>,
}

impl Case {
    async fn new(broker: TestBroker, partitions: i32) -> Result<Self> {
        let topic = broker.topic("chaos", partitions).await?;
        let (group, journal, gate) = (broker.name("chaos"), Journal::default(), Arc::new(Semaphore::new(0)));
        Ok(Self { broker, topic, group, journal, gate })
    }

    async fn start(&self, name: &str, settings: &[(&str, &str)]) -> Result<RunningApp> {
        let app = KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.topic)
            .set("group", &self.group)
            .set("kafka.consumer.properties.heartbeat.interval.ms", "300")
            .set("kafka.consumer.properties.topic.metadata.refresh.interval.ms", "300");
        let app = settings.iter().fold(app, |app, (key, value)| app.set(*key, *value));
        let instance = Instance { name: name.to_owned(), gate: Arc::clone(&self.gate) };
        let app = app.state(instance).state(self.journal.clone()).listeners(listeners![chaotic]).start().await?;
        app.ready().await?;
        Ok(app)
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        Ok(ClientConfig::new().set("bootstrap.servers", self.broker.bootstrap_servers()).create()?)
    }

    /// Sends `n` numbers from `first` on to each of the partitions.
    async fn feed(&self, partitions: i32, first: usize, n: usize) -> Result<()> {
        let all = (0..partitions).flat_map(|partition| (first..first + n).map(move |n| (partition, n)));
        let records = all.map(|(partition, n)| Record { partition: Some(partition), ..record("k", n.to_string()) });
        self.broker.produce(&self.topic, records.collect::<Vec<_>>()).await
    }

    /// Waits until the group has committed this for partition 0.
    async fn until_committed(&self, offset: i64) -> Result<()> {
        let committed = self.broker.until_committed(&self.group, &self.topic, |at| at.get(&0) == Some(&offset));
        committed.await.with_context(|| format!("{offset} was expected"))
    }
}

/// Each record of the first `n` of each partition was handled, and none twice.
fn assert_once(entries: &[Entry], partitions: i32, n: i64) {
    let mut counts = BTreeMap::<(i32, i64), usize>::new();
    for entry in entries {
        *counts.entry((entry.partition, entry.offset)).or_default() += 1;
    }
    let twice = counts.iter().filter(|(_, n)| **n > 1).collect::<Vec<_>>();
    assert!(twice.is_empty(), "handled more than once: {twice:?}");
    let all = (0..partitions).flat_map(|p| (0..n).map(move |offset| (p, offset)));
    let lost = all.filter(|place| !counts.contains_key(place)).collect::<Vec<_>>();
    assert!(lost.is_empty(), "never handled: {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_and_made_again_is_read_from_its_start() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 1).await?;
    let app = case.start("a", &[]).await?;
    case.feed(1, 0, 50).await?;
    case.journal.wait_for(50).await?;
    case.until_committed(50).await?;

    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(20)));
    for result in case.admin()?.delete_topics(&[&case.topic], &options).await? {
        result.map_err(|(topic, code)| anyhow::anyhow!("cannot delete {topic}: {code}"))?;
    }
    case.broker.topic("chaos", 1).await?;
    case.feed(1, 100, 20).await?;
    let entries = case.journal.wait_until(|entries| (100..120).all(|n| has(entries, n))).await?;
    assert!(entries.iter().skip(50).all(|entry| entry.payload.parse::<usize>().is_ok_and(|n| n >= 100)));
    case.until_committed(20).await?;
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seek_back_is_committed_so_that_a_process_that_is_killed_then_goes_on_there() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 1).await?;
    let app = case.start("a", &[]).await?;
    case.feed(1, 0, 20).await?;
    case.gate.add_permits(1);
    case.broker.produce(&case.topic, ["wait", "after"].map(|p| record("k", p))).await?;
    case.until_committed(22).await?;
    app.listener("chaotic").unwrap().seek(&case.topic, 0, 10).await?;
    case.until_committed(20).await?;
    case.gate.add_permits(1);
    case.until_committed(22).await?;
    app.stop().await.expect_clean();
    Ok(())
}

fn has(entries: &[Entry], n: usize) -> bool {
    entries.iter().any(|entry| entry.payload == n.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_added_are_read_from_their_first_record_on() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 1).await?;
    let app = case.start("a", &[("kafka.listeners.chaotic.concurrency", "3")]).await?;
    case.feed(1, 0, 50).await?;
    for result in case.admin()?.create_partitions(&[NewPartitions::new(&case.topic, 4)], &AdminOptions::new()).await? {
        result.map_err(|(topic, code)| anyhow::anyhow!("cannot add to {topic}: {code}"))?;
    }
    // A producer that knows the new partitions: it is made only now.
    case.feed(4, 50, 50).await?;
    let entries = case.journal.wait_for(50 + 4 * 50).await?;
    app.stop().await.expect_clean();
    assert_once(&entries, 4, 50);
    assert_eq!(case.broker.committed(&case.group, &case.topic)?, case.broker.end_offsets(&case.topic)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn static_members_of_one_listener_come_back_and_lose_and_repeat_nothing() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 6).await?;
    let settings =
        [("kafka.listeners.chaotic.concurrency", "3"), ("kafka.consumer.properties.group.instance.id", "host-1")];
    for round in 0..3 {
        let app = case.start("a", &settings).await?;
        case.feed(6, round * 20, 20).await?;
        case.journal.wait_for((round + 1) * 120).await?;
        app.stop().await.expect_clean();
    }
    assert_once(&case.journal.entries(), 6, 60);
    assert_eq!(case.broker.committed(&case.group, &case.topic)?, case.broker.end_offsets(&case.topic)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_instance_stays_paused_across_rebalances_and_its_records_are_not_lost() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 4).await?;
    let paused = case.start("paused", &[]).await?;
    let listener = paused.listener("chaotic").unwrap();
    listener.pause();
    case.feed(4, 0, 25).await?;
    let other = case.start("other", &[]).await?;
    // The other one has half of the partitions, whichever.
    case.journal.wait_for(50).await?;
    other.stop().await.expect_clean();
    let quiet = tokio::time::timeout(Duration::from_millis(700), case.journal.wait_for(51)).await;
    assert!(quiet.is_err(), "a paused listener has handled records");
    assert!(case.journal.entries().iter().all(|entry| entry.who == "other"));
    listener.resume();
    case.journal.wait_for(100).await?;
    paused.stop().await.expect_clean();
    assert_once(&case.journal.entries(), 4, 25);
    Ok(())
}

/// A broker whose sessions may be short.
fn impatient_broker(configs: &[(&str, &str)]) -> Result<TestBroker> {
    let mut all = vec![("group.min.session.timeout.ms", "500")];
    all.extend(configs);
    TestBroker::embedded(&all)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_slower_than_max_poll_interval_keeps_its_partition() -> Result<()> {
    let case = Case::new(impatient_broker(&[])?, 1).await?;
    let settings = [
        ("kafka.consumer.properties.session.timeout.ms", "1000"),
        ("kafka.consumer.properties.max.poll.interval.ms", "1000"),
    ];
    let app = case.start("a", &settings).await?;
    case.broker.produce(&case.topic, ["wait", "after"].map(|p| record("k", p))).await?;
    let early = tokio::time::timeout(Duration::from_millis(2_500), case.journal.wait_for(1)).await;
    assert!(early.is_err(), "it waits at the gate");
    case.gate.add_permits(1);
    case.journal.wait_for(2).await?;
    assert_eq!(app.listener("chaotic").unwrap().rebalances(), 1);
    app.stop().await.expect_clean();
    assert_once(&case.journal.entries(), 1, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_whose_topic_is_missing_waits_for_it_and_the_next_record_waits_too() -> Result<()> {
    let case = Case::new(impatient_broker(&[("auto.create.topics.enable", "false")])?, 1).await?;
    let dead_letters = case.broker.name("letters");
    let settings = [
        ("kafka.listeners.chaotic.dead-letter", dead_letters.as_str()),
        ("kafka.producer.properties.topic.metadata.propagation.max.ms", "100"),
    ];
    let app = case.start("a", &settings).await?;
    case.broker.produce(&case.topic, ["poison", "after"].map(|p| record("k", p))).await?;
    case.journal.wait_for(3).await?;
    let early = tokio::time::timeout(Duration::from_millis(700), case.journal.wait_for(4)).await;
    assert!(early.is_err(), "the next record waits for the dead letter");
    assert!(case.broker.committed(&case.group, &case.topic)?.is_empty());
    case.broker.topic("letters", 1).await?;
    case.journal.wait_for(4).await?;
    assert_eq!(case.broker.records(&dead_letters, 1).await?[0].text(), "poison");
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_dead_letter_that_has_nowhere_to_go() -> Result<()> {
    let case = Case::new(impatient_broker(&[("auto.create.topics.enable", "false")])?, 1).await?;
    let settings = [("kafka.listeners.chaotic.dead-letter", "nowhere"), ("kafka.listener.shutdown-timeout", "3s")];
    let app = case.start("a", &settings).await?;
    case.broker.produce(&case.topic, [record("k", "poison")]).await?;
    case.journal.wait_for(3).await?;
    let start = std::time::Instant::now();
    let _cut_off = app.stop().await;
    assert!(start.elapsed() < Duration::from_secs(12), "the stop took {:?}", start.elapsed());
    assert!(case.broker.committed(&case.group, &case.topic)?.is_empty(), "the record is not lost");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_rebalance_is_clean_and_loses_and_repeats_nothing() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 6).await?;
    let steady = case.start("steady", &[]).await?;
    for round in 0..4 {
        case.feed(6, round * 25, 25).await?;
        // It is stopped as soon as the group has answered it: the partitions of others are still on their way to it.
        let (visitor, another) = tokio::try_join!(case.start("visitor", &[]), case.start("another", &[]))?;
        let (first, second) = tokio::join!(visitor.stop(), another.stop());
        first.expect_clean();
        second.expect_clean();
    }
    case.journal.wait_for(6 * 100).await?;
    steady.stop().await.expect_clean();
    assert_once(&case.journal.entries(), 6, 100);
    assert_eq!(case.broker.committed(&case.group, &case.topic)?, case.broker.end_offsets(&case.topic)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_orderly_stops_and_rebalances_lose_and_repeat_nothing() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 6).await?;
    let settings = [("kafka.listeners.chaotic.delivery", "at-most-once"), ("kafka.listeners.chaotic.concurrency", "3")];
    let mut handled = 0;
    for round in 0..5 {
        case.feed(6, round * 400, 400).await?;
        let app = case.start("a", &settings).await?;
        handled += 200;
        case.journal.wait_for(handled).await?;
        app.stop().await.expect_clean(); // In the middle of the records.
        handled = case.journal.entries().len();
    }
    let app = case.start("a", &settings).await?;
    case.journal.wait_for(6 * 5 * 400).await?;
    app.stop().await.expect_clean();
    assert_once(&case.journal.entries(), 6, 5 * 400);
    Ok(())
}

#[kafka_listener(
    id = "keyed",
    topic = "${in}",
    group = "${group}",
    ordering = "key",
    workers = 8,
    retry(attempts = 3, backoff = "1ms")
)]
async fn keyed(
    text: String,
    Key(key): Key<String>,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) -> Result<(), Trouble> {
    // Every third record fails twice; all the while others of its key must wait.
    if metadata.offset % 3 == 0 && attempt < 3 {
        return Err(Trouble("not yet"));
    }
    journal.note(&key, &metadata, text, attempt);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_key_keep_their_order_while_they_are_retried_and_the_listener_is_stopped() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 2).await?;
    let records = (0..600).map(|n: usize| Record {
        partition: Some(i32::try_from(n % 2).unwrap()),
        ..record(format!("key-{}", n % 20), n.to_string())
    });
    case.broker.produce(&case.topic, records).await?;
    let start = || {
        KafkaApp::new(case.broker.bootstrap_servers())
            .set("in", &case.topic)
            .set("group", &case.group)
            .state(case.journal.clone())
            .listeners(listeners![keyed])
            .start()
    };
    let app = start().await?;
    case.journal.wait_for(100).await?;
    app.stop().await.expect_clean();
    let app = start().await?;
    let all = |entries: &[Entry]| entries.iter().map(|entry| &entry.payload).collect::<HashSet<_>>().len() == 600;
    let entries = case.journal.wait_until(all).await?;
    app.stop().await.expect_clean();
    // What others of other keys finished behind an unfinished record is repeated after the stop, in the same order.
    let mut last = HashMap::<&str, (i64, HashSet<i64>)>::new();
    for entry in &entries {
        let (last, seen) = last.entry(entry.who.as_str()).or_insert((-1, HashSet::new()));
        assert!(entry.offset > *last || seen.contains(&entry.offset), "{entry:?} came after {last}");
        seen.insert(entry.offset);
        *last = entry.offset;
    }
    assert_eq!(case.broker.committed(&case.group, &case.topic)?, case.broker.end_offsets(&case.topic)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_started_and_stopped_again_and_again_leaves_nothing_behind() -> Result<()> {
    let case = Case::new(TestBroker::start()?, 3).await?;
    let app = case.start("a", &[("kafka.listeners.chaotic.concurrency", "3")]).await?;
    let listener = app.listener("chaotic").unwrap();
    for round in 0..5 {
        case.feed(3, round * 10, 10).await?;
        case.journal.wait_for((round + 1) * 30).await?;
        listener.stop().await?;
        assert!(matches!(listener.state(), ListenerState::Stopped));
        assert!(listener.assignment().is_empty());
        listener.start()?;
        listener.ready(PATIENCE).await.context("the group takes it again")?;
    }
    app.stop().await.expect_clean();
    assert_once(&case.journal.entries(), 3, 50);
    Ok(())
}
