//! Consumers join and leave while records flow: nothing is lost, nothing is handled twice, and nothing is handled by an
//! instance that no longer owns the partition.

use std::collections::BTreeMap;

use anyhow::Result;
use kafka_app::{KafkaApp, RecordMetadata, RunningApp, State, kafka_listener, listeners};
use kafka_app_tests::{Entry, Journal, TestBroker, record};
use tokio::sync::oneshot;

const PARTITIONS: i32 = 6;

/// Which of the instances of this process it is.
struct Instance(String);

#[kafka_listener(id = "shared", topic = "${in}", group = "${group}")]
async fn shared(
    text: String,
    metadata: RecordMetadata,
    State(instance): State<Instance>,
    State(journal): State<Journal>,
) {
    tokio::task::yield_now().await; // gives a revoke the chance to come in between
    journal.note(&instance.0, &metadata, text, 1);
}

struct Case {
    broker: TestBroker,
    topic: String,
    journal: Journal,
    properties: Vec<(&'static str, &'static str)>,
}

impl Case {
    async fn new(properties: &[(&'static str, &'static str)]) -> Result<Self> {
        let broker = TestBroker::start()?;
        let topic = broker.topic("rebalanced", PARTITIONS).await?;
        Ok(Self { broker, topic, journal: Journal::default(), properties: properties.to_vec() })
    }

    async fn join(&self, name: &str) -> Result<RunningApp> {
        let app = KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.topic)
            .set("group", self.broker.name("rebalanced"));
        let app = self
            .properties
            .iter()
            .fold(app, |app, (key, value)| app.set(format!("kafka.consumer.properties.{key}"), *value));
        Ok(app
            .state(Instance(name.to_owned()))
            .state(self.journal.clone())
            .listeners(listeners![shared])
            .start()
            .await?)
    }

    /// Sends ten records to each partition at a time, the next ten when most of these are handled, until told to stop;
    /// returns how many each partition got.
    async fn feed(&self, mut stop: oneshot::Receiver<()>) -> Result<usize> {
        let mut n_each = 0;
        while let Err(oneshot::error::TryRecvError::Empty) = stop.try_recv() {
            let round = (0..PARTITIONS).flat_map(|partition| (0..10).map(move |_| partition));
            let round =
                round.map(|partition| kafka_app_tests::Record { partition: Some(partition), ..record("k", "v") });
            self.broker.produce(&self.topic, round.collect::<Vec<_>>()).await?;
            n_each += 10;
            self.journal.wait_for((n_each * PARTITIONS.unsigned_abs() as usize).saturating_sub(300)).await?;
        }
        Ok(n_each)
    }

    /// Waits until this instance has handled a hundred records more.
    async fn until_it_works(&self, who: &str) -> Result<()> {
        let count = |entries: &[Entry]| entries.iter().filter(|entry| entry.who == who).count();
        let before = count(&self.journal.entries());
        self.journal.wait_until(|entries| count(entries) >= before + 100).await?;
        Ok(())
    }

    /// Three instances come and go while records flow.
    async fn come_and_go(&self, stop_feeding: oneshot::Sender<()>) -> Result<Vec<RunningApp>> {
        let a = self.join("a").await?;
        self.until_it_works("a").await?;
        let b = self.join("b").await?;
        self.until_it_works("b").await?;
        let c = self.join("c").await?;
        self.until_it_works("c").await?;
        a.stop().await.expect_clean();
        self.until_it_works("b").await?;
        b.stop().await.expect_clean();
        self.until_it_works("c").await?;
        let again = self.join("a again").await?;
        self.until_it_works("a again").await?;
        let _ = stop_feeding.send(());
        Ok(vec![c, again])
    }

    /// The whole story; then each partition must have been handled once and in order, whoever did it.
    async fn run(&self) -> Result<()> {
        let (stop_feeding, stop) = oneshot::channel();
        let (n_each, instances) = tokio::try_join!(self.feed(stop), self.come_and_go(stop_feeding))?;
        let entries = self.journal.wait_for(n_each * PARTITIONS.unsigned_abs() as usize).await?;
        for instance in instances {
            instance.stop().await.expect_clean();
        }
        assert_each_partition_was_handled_once_and_in_order(&entries, n_each);
        let group = self.broker.name("rebalanced");
        assert_eq!(self.broker.committed(&group, &self.topic)?, self.broker.end_offsets(&self.topic)?);
        Ok(())
    }
}

fn assert_each_partition_was_handled_once_and_in_order(entries: &[Entry], n_each: usize) {
    let mut partitions = BTreeMap::<i32, Vec<&Entry>>::new();
    for entry in entries {
        partitions.entry(entry.partition).or_default().push(entry);
    }
    for (partition, entries) in &partitions {
        let wrong = entries.iter().zip(0..).position(|(entry, expected)| entry.offset != expected);
        let around = wrong.map(|at| &entries[at.saturating_sub(2)..(at + 3).min(entries.len())]);
        assert!(around.is_none(), "partition {partition} leaves its order: {around:?}");
    }
    let counts = partitions.values().map(Vec::len).collect::<Vec<_>>();
    assert!(counts.iter().all(|n| *n == n_each), "records per partition: {counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cooperative_rebalances_lose_nothing_and_repeat_nothing() -> Result<()> {
    let case = Case::new(&[("heartbeat.interval.ms", "500")]).await?;
    case.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn eager_rebalances_lose_nothing_and_repeat_nothing() -> Result<()> {
    let case = Case::new(&[("partition.assignment.strategy", "range"), ("heartbeat.interval.ms", "500")]).await?;
    case.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn rebalances_by_the_consumer_protocol_lose_nothing_and_repeat_nothing() -> Result<()> {
    let mut case = Case::new(&[("group.protocol", "consumer")]).await?;
    if case.broker.is_embedded() {
        // The broker decides how often its members ask; Kafka's 5 s would make this a slow test.
        case.broker = TestBroker::embedded(&[("group.consumer.heartbeat.interval.ms", "200")])?;
        case.topic = case.broker.topic("rebalanced", PARTITIONS).await?;
    }
    case.run().await
}
