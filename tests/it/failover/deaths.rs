//! A producer and a group of consumers while leaders go at random, and what must be true of the log and of the group then.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, Result, bail};
use embedded_broker::Api;
use kafka_app::{
    KafkaApp, ListenerEvent, ListenerEvents, RecordMetadata, RunningApp, State, TopicPartition, kafka_listener,
    listeners,
};
use kafka_app_tests::{Entry, Journal, PATIENCE, Record, TestCluster};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use super::{PARTITIONS, any_death, app, n_deaths, reader::Reader};

/// What each round sends before its node goes, and again while it is gone.
pub(super) const ROUND: usize = 30;

#[kafka_listener(id = "note", topic = "${in}", group = "${group}", concurrency = 3)]
async fn note(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("note", &metadata, text, 1);
}

/// A partition and an offset.
pub(super) type Place = (i32, i64);

/// Sends numbers that all replicas in sync acknowledge.
pub(super) trait Numbers {
    /// Begins to send the next so many.
    async fn send(&mut self, n: usize) -> Result<()>;

    /// Waits until so many more, or all, are acknowledged.
    async fn acknowledged(&mut self, n: usize) -> Result<()>;

    /// A round is over.
    async fn round(&mut self, _random: &mut fastrand::Rng) -> Result<()> {
        Ok(())
    }
}

/// Sends what only leaders acknowledge, and does not look at what becomes of it.
struct Careless {
    producer: ThreadedProducer<DefaultProducerContext>,
    topic: String,
}

impl Careless {
    fn new(cluster: &TestCluster, topic: &str) -> Result<Self> {
        let mut config = cluster.broker().config();
        config.set("acks", "1").set("linger.ms", "0").set("retry.backoff.ms", "10").set("retry.backoff.max.ms", "100");
        let producer = config.set("reconnect.backoff.ms", "10").set("reconnect.backoff.max.ms", "100").create()?;
        Ok(Self { producer, topic: topic.to_owned() })
    }

    fn send(&self, n: usize) -> Result<()> {
        for number in 0..n {
            let record = BaseRecord::<(), str>::to(&self.topic).payload(CARELESS);
            let record = record.partition(i32::try_from(number)? % PARTITIONS);
            self.producer.send(record).map_err(|(error, _)| error)?;
        }
        Ok(())
    }
}

/// What its records are.
const CARELESS: &str = "careless";

/// A cluster, and an application that listens there.
pub(super) struct Deaths {
    pub(super) cluster: TestCluster,
    pub(super) topic: String,
    pub(super) app: RunningApp,
    group: String,
    journal: Journal,
    given: tokio::task::JoinHandle<Result<HashMap<i32, usize>>>,
    reader: Reader,
    careless: Careless,
}

impl Deaths {
    pub(super) async fn begin(seed: u64, change: impl FnOnce(KafkaApp) -> KafkaApp) -> Result<Self> {
        // A consumer that asks a node where an epoch ended, and is told in that moment that the node is gone, hangs for good
        // in one run of seventy: librdkafka's issue 5476. What it would ask for is of no use here: nobody reads what is lost.
        let cluster =
            TestCluster::start_as(seed, |broker| broker.version_ceiling(Api::OffsetForLeaderEpoch, -1)).await?;
        let topic = cluster.broker().topic("numbers", PARTITIONS).await?;
        let (journal, group) = (Journal::default(), cluster.broker().name("note"));
        let app = change(app(&cluster)).set("in", &topic).set("group", &group);
        let app = app.state(journal.clone()).listeners(listeners![note]).start().await?;
        app.ready().await?;
        let given = tokio::spawn(n_given(app.events()));
        let (reader, careless) = (Reader::start(&cluster, &topic)?, Careless::new(&cluster, &topic)?);
        Ok(Self { cluster, topic, app, group, journal, given, reader, careless })
    }

    /// So many leaders go while numbers are sent, and all are acknowledged in the end.
    pub(super) async fn suffer(
        &self,
        random: &mut fastrand::Rng,
        n_embedded: usize,
        careful: &mut impl Numbers,
    ) -> Result<usize> {
        let n_deaths = n_deaths(&self.cluster, n_embedded)?;
        for _ in 0..n_deaths {
            self.die(random, careful).await?;
            careful.round(random).await?;
        }
        careful.acknowledged(usize::MAX).await?;
        self.careless.producer.flush(PATIENCE)?;
        Ok(n_deaths)
    }

    /// The leader of some partition goes in the middle of the numbers, and comes back while more are sent.
    async fn die(&self, random: &mut fastrand::Rng, careful: &mut impl Numbers) -> Result<()> {
        let (partition, death) = (random.i32(0..PARTITIONS), any_death(random));
        let node = self.cluster.leader(&self.topic, partition)?;
        let lagging = match self.cluster.as_embedded() {
            Some(broker) => Some(broker.lag(1 + node % 3, Duration::from_millis(random.u64(1..20)))?),
            None => None,
        };
        careful.send(ROUND).await?;
        self.careless.send(ROUND)?;
        careful.acknowledged(random.usize(0..ROUND / 3)).await?;
        tokio::task::block_in_place(|| self.cluster.lose(node, death))?;
        drop(lagging);
        careful.send(ROUND).await?;
        // Mostly the node comes back, and another one goes, before everybody has got over it: a client may need a
        // second for that.
        let is_calm = random.u8(0..8) == 0;
        careful.acknowledged(if is_calm { usize::MAX } else { random.usize(0..ROUND / 3) }).await?;
        tokio::task::block_in_place(|| self.cluster.restart(node))
    }

    pub(super) async fn log(&self) -> Result<Vec<Record>> {
        self.cluster.broker().all_records(&self.topic).await
    }

    /// The reader has read this log, and so has the group; returns how many records of the careless one are lost.
    pub(super) async fn assert_read(self, log: &[Record]) -> Result<i64> {
        let mut read = self.reader.has(log.len()).await?;
        read.sort_by_key(|record| (record.partition, record.offset));
        assert!(places(&read).eq(places(log)), "nothing was read that was lost later, and nothing is left out");
        let standing = || standing(&self.cluster, &self.group);
        let stands = || format!("{}; the listener has {:?}", standing(), self.app.listener("note"));
        let entries = self.journal.wait_until(|entries| is_all(entries, log)).await.with_context(stands)?;
        let stopped = tokio::time::timeout(PATIENCE, self.app.stop()).await;
        stopped.with_context(|| format!("the application does not stop; {}", standing()))?.expect_clean();
        assert_handled(&entries, log, &self.given.await??);
        n_lost(&self.cluster, &self.topic)
    }
}

/// The numbers of a log, and where each is.
pub(super) fn numbers(log: &[Record]) -> Result<Vec<(usize, Place)>> {
    let careful = log.iter().filter(|record| record.text() != CARELESS);
    careful.map(|record| Ok((record.text().parse()?, (record.partition.unwrap_or(-1), record.offset)))).collect()
}

fn places(records: &[Record]) -> impl Iterator<Item = (Option<i32>, i64, String)> {
    let mut places: Vec<_> = records.iter().map(|r| (r.partition, r.offset, r.text())).collect();
    places.sort();
    places.into_iter()
}

/// How often each partition is given to a consumer, until the listener has stopped.
async fn n_given(mut events: ListenerEvents) -> Result<HashMap<i32, usize>> {
    let mut n_given = HashMap::new();
    while let Some(event) = events.next().await {
        match event {
            ListenerEvent::Assigned { partitions, .. } => {
                partitions
                    .iter()
                    .for_each(|TopicPartition { partition, .. }| *n_given.entry(*partition).or_default() += 1);
            }
            ListenerEvent::Missed { n_events, .. } => bail!("{n_events} events were missed"),
            ListenerEvent::Stopped { .. } => break,
            _ => {}
        }
    }
    Ok(n_given)
}

fn of_partition(log: &[Record], partition: i32) -> impl Iterator<Item = &Record> {
    log.iter().filter(move |record| record.partition == Some(partition))
}

/// Whether the group has come to the end of each partition.
fn is_all(entries: &[Entry], log: &[Record]) -> bool {
    (0..PARTITIONS).all(|partition| {
        let last = of_partition(log, partition).last().map(|record| record.offset);
        entries.iter().rev().any(|entry| entry.partition == partition && Some(entry.offset) == last) || last.is_none()
    })
}

/// The group has handled each record of the log, and those of a partition in order, with nothing left out. Whoever was given a
/// partition began where its group had committed by then, so what a dying coordinator has refused is handled again: what
/// librdkafka commits at a revoke, it sends to one other coordinator and then gives up.
fn assert_handled(entries: &[Entry], log: &[Record], n_given: &HashMap<i32, usize>) {
    for partition in 0..PARTITIONS {
        let of_log: Vec<_> = of_partition(log, partition).map(|record| (record.offset, record.text())).collect();
        // Where each who was given the partition goes on.
        let mut nexts = vec![0];
        for entry in entries.iter().filter(|entry| entry.partition == partition) {
            let at = of_log.binary_search_by_key(&entry.offset, |(offset, _)| *offset).ok();
            let at = at.filter(|at| of_log[*at].1 == entry.payload);
            let at = at.unwrap_or_else(|| panic!("{entry:?} is not in the log"));
            match nexts.iter().rposition(|next| *next == at) {
                Some(reader) => nexts[reader] += 1,
                None => {
                    let upto = nexts.iter().max().copied().unwrap_or_default();
                    assert!(at <= upto, "{entry:?} was handled after {:?}", of_log.get(upto.saturating_sub(1)));
                    nexts.push(at + 1);
                }
            }
        }
        assert_eq!(nexts.iter().max(), Some(&of_log.len()), "of partition {partition}");
        let n_given = n_given.get(&partition).copied().unwrap_or_default() + 1; // By when it was ready, once.
        assert!(nexts.len() <= n_given, "partition {partition} was given {n_given} times, and read from {nexts:?}");
    }
}

/// Where the group stands, for whoever looks into a failure.
fn standing(cluster: &TestCluster, group: &str) -> String {
    let Some(broker) = cluster.as_embedded() else { return format!("the group is {group}") };
    let group = broker.group(group);
    let members: Vec<_> = group.members().into_iter().map(|member| (member.member_id, member.assignment)).collect();
    let committed: Vec<_> = group.committed().into_iter().map(|((_, partition), at)| (partition, at.offset)).collect();
    let (coordinator, state) = (group.coordinator(), group.state());
    format!("the group is {state:?} on node {coordinator:?} with {members:?} and has committed {committed:?}")
}

/// What leaders have taken along, none of which anybody had read.
fn n_lost(cluster: &TestCluster, topic: &str) -> Result<i64> {
    let Some(broker) = cluster.as_embedded() else { return Ok(0) };
    let lost = broker.topic(topic).lost_records()?;
    assert!(lost.iter().all(|lost| lost.read.is_empty() && !lost.unclean), "{lost:?}");
    Ok(lost.iter().map(|lost| lost.offsets.end - lost.offsets.start).sum())
}
