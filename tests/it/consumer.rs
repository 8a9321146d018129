//! A consumer without a listener, polled by its owner.

use std::time::Duration;

use anyhow::{Context, Result};
use kafka_app::{KafkaConsumer, OffsetSpec, Polled, TopicPartition, config::KafkaProperties};
use kafka_app_tests::{PATIENCE, Record, TestBroker, record};

/// `n` records in each of `n_partitions`: 0, 1, .. in each.
fn numbers(n_partitions: i32, n: u32) -> Vec<Record> {
    let in_each =
        |partition| (0..n).map(move |n| Record { partition: Some(partition), ..record(n.to_string(), n.to_string()) });
    (0..n_partitions).flat_map(in_each).collect()
}

/// Polls until so many records are there, of which as many are stored: partition and payload of each.
async fn read(consumer: &mut KafkaConsumer, n_wanted: usize) -> Result<Vec<(i32, String)>> {
    let mut read = Vec::new();
    while read.len() < n_wanted {
        let polled = tokio::time::timeout(PATIENCE, consumer.next()).await.context("no record in time")?;
        let (partition, records) = match polled {
            Polled::Records { partition, records, .. } => (partition, records),
            Polled::Failed(error) => return Err(error.into()),
            _ => continue,
        };
        for record in &records[..records.len().min(n_wanted - read.len())] {
            let payload = String::from_utf8_lossy(record.payload().unwrap_or_default()).into_owned();
            read.push((partition.partition, payload));
            consumer.store(&partition, record.offset() + 1, record.leader_epoch());
        }
    }
    Ok(read)
}

fn texts(read: &[(i32, String)]) -> Vec<&str> {
    read.iter().map(|(_, text)| text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_where_the_next_member_of_the_group_goes_on() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("polled", 1).await?;
    broker.produce(&topic, numbers(1, 10)).await?;
    let properties = KafkaProperties::new(broker.bootstrap_servers());
    let builder = KafkaConsumer::builder(&properties).topics([topic.as_str()]).group(broker.name("tool"));

    let mut by_itself = builder.clone().auto_commit(Some(Duration::from_secs(3600))).open().await?;
    assert_eq!(texts(&read(&mut by_itself, 3).await?), ["0", "1", "2"]);
    by_itself.close(PATIENCE).await?;
    let given_back = std::iter::from_fn(|| by_itself.poll()).find_map(|polled| match polled {
        Polled::Revoked { partitions, lost: false, .. } => Some(partitions),
        _ => None,
    });
    assert_eq!(given_back, Some(vec![TopicPartition::new(topic.as_str(), 0)]));

    let mut when_told = builder.clone().auto_commit(None).max_records(1).open().await?;
    assert_eq!(texts(&read(&mut when_told, 2).await?), ["3", "4"]);
    when_told.commit().await?;
    assert_eq!(texts(&read(&mut when_told, 2).await?), ["5", "6"]);
    when_told.close(PATIENCE).await?;

    let mut last = builder.open().await?;
    assert_eq!(texts(&read(&mut last, 1).await?), ["5"], "what was not committed comes again");
    last.close(PATIENCE).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_read_from_where_it_is_said_without_a_group() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("chosen", 2).await?;
    broker.produce(&topic, numbers(2, 10)).await?;
    let properties = KafkaProperties::new(broker.bootstrap_servers());
    let at = |partition| TopicPartition::new(topic.as_str(), partition);
    for (spec, expected) in [
        (OffsetSpec::Earliest, "0"),
        (OffsetSpec::Offset(4), "4"),
        (OffsetSpec::BeforeLatest(3), "7"),
        (OffsetSpec::AfterEarliest(2), "2"),
    ] {
        let mut consumer = KafkaConsumer::builder(&properties).partitions([(at(1), spec)]).open().await?;
        assert_eq!(read(&mut consumer, 1).await?, [(1, expected.to_owned())], "{spec}");
        consumer.close(PATIENCE).await?;
    }
    let both = [(at(0), OffsetSpec::Offset(8)), (at(1), OffsetSpec::Offset(9))];
    let mut consumer = KafkaConsumer::builder(&properties).partitions(both).open().await?;
    let mut all = read(&mut consumer, 3).await?;
    all.sort();
    assert_eq!(all, [(0, "8".to_owned()), (0, "9".to_owned()), (1, "9".to_owned())]);
    Ok(())
}

/// An assignment that is answered behind the close is waited for by librdkafka, for ever: one time in seven before.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_closed_before_it_was_asked_for_anything() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("unread", 1).await?;
    let properties = KafkaProperties::new(broker.bootstrap_servers());
    for _ in 0..20 {
        let first = [(TopicPartition::new(topic.as_str(), 0), OffsetSpec::Earliest)];
        let mut consumer = KafkaConsumer::builder(&properties).partitions(first).open().await?;
        consumer.close(PATIENCE).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_consumer_that_is_told_too_little_or_too_much_is_refused() {
    let properties = KafkaProperties::new("localhost:1");
    let refused = async |builder: kafka_app::KafkaConsumerBuilder| builder.open().await.unwrap_err().to_string();
    let builder = KafkaConsumer::builder(&properties);
    assert_eq!(refused(builder.clone().topics(["t"])).await, "a consumer of topics needs a group");
    let nothing = "a consumer needs topics, a pattern or partitions to read";
    assert_eq!(refused(builder.clone().group("g")).await, nothing);
    let both = builder.topics(["t"]).group("g").partitions([(TopicPartition::new("t", 0), OffsetSpec::Latest)]);
    assert_eq!(refused(both).await, "a consumer reads topics of a group or partitions, and not both");
}
