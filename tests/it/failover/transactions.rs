//! Transactions whose leaders and coordinators go and move: readers of committed records see each committed one once, and none
//! of those that were given up.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow};
use kafka_app::{KafkaTemplate, TransactionError};
use kafka_app_tests::{Failed, PATIENCE, TestCluster};
use tokio::task::JoinSet;

use super::{PARTITIONS, any_death, app, chance, n_deaths};

/// Transactions that are under way at the same time.
const AT_ONCE: usize = 4;
/// Records of each.
const RECORDS: usize = 6;

/// What a client was told of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Committed,
    GivenUp,
    /// Its end is not known.
    Unknown,
}

struct Writer {
    template: KafkaTemplate<String, String>,
    topic: String,
    n_begun: usize,
    under_way: JoinSet<(usize, Told)>,
    told: BTreeMap<usize, Told>,
}

impl Writer {
    /// Begins transactions until as many are under way as are to be; `given_up` says whether the work of the next one fails.
    fn begin(&mut self, mut given_up: impl FnMut() -> bool) {
        while self.under_way.len() < AT_ONCE {
            let (number, fails) = (self.n_begun, given_up());
            let (template, topic) = (self.template.clone(), self.topic.clone());
            self.under_way.spawn(async move { (number, write(&template, &topic, number, fails).await) });
            self.n_begun += 1;
        }
    }

    /// Waits for the end of so many.
    async fn ended(&mut self, n: usize) -> Result<()> {
        for _ in 0..n.min(self.under_way.len()) {
            let ended = tokio::time::timeout(PATIENCE, self.under_way.join_next()).await;
            let (number, told) = ended.context("a transaction does not end")?.context("some are under way")??;
            self.told.insert(number, told);
        }
        Ok(())
    }
}

/// A transaction whose records are its number, each with its place in it, over all partitions.
async fn write(template: &KafkaTemplate<String, String>, topic: &str, number: usize, fails: bool) -> Told {
    let ended = template.in_transaction(|tx| async move {
        for record in 0..RECORDS {
            tx.send(topic, &format!("{number}-{record}"), &format!("{number} {record}")).await.map_err(|_| Failed)?;
        }
        if fails { Err(Failed) } else { Ok(()) }
    });
    match ended.await {
        Ok(()) => Told::Committed,
        Err(TransactionError::Aborted(Failed)) => Told::GivenUp,
        Err(TransactionError::NotCommitted(error)) if error.to_string().contains("not known") => Told::Unknown,
        Err(_) => Told::GivenUp,
    }
}

/// A node that leads some of the records, or coordinates some transactions, goes; or leaders and coordinators move
/// while all stay.
async fn suffer(cluster: &TestCluster, random: &mut fastrand::Rng, writer: &mut Writer) -> Result<()> {
    match cluster.as_embedded() {
        Some(broker) if random.u8(0..4) == 0 => {
            // All leaders, and so all coordinators.
            broker.shuffle_leaders();
            writer.ended(random.usize(0..AT_ONCE)).await
        }
        _ => {
            let (node, death) = (cluster.leader(&writer.topic, random.i32(0..PARTITIONS))?, any_death(random));
            tokio::task::block_in_place(|| cluster.lose(node, death))?;
            writer.ended(random.usize(0..AT_ONCE)).await?;
            tokio::task::block_in_place(|| cluster.restart(node))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_records_are_read_once_and_no_others_while_leaders_and_coordinators_go_and_move() -> Result<()> {
    let (mut random, seed) = chance("transactions")?;
    let cluster = TestCluster::start(seed, &[]).await?;
    let topic = cluster.broker().topic("numbers", PARTITIONS).await?;
    let app = app(&cluster).start().await?;
    let mut writer = Writer {
        template: app.template(),
        topic: topic.clone(),
        n_begun: 0,
        under_way: JoinSet::new(),
        told: BTreeMap::new(),
    };
    let n_deaths = n_deaths(&cluster, 30)?;
    for _ in 0..n_deaths {
        writer.begin(|| random.u8(0..4) == 0);
        writer.ended(random.usize(0..=1)).await?;
        suffer(&cluster, &mut random, &mut writer).await?;
    }
    writer.ended(AT_ONCE).await?;
    // Whatever is still open holds up readers of committed records: the last one is behind all of it.
    writer.begin(|| false);
    writer.ended(AT_ONCE).await?;
    let read = read_committed(&cluster, &topic, &writer.told).await?;
    app.stop().await.expect_clean();

    let n = |told| writer.told.values().filter(|ended| **ended == told).count();
    println!(
        "{n_deaths} deaths or moves: {} committed, {} given up, {} not known; {read} records",
        n(Told::Committed),
        n(Told::GivenUp),
        n(Told::Unknown)
    );
    Ok(())
}

/// Reads all committed records, and holds them against what was told; returns how many there are.
async fn read_committed(cluster: &TestCluster, topic: &str, told: &BTreeMap<usize, Told>) -> Result<usize> {
    let mut seen = BTreeMap::<usize, BTreeSet<usize>>::new();
    let records = cluster.broker().all_records(topic).await?;
    for record in &records {
        let text = record.text();
        let (number, place) = text.split_once(' ').with_context(|| anyhow!("`{text}`"))?;
        let is_new = seen.entry(number.parse()?).or_default().insert(place.parse()?);
        assert!(is_new, "{text} is there twice");
    }
    for (number, told) in told {
        let n_seen = seen.remove(number).unwrap_or_default().len();
        match told {
            Told::Committed => assert_eq!(n_seen, RECORDS, "transaction {number} was committed"),
            Told::GivenUp => assert_eq!(n_seen, 0, "transaction {number} was given up"),
            Told::Unknown => assert!(n_seen == 0 || n_seen == RECORDS, "{n_seen} records of transaction {number}"),
        }
    }
    assert!(seen.is_empty(), "nobody has begun these: {seen:?}");
    Ok(records.len())
}
