//! What an application's template was told of what it sent, while leaders go at random.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Context, Result};
use kafka_app::{ErrorKind, KafkaTemplate};
use kafka_app_tests::{PATIENCE, Record, TestCluster};
use tokio::task::JoinSet;

use super::{
    PARTITIONS, chance,
    deaths::{Deaths, Numbers, Place, ROUND, numbers},
    wire::Wire,
};

/// What became of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    At(Place),
    /// librdkafka takes it for written, as something behind it is.
    Somewhere,
}

/// Sends numbers with a template.
struct Sender {
    template: KafkaTemplate<String, String>,
    topic: String,
    n_sent: usize,
    waiting: JoinSet<Result<(usize, Told)>>,
    told: BTreeMap<usize, Told>,
}

impl Numbers for Sender {
    async fn send(&mut self, n: usize) -> Result<()> {
        for number in self.n_sent..self.n_sent + n {
            let pending = self.template.enqueue(&self.topic, &(number % 50).to_string(), &number.to_string()).await?;
            self.waiting.spawn(async move {
                match pending.await {
                    Ok(sent) => Ok((number, Told::At((sent.partition, sent.offset)))),
                    Err(error)
                        if error.kind() == ErrorKind::Unavailable && error.to_string().contains("for written") =>
                    {
                        Ok((number, Told::Somewhere))
                    }
                    Err(error) => Err(error).with_context(|| format!("number {number}")),
                }
            });
        }
        self.n_sent += n;
        Ok(())
    }

    async fn acknowledged(&mut self, n: usize) -> Result<()> {
        for _ in 0..n.min(self.waiting.len()) {
            let sent = tokio::time::timeout(PATIENCE, self.waiting.join_next()).await;
            let sent = sent.with_context(|| format!("{} numbers are not acknowledged", self.waiting.len()))?;
            let (number, told) = sent.context("some wait")???;
            self.told.insert(number, told);
        }
        Ok(())
    }
}

/// The log has each number where it was acknowledged, and those of a partition in the order they were sent in. It has none of
/// them twice, except where librdkafka has raised its producer's epoch: there it may be in front as well (its issue 4953).
/// Returns how many are.
fn assert_is(log: &[Record], told: &BTreeMap<usize, Told>, raised: &BTreeSet<i32>) -> Result<usize> {
    let (mut last, mut found, mut n_repeated) = (HashMap::new(), BTreeSet::new(), 0);
    let log = numbers(log)?;
    for (number, place) in &log {
        let told = told.get(number).copied();
        let is_it = match told {
            Some(Told::At(told)) => told == *place,
            Some(Told::Somewhere) => !found.contains(number),
            None => false,
        };
        if is_it {
            found.insert(*number);
            let before = last.insert(place.0, *number);
            assert!(before.is_none_or(|before| before < *number), "{before:?} is before {number} at {place:?}");
            continue;
        }
        let is_repeated = match told {
            Some(Told::At(told)) => told > *place && told.0 == place.0,
            Some(Told::Somewhere) => true,
            None => false,
        };
        let all: Vec<_> = log.iter().filter(|(other, _)| other == number).map(|(_, place)| place).collect();
        assert!(
            is_repeated && raised.contains(&place.0),
            "{number} at {place:?} was told to be at {told:?}, and is at {all:?}; raised epochs: {raised:?}"
        );
        n_repeated += 1;
    }
    let is_lost = |(number, told): &(&usize, &Told)| matches!(told, Told::At(_)) && !found.contains(number);
    let lost: Vec<_> = told.iter().filter(is_lost).collect();
    assert!(lost.is_empty(), "acknowledged, and not there: {lost:?}");
    Ok(n_repeated)
}

/// The partitions in which librdkafka has raised its producer's epoch, as it does where it has lost count.
async fn raised(cluster: &TestCluster, topic: &str) -> Result<BTreeSet<i32>> {
    let mut raised = BTreeSet::new();
    for partition in 0..PARTITIONS {
        let leader = Wire::to_leader(cluster.broker().bootstrap_servers(), topic, partition).await;
        let epochs = leader.context("nobody leads")?.producer_epochs(topic, partition).await?;
        if epochs.iter().any(|epoch| *epoch > 0) {
            raised.insert(partition);
        }
    }
    Ok(raised)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_template_was_told_is_there_where_it_is_said_to_be_while_leaders_go() -> Result<()> {
    let (mut random, seed) = chance("a template while leaders go")?;
    // With more, librdkafka raises its epoch more often while leaders move, and what it raises it for it may repeat: its
    // issue 4953, which is shown by `raised_epoch`.
    let deaths = Deaths::begin(seed, |app| {
        app.set("kafka.producer.properties.max.in.flight.requests.per.connection", "1")
            .set("kafka.producer.properties.batch.num.messages", "5")
    });
    let deaths = deaths.await?;
    let mut sender = Sender {
        template: deaths.app.template(),
        topic: deaths.topic.clone(),
        n_sent: 0,
        waiting: JoinSet::new(),
        told: BTreeMap::new(),
    };
    // A partition that has never heard of the producer takes any batch of it for the first, and a later one may come first.
    sender.send(10 * ROUND).await?;
    sender.acknowledged(usize::MAX).await?;
    let n_deaths = deaths.suffer(&mut random, 20, &mut sender).await?;
    let log = deaths.log().await?;
    let n_repeated = assert_is(&log, &sender.told, &raised(&deaths.cluster, &deaths.topic).await?)?;
    let n_lost = deaths.assert_read(&log).await?;
    println!("{n_deaths} deaths: {} records, {n_lost} careless ones lost, {n_repeated} repeated", log.len());
    Ok(())
}
