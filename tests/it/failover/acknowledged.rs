//! What is acknowledged by all replicas in sync, while leaders go at random.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use anyhow::{Context, Result};
use kafka_app::{KafkaTemplate, RecordMetadata, State, kafka_listener, listeners};
use kafka_app_tests::{Entry, Journal, PATIENCE, Record, TestCluster};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use tokio::task::JoinSet;

use super::{PARTITIONS, any_death, app, chance, n_deaths, reader::Reader};

/// What each round sends before its node goes, and again while it is gone.
const ROUND: usize = 30;

#[kafka_listener(id = "note", topic = "${in}", group = "${group}", concurrency = 3)]
async fn note(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("note", &metadata, text, 1);
}

/// A partition and an offset.
type Place = (i32, i64);

/// Sends numbers, and knows where each was acknowledged.
struct Careful {
    template: KafkaTemplate<String, String>,
    topic: String,
    n_sent: usize,
    waiting: JoinSet<Result<(Place, usize)>>,
    /// An offset below 0 is none: librdkafka knows that it is there, and not where.
    acknowledged: BTreeMap<usize, Place>,
}

impl Careful {
    async fn send(&mut self, n: usize) -> Result<()> {
        for _ in 0..n {
            let number = self.n_sent;
            let pending = self.template.enqueue(&self.topic, &(number % 50).to_string(), &number.to_string()).await?;
            self.waiting.spawn(async move {
                let sent = pending.await.with_context(|| format!("number {number}"))?;
                Ok(((sent.partition, sent.offset), number))
            });
            self.n_sent += 1;
        }
        Ok(())
    }

    /// Waits until so many more are acknowledged.
    async fn acknowledged(&mut self, n: usize) -> Result<()> {
        for _ in 0..n.min(self.waiting.len()) {
            let sent = tokio::time::timeout(PATIENCE, self.waiting.join_next()).await;
            let sent = sent.with_context(|| format!("{} numbers are not acknowledged", self.waiting.len()))?;
            let (place, number) = sent.context("some wait")???;
            self.acknowledged.insert(number, place);
        }
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
        let producer = cluster.broker().config().set("acks", "1").set("linger.ms", "0").create()?;
        Ok(Self { producer, topic: topic.to_owned() })
    }

    fn send(&self, n: usize) -> Result<()> {
        for number in 0..n {
            let record = BaseRecord::<(), str>::to(&self.topic).payload("careless");
            let record = record.partition(i32::try_from(number)? % PARTITIONS);
            self.producer.send(record).map_err(|(error, _)| error)?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "about one run in a hundred ends otherwise on a busy machine, and why is not known: run it by hand"]
async fn a_hundred_deaths_of_leaders_lose_repeat_and_reorder_nothing_that_all_replicas_acknowledged() -> Result<()> {
    let (mut random, seed) = chance("a hundred deaths of leaders")?;
    let cluster = TestCluster::start(seed, &[]).await?;
    let topic = cluster.broker().topic("numbers", PARTITIONS).await?;
    let journal = Journal::default();
    let settings = [("in", topic.clone()), ("group", cluster.broker().name("note"))];
    let app = settings.into_iter().fold(app(&cluster), |app, (key, value)| app.set(key, value));
    // With more, librdkafka repeats records at times while leaders move, idempotence or not: its issue 4953.
    let app = app.set("kafka.producer.properties.max.in.flight.requests.per.connection", "1");
    let app = app.set("kafka.producer.properties.batch.num.messages", "5");
    let app = app.state(journal.clone()).listeners(listeners![note]).start().await?;
    app.ready().await?;
    let reader = Reader::start(&cluster, &topic)?;
    let careless = Careless::new(&cluster, &topic)?;
    let mut careful = Careful {
        template: app.template(),
        topic: topic.clone(),
        n_sent: 0,
        waiting: JoinSet::new(),
        acknowledged: BTreeMap::new(),
    };
    let n_deaths = n_deaths(&cluster, 100)?;
    for _ in 0..n_deaths {
        die(&cluster, &mut random, &mut careful, &careless).await?;
    }
    careful.acknowledged(usize::MAX).await?;
    careless.producer.flush(PATIENCE)?;

    let log = cluster.broker().all_records(&topic).await?;
    assert_is(&log, careful.acknowledged);
    let mut read = reader.has(log.len()).await?;
    read.sort_by_key(|record| (record.partition, record.offset));
    assert!(places(&read).eq(places(&log)), "nothing was read that was lost later, and nothing is left out");
    let entries = journal.wait_for(log.len()).await?;
    assert_same(&entries, &log);
    app.stop().await.expect_clean();
    let n_lost = n_lost(&cluster, &topic)?;
    println!("{n_deaths} deaths: {} records, {n_lost} careless ones lost", log.len());
    Ok(())
}

/// The leader of some partition goes in the middle of the numbers, and comes back while more are sent.
async fn die(
    cluster: &TestCluster,
    random: &mut fastrand::Rng,
    careful: &mut Careful,
    careless: &Careless,
) -> Result<()> {
    let (partition, death) = (random.i32(0..PARTITIONS), any_death(random));
    let node = cluster.leader(&careful.topic, partition)?;
    let lagging = match cluster.as_embedded() {
        Some(broker) => Some(broker.lag(1 + node % 3, Duration::from_millis(random.u64(1..20)))?),
        None => None,
    };
    careful.send(ROUND).await?;
    careless.send(ROUND)?;
    careful.acknowledged(random.usize(0..ROUND / 3)).await?;
    tokio::task::block_in_place(|| cluster.lose(node, death))?;
    drop(lagging);
    careful.send(ROUND).await?;
    // Mostly the node comes back, and another one goes, before everybody has got over it: a client may need a second for that.
    careful.acknowledged(if random.u8(0..8) == 0 { usize::MAX } else { random.usize(0..ROUND / 3) }).await?;
    tokio::task::block_in_place(|| cluster.restart(node))
}

/// The log has each number once, where it was acknowledged, and those of a partition in the order they were sent in.
fn assert_is(log: &[Record], mut acknowledged: BTreeMap<usize, Place>) {
    let mut last = HashMap::new();
    for record in log.iter().filter(|record| record.text() != "careless") {
        let place = (record.partition.unwrap_or(-1), record.offset);
        let number: usize = record.text().parse().expect("a number");
        let told = acknowledged.remove(&number);
        assert!(told.is_some(), "{number} at {place:?} is there already");
        assert!(
            told.is_none_or(|told| told.1 < 0 || told == place),
            "{number} at {place:?} was acknowledged at {told:?}"
        );
        let before = last.insert(place.0, number);
        assert!(before.is_none_or(|before| before < number), "{before:?} is before {number} at {place:?}");
    }
    assert!(acknowledged.is_empty(), "acknowledged, and not there: {acknowledged:?}");
}

fn places(records: &[Record]) -> impl Iterator<Item = (Option<i32>, i64, String)> {
    let mut places: Vec<_> = records.iter().map(|r| (r.partition, r.offset, r.text())).collect();
    places.sort();
    places.into_iter()
}

/// The group has handled each record of the log once, and those of a partition in order.
fn assert_same(entries: &[Entry], log: &[Record]) {
    for partition in 0..PARTITIONS {
        let of_log = log.iter().filter(|record| record.partition == Some(partition));
        let of_log: Vec<_> = of_log.map(|record| (record.offset, record.text())).collect();
        let of_group = entries.iter().filter(|entry| entry.partition == partition);
        let of_group: Vec<_> = of_group.map(|entry| (entry.offset, entry.payload.clone())).collect();
        let at = of_log.iter().zip(&of_group).position(|(one, other)| one != other);
        let around = |of: &[(i64, String)]| {
            of.iter().skip(at.unwrap_or(of.len()).saturating_sub(3)).take(9).cloned().collect::<Vec<_>>()
        };
        assert!(
            of_log == of_group,
            "partition {partition} has {:?}, and handled was {:?}",
            around(&of_log),
            around(&of_group)
        );
    }
}

/// What leaders have taken along, none of which anybody had read.
fn n_lost(cluster: &TestCluster, topic: &str) -> Result<i64> {
    let Some(broker) = cluster.as_embedded() else { return Ok(0) };
    let lost = broker.topic(topic).lost_records()?;
    assert!(lost.iter().all(|lost| lost.read.is_empty() && !lost.unclean), "{lost:?}");
    Ok(lost.iter().map(|lost| lost.offsets.end - lost.offsets.start).sum())
}
