//! Exactly once, where another member's transaction still holds the positions of what a consumer is given.

use anyhow::{Context, Result};
use kafka_app::{KafkaApp, ListenerEvent, RunningApp, kafka_listener, listeners};
use kafka_app_tests::{PATIENCE, Record, TestBroker, record};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{BaseProducer, Producer},
};

/// Records of each of two partitions.
const N_RECORDS: i64 = 20;

#[kafka_listener(id = "copy", topic = "${in}", group = "${group}", send_to = "${out}", delivery = "exactly-once")]
async fn copy(text: String) -> String {
    text
}

struct Case {
    broker: TestBroker,
    group: String,
    source: String,
    out: String,
    /// That of the member whose transaction is open.
    producer: BaseProducer,
}

impl Case {
    /// Of the source, half is committed.
    async fn new() -> Result<Self> {
        let broker = TestBroker::start()?;
        let (source, out) = (broker.topic("numbers", 2).await?, broker.topic("copies", 2).await?);
        let numbers = (0..2).flat_map(|partition| {
            (0..N_RECORDS).map(move |offset| Record {
                partition: Some(partition),
                ..record(partition.to_string(), format!("{partition}@{offset}"))
            })
        });
        broker.produce(&source, numbers.collect::<Vec<_>>()).await?;
        let producer: BaseProducer = broker.config().set("transactional.id", broker.name("another")).create()?;
        producer.init_transactions(PATIENCE)?;
        let case = Self { group: broker.name("copiers"), source, out, producer, broker };
        case.begin(N_RECORDS / 2)?;
        case.producer.commit_transaction(PATIENCE)?;
        Ok(case)
    }

    /// Begins a transaction that has these positions of both partitions.
    fn begin(&self, offset: i64) -> Result<()> {
        let member: BaseConsumer = self.broker.config().set("group.id", &self.group).create()?;
        let group = member.group_metadata().context("it has a group")?;
        let mut positions = TopicPartitionList::new();
        for partition in 0..2 {
            positions.add_partition_offset(&self.source, partition, Offset::Offset(offset))?;
        }
        self.producer.begin_transaction()?;
        Ok(self.producer.send_offsets_to_transaction(&positions, &group, PATIENCE)?)
    }

    async fn start(&self, name: &str, auto_offset_reset: &str) -> Result<RunningApp> {
        let app = KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.source)
            .set("out", &self.out)
            .set("group", &self.group)
            .set("kafka.producer.transaction-id-prefix", name)
            .set("kafka.consumer.auto-offset-reset", auto_offset_reset)
            .set("kafka.consumer.properties.heartbeat.interval.ms", "300")
            .listeners(listeners![copy]);
        let app = app.start().await?;
        app.ready().await?;
        Ok(app)
    }

    /// What two members copy, of which the second joins while positions are held that the first one asks for.
    async fn copied(
        &self,
        auto_offset_reset: &str,
        end: impl FnOnce(&BaseProducer) -> Result<()>,
    ) -> Result<Vec<String>> {
        let first = self.start("first-", auto_offset_reset).await?;
        let mut events = first.listener("copy")?.events();
        let second = self.start("second-", auto_offset_reset).await?;
        let shared = async {
            while !matches!(events.next().await, Some(ListenerEvent::Revoked { .. }) | None) {}
            // That it keeps the other one, it is told twice.
            for _ in 0..2 {
                while !matches!(events.next().await, Some(ListenerEvent::Assigned { .. }) | None) {}
            }
        };
        tokio::time::timeout(PATIENCE, shared).await.context("the first one gives nothing back")?;
        end(&self.producer)?;
        let all = |committed: &std::collections::BTreeMap<i32, i64>| committed.values().all(|at| *at == N_RECORDS);
        self.broker.until_committed(&self.group, &self.source, all).await?;
        first.stop().await.expect_clean();
        second.stop().await.expect_clean();
        let mut copied: Vec<String> = self.broker.all_records(&self.out).await?.iter().map(Record::text).collect();
        copied.sort();
        Ok(copied)
    }
}

fn numbers(offsets: std::ops::Range<i64>) -> Vec<String> {
    let mut numbers: Vec<String> =
        (0..2).flat_map(|partition| offsets.clone().map(move |offset| format!("{partition}@{offset}"))).collect();
    numbers.sort();
    numbers
}

/// Here librdkafka takes a position that is not stable yet for none, and begins where `auto.offset.reset` says: with
/// `earliest` all is repeated, with `latest` the rest is lost.
#[tokio::test(flavor = "multi_thread")]
async fn positions_in_an_open_transaction_are_waited_for_also_if_the_group_is_shared_out_anew_meanwhile() -> Result<()>
{
    for auto_offset_reset in ["earliest", "latest"] {
        let case = Case::new().await?;
        case.begin(15)?;
        let copied = case.copied(auto_offset_reset, |producer| Ok(producer.commit_transaction(PATIENCE)?)).await?;
        assert_eq!(copied, numbers(15..N_RECORDS), "{auto_offset_reset}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_in_a_transaction_that_is_given_up_are_none() -> Result<()> {
    let case = Case::new().await?;
    case.begin(15)?;
    let copied = case.copied("earliest", |producer| Ok(producer.abort_transaction(PATIENCE)?)).await?;
    assert_eq!(copied, numbers(10..N_RECORDS));
    Ok(())
}
