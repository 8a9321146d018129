//! Plain clients whose brokers tell of the cluster as it was.

use anyhow::{Context, Result};
use embedded_broker::EmbeddedBroker;
use kafka_app_tests::{PATIENCE, TestBroker, TestCluster, record};
use rdkafka::{
    Message,
    consumer::{CommitMode, Consumer, StreamConsumer},
};

/// Old answers of each node.
const STALE: u32 = 3;

/// Has all nodes tell of the cluster as it was for some answers, and the topic's leader and the group's coordinator move
/// right after that.
fn move_unnoticed(broker: &EmbeddedBroker, topic: &str, group: &str, to: i32) -> Result<()> {
    for node in broker.node_ids() {
        broker.node(node)?.stale_metadata(STALE);
    }
    broker.move_leader(topic, 0, to)?;
    broker.group(group).move_coordinator(to)?;
    Ok(())
}

fn stale_answers_left(broker: &EmbeddedBroker) -> Result<u32> {
    broker.node_ids().into_iter().map(|node| Ok(broker.node(node)?.stale_answers_left())).sum()
}

/// Reads and commits as a member of the group.
async fn read(plain: &TestBroker, topic: &str, group: &str, n: usize) -> Result<Vec<String>> {
    let mut config = plain.config();
    config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
    let consumer: StreamConsumer = config.create()?;
    consumer.subscribe(&[topic])?;
    let mut texts = Vec::new();
    while texts.len() < n {
        let message = tokio::time::timeout(PATIENCE, consumer.recv()).await;
        let message = message.with_context(|| format!("it has read {texts:?}"))??;
        texts.push(String::from_utf8(message.payload().unwrap_or_default().to_vec())?);
        consumer.commit_message(&message, CommitMode::Sync)?;
    }
    consumer.unsubscribe();
    Ok(texts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_and_a_group_get_along_with_brokers_that_tell_of_the_cluster_as_it_was() -> Result<()> {
    let cluster = TestCluster::embedded(1, &[])?;
    let (broker, plain) = (cluster.as_embedded().context("it is one")?, cluster.broker());
    let (topic, group) = (plain.topic("numbers", 1).await?, plain.name("readers"));
    plain.committed(&group, &topic)?; // From here on it has a coordinator.
    let mut fed = Vec::new();
    for round in 0..3 {
        let to = 1 + cluster.leader(&topic, 0)? % 3;
        move_unnoticed(broker, &topic, &group, to)?;
        let texts = (0..20).map(|n| format!("{round}-{n}")).collect::<Vec<_>>();
        plain.produce(&topic, texts.iter().map(|text| record("k", text.clone()))).await?;
        assert!(stale_answers_left(broker)? < 3 * STALE, "the producer was told of the old leader");
        fed.extend(texts.clone());
        move_unnoticed(broker, &topic, &group, 1 + to % 3)?;
        assert_eq!(read(plain, &topic, &group, texts.len()).await?, texts);
        assert!(stale_answers_left(broker)? < 3 * STALE, "the consumer was told of the old leader or coordinator");
    }
    for node in broker.node_ids() {
        broker.node(node)?.stale_metadata(0);
    }
    let all = plain.all_records(&topic).await?;
    assert_eq!(all.iter().map(|record| record.text()).collect::<Vec<_>>(), fed);
    Ok(())
}
