//! Consumers join and leave while records flow: nothing is lost, nothing is handled twice, and nothing is handled by an
//! instance that no longer owns the partition.

use std::collections::BTreeMap;

use anyhow::Result;
use kafka_app::{KafkaApp, RecordMetadata, RunningApp, State, kafka_listener, listeners};
use kafka_app_tests::{Entry, Journal, TestBroker, record};

const PARTITIONS: i32 = 6;
const RECORDS: usize = 6_000;

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

    async fn feed(&self, from: usize) -> Result<()> {
        let n = RECORDS / 6;
        let partition = |i: usize| i32::try_from(i).map(|i| i % PARTITIONS).ok();
        let records = (from * n..(from + 1) * n)
            .map(|i| kafka_app_tests::Record { partition: partition(i), ..record("k", i.to_string()) });
        self.broker.produce(&self.topic, records.collect::<Vec<_>>()).await
    }

    /// Three instances come and go between and while records are sent; returns what was handled.
    async fn run(&self) -> Result<Vec<Entry>> {
        let a = self.join("a").await?;
        self.feed(0).await?;
        let b = self.join("b").await?;
        self.feed(1).await?;
        self.journal.wait_until(|entries| entries.iter().any(|entry| entry.who == "b")).await?;
        let c = self.join("c").await?;
        self.feed(2).await?;
        a.stop().await.expect_clean();
        self.feed(3).await?;
        self.journal.wait_until(|entries| entries.iter().any(|entry| entry.who == "c")).await?;
        b.stop().await.expect_clean();
        self.feed(4).await?;
        let again = self.join("a again").await?;
        self.feed(5).await?;
        let entries = self.journal.wait_for(RECORDS).await?;
        c.stop().await.expect_clean();
        again.stop().await.expect_clean();
        Ok(entries)
    }
}

fn assert_each_partition_was_handled_once_and_in_order(entries: &[Entry]) {
    let mut offsets = BTreeMap::<i32, Vec<i64>>::new();
    for entry in entries {
        offsets.entry(entry.partition).or_default().push(entry.offset);
    }
    for (partition, offsets) in offsets {
        let expected = (0..i64::try_from(RECORDS).unwrap_or(0) / i64::from(PARTITIONS)).collect::<Vec<_>>();
        let first_wrong = offsets.iter().zip(&expected).position(|(seen, expected)| seen != expected);
        assert_eq!(offsets, expected, "partition {partition} goes wrong at {first_wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cooperative_rebalances_lose_nothing_and_repeat_nothing() -> Result<()> {
    let case = Case::new(&[("heartbeat.interval.ms", "500")]).await?;
    assert_each_partition_was_handled_once_and_in_order(&case.run().await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn eager_rebalances_lose_nothing_and_repeat_nothing() -> Result<()> {
    let case = Case::new(&[("partition.assignment.strategy", "range"), ("heartbeat.interval.ms", "500")]).await?;
    assert_each_partition_was_handled_once_and_in_order(&case.run().await?);
    Ok(())
}
