//! An application that loses the nodes it depends on, one after the other, and goes on.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use embedded_broker::{Api, EmbeddedBroker, ErrorCode};
use kafka_app::{
    KafkaApp, ListenerEvent, ListenerEvents, ListenerState, RecordMetadata, RunningApp, State, UnreachableBroker,
    kafka_listener, listeners,
};
use kafka_app_tests::{Journal, PATIENCE, Record, TestBroker, TestCluster, record};

use super::{PARTITIONS, any_death, app, chance};
use crate::log::Log;

/// Records before each loss, and after it.
const ROUND: u32 = 120;

#[kafka_listener(id = "copies", topic = "${in}", group = "${group}", send_to = "${out}", delivery = "exactly-once")]
async fn copies(text: String) -> String {
    text
}

async fn feed(broker: &TestBroker, topic: &str, fed: &mut u32) -> Result<()> {
    let records = (*fed..*fed + ROUND).map(|n| Record {
        partition: i32::try_from(n).ok().map(|n| n % PARTITIONS),
        ..record(n.to_string(), n.to_string())
    });
    *fed += ROUND;
    broker.produce(topic, records.collect::<Vec<_>>()).await
}

/// What it has said by now: the brokers it cannot reach, and nothing of itself.
async fn assert_only_brokers_are_lost(events: &mut ListenerEvents) {
    while let Some(event) = events.next().await {
        let is_of_itself = matches!(
            event,
            ListenerEvent::Restarting { .. } | ListenerEvent::ConsumerReplaced { .. } | ListenerEvent::Failed { .. }
        );
        assert!(!is_of_itself, "{event:?}");
        if matches!(event, ListenerEvent::Stopped { .. }) {
            return;
        }
    }
}

/// An application that copies from one topic to another.
struct Copying {
    source: String,
    out: String,
    group: String,
    app: RunningApp,
}

async fn copying(cluster: &TestCluster) -> Result<Copying> {
    let plain = cluster.broker();
    let (source, out) = (plain.topic("source", PARTITIONS).await?, plain.topic("out", PARTITIONS).await?);
    let group = plain.name("copies");
    let app = app(cluster).set("in", &source).set("out", &out).set("group", &group);
    let app = app.listeners(listeners![copies]).start().await?;
    app.ready().await?;
    Ok(Copying { source, out, group, app })
}

/// The nodes the application depends on, by what for; each is asked for when its turn has come.
fn nodes(broker: &EmbeddedBroker, topic: &str, group: &str) -> [(&'static str, Option<i32>); 3] {
    let transactions = broker.transactions();
    let id = transactions.all().first().map(|one| one.transactional_id.clone());
    [
        ("a leader", broker.topic(topic).replicas(0).ok().and_then(|replicas| replicas.leader)),
        ("the coordinator of its group", broker.group(group).coordinator()),
        ("the coordinator of its transactions", id.and_then(|id| transactions.coordinator(&id))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_loses_its_leader_and_both_coordinators_goes_on_and_copies_each_record_once() -> Result<()> {
    let (mut random, seed) = chance("a listener loses its nodes")?;
    // Only the embedded cluster can be told to bring leaders back to where clients are.
    let cluster = TestCluster::embedded(seed, &[])?;
    let (broker, plain) = (cluster.as_embedded().context("it is one")?, cluster.broker());
    let Copying { source, out, group, app } = copying(&cluster).await?;
    let homes = (0..PARTITIONS).map(|partition| cluster.leader(&source, partition)).collect::<Result<Vec<_>>>()?;
    let (mut fed, mut events) = (0, app.events());
    for turn in 0..3 {
        feed(plain, &source, &mut fed).await?;
        let ends = plain.end_offsets(&source)?;
        plain.until_committed(&group, &source, |committed| *committed == ends).await?;
        let (what, node) = nodes(broker, &source, &group)[turn];
        let node = node.with_context(|| format!("there is no node that is {what}"))?;
        cluster.lose(node, any_death(&mut random))?;
        feed(plain, &source, &mut fed).await?;
        cluster.restart(node)?;
        // Where they were, so that the consumer has a connection to each node again.
        for (partition, home) in (0..).zip(&homes) {
            broker.move_leader(&source, partition, *home)?;
        }
    }
    let ends = plain.end_offsets(&source)?;
    plain.until_committed(&group, &source, |committed| *committed == ends).await?;
    assert!(matches!(app.listener("copies")?.state(), ListenerState::Running), "{:?}", app.listener("copies")?.state());
    app.stop().await.expect_clean();
    let said = assert_only_brokers_are_lost(&mut events);
    tokio::time::timeout(PATIENCE, said).await.context("it does not say that it has stopped")?;
    let mut copied = BTreeMap::<u32, usize>::new();
    for record in plain.all_records(&out).await? {
        *copied.entry(record.text().parse()?).or_default() += 1;
    }
    assert_eq!(copied, (0..fed).map(|n| (n, 1)).collect());
    Ok(())
}

#[kafka_listener(id = "reads", topic = "${in}", group = "${group}")]
async fn reads(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("reads", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_asks_a_node_which_is_no_coordinator_any_more_where_its_group_stands_is_made_anew() -> Result<()>
{
    let broker = TestBroker::embedded(&[])?;
    let (source, group, journal) = (broker.topic("source", 2).await?, broker.name("reads"), Journal::default());
    let records = (0..10).map(|n: i32| Record { partition: Some(n % 2), ..record(n.to_string(), n.to_string()) });
    broker.produce(&source, records.collect::<Vec<_>>()).await?;
    // librdkafka looks for the new coordinator then, and does not ask it.
    let fault = broker.as_embedded().context("it is one")?.fault().on(Api::OffsetFetch).group(&group).times(1);
    let moved = fault.error(ErrorCode::NotCoordinator);
    let app = KafkaApp::new(broker.bootstrap_servers()).set("in", &source).set("group", &group);
    let mut events = app.events();
    let app = app.state(journal.clone()).listeners(listeners![reads]).start().await?;
    let entries = journal.wait_for(10).await?;
    assert_eq!(moved.times_happened(), 1);
    assert_eq!(entries.len(), 10, "{entries:?}");
    app.stop().await.expect_clean();
    let mut reasons = Vec::new();
    while let Some(event) = events.next().await {
        match event {
            ListenerEvent::ConsumerReplaced { reason, .. } => reasons.push(reason),
            ListenerEvent::Stopped { .. } => break,
            _ => {}
        }
    }
    assert!(matches!(&*reasons, [one] if one.contains("Failed to fetch committed offsets")), "{reasons:?}");
    Ok(())
}

/// Waits until what cannot be reached is as wanted.
async fn until(
    unreachable: impl Fn() -> Vec<UnreachableBroker>,
    is_wanted: impl Fn(&[UnreachableBroker]) -> bool,
) -> Result<()> {
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let wanted = async {
        while !is_wanted(&unreachable()) {
            looks.tick().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, wanted).await;
    in_time.with_context(|| format!("{:?} cannot be reached", unreachable()))
}

/// Whether it is this broker: a coordinator by its name, another by the end of it, which is its id.
fn is_it(broker: &str, name: &str) -> bool {
    broker.starts_with(name) || broker.ends_with(name)
}

/// Waits until an event tells that a broker is lost, or that it is back.
async fn told(events: &mut ListenerEvents, name: &str, is_back: bool) -> Result<()> {
    let told = async {
        while let Some(event) = events.next().await {
            match event {
                ListenerEvent::BrokerUnreachable { reason, .. }
                    if !is_back && is_it(reason.split(": ").next().unwrap_or_default(), name) =>
                {
                    return;
                }
                ListenerEvent::BrokerReached { broker, .. } if is_back && is_it(&broker, name) => return,
                _ => {}
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, told).await;
    in_time.with_context(|| format!("{name} is not told to be {}", if is_back { "back" } else { "lost" }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_says_that_it_does_without_its_leader_or_a_coordinator_and_that_it_is_back() -> Result<()> {
    let log = Log::keep();
    // Nobody else takes over what a node did before that is back.
    let cluster = TestCluster::embedded(1, &[("broker.session.timeout.ms", "3600000")])?;
    let (broker, plain) = (cluster.as_embedded().context("it is one")?, cluster.broker());
    let Copying { source, out, group, app } = copying(&cluster).await?;
    let mut fed = 0;
    feed(plain, &source, &mut fed).await?;
    let ends = plain.end_offsets(&source)?;
    plain.until_committed(&group, &source, |committed| *committed == ends).await?;
    let (listener, mut events) = (app.listener("copies")?, app.events());
    for partition in 0..PARTITIONS {
        broker.move_leader(&source, partition, 1)?;
    }
    broker.group(&group).move_coordinator(2)?;
    for transaction in broker.transactions().all() {
        broker.transactions().move_coordinator(&transaction.transactional_id, 3)?;
    }
    // It has gone after them.
    feed(plain, &source, &mut fed).await?;
    let ends = plain.end_offsets(&source)?;
    plain.until_committed(&group, &source, |committed| *committed == ends).await?;
    for (node, name) in [(1, "/1"), (2, "GroupCoordinator"), (3, "TxnCoordinator")] {
        let has_it = |brokers: &[UnreachableBroker]| brokers.iter().any(|broker| is_it(&broker.name, name));
        broker.crash(node)?;
        until(|| listener.unreachable_brokers(), has_it).await?;
        assert!(matches!(listener.state(), ListenerState::Running), "{:?}", listener.state());
        told(&mut events, name, false).await?;
        let address = plain.bootstrap_servers().split(',').nth(usize::try_from(node)? - 1).context("it has one")?;
        assert!(log.says(&[" WARN ", "copies", "a broker cannot be reached", address]), "{name} at {address}");
        broker.restart(node)?;
        until(|| listener.unreachable_brokers(), |brokers| brokers.is_empty()).await?;
        told(&mut events, name, true).await?;
    }
    feed(plain, &source, &mut fed).await?;
    let ends = plain.end_offsets(&source)?;
    plain.until_committed(&group, &source, |committed| *committed == ends).await?;
    app.stop().await.expect_clean();
    assert_eq!(plain.all_records(&out).await?.len(), usize::try_from(fed)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_says_that_its_records_wait_for_a_leader_and_that_it_is_back() -> Result<()> {
    let cluster = TestCluster::embedded(1, &[("broker.session.timeout.ms", "3600000")])?;
    let (broker, plain) = (cluster.as_embedded().context("it is one")?, cluster.broker());
    let topic = plain.topic("sent", 1).await?;
    let leader = cluster.leader(&topic, 0)?;
    let app = app(&cluster).start().await?;
    let template = app.template::<str, str>();
    template.send(&topic, "k", "before").await?;
    assert_eq!(template.unreachable_brokers(), []);
    broker.crash(leader)?;
    let waiting = template.enqueue(&topic, "k", "meanwhile").await?;
    let leads = format!("/{leader}");
    until(|| template.unreachable_brokers(), |brokers| brokers.iter().any(|one| one.name.ends_with(&leads))).await?;
    broker.restart(leader)?;
    tokio::time::timeout(PATIENCE, waiting).await.context("it is not sent")??;
    until(|| template.unreachable_brokers(), |brokers| brokers.is_empty()).await?;
    app.stop().await.expect_clean();
    Ok(())
}
