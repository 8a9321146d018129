//! What all replicas in sync have acknowledged, while leaders go at random.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use kafka_app_tests::Record;

use super::{
    chance,
    deaths::{Deaths, Numbers, Place, numbers},
    producer::Producer,
};

/// Sends numbers, and knows where each was acknowledged.
struct Careful {
    producer: Producer,
    servers: String,
    topic: String,
    n_sent: usize,
    n_waiting: usize,
    /// The first number of each producer.
    begun: Vec<usize>,
    acknowledged: BTreeMap<usize, Place>,
}

impl Careful {
    async fn new(deaths: &Deaths) -> Result<Self> {
        let (servers, topic) = (deaths.cluster.broker().bootstrap_servers().to_owned(), deaths.topic.clone());
        let producer = Producer::new(&servers, &topic).await?;
        let acknowledged = BTreeMap::new();
        Ok(Self { producer, servers, topic, n_sent: 0, n_waiting: 0, begun: vec![0], acknowledged })
    }

    /// Each number that was acknowledged is where it was acknowledged, and nowhere else; of the others each is there once or not
    /// at all. A partition has those of a producer in the order they were sent in.
    fn assert_is(&self, log: &[Record]) -> Result<()> {
        let (mut last, mut seen) = (HashMap::new(), BTreeSet::new());
        for (number, place) in numbers(log)? {
            assert!(
                seen.insert(number),
                "{number} is at {place:?} too; acknowledged {:?}",
                self.acknowledged.get(&number)
            );
            let told = self.acknowledged.get(&number);
            assert!(
                told.is_none_or(|told| *told == place),
                "{number} is at {place:?} and was acknowledged at {told:?}"
            );
            let producer = self.begun.partition_point(|first| *first <= number);
            let before = last.insert((place.0, producer), number);
            assert!(before.is_none_or(|before| before < number), "{before:?} is before {number} at {place:?}");
        }
        let lost: Vec<_> = self.acknowledged.iter().filter(|(number, _)| !seen.contains(number)).collect();
        assert!(lost.is_empty(), "acknowledged, and not there: {lost:?}");
        Ok(())
    }
}

impl Numbers for Careful {
    async fn send(&mut self, n: usize) -> Result<()> {
        for number in self.n_sent..self.n_sent + n {
            self.producer.send(number)?;
        }
        (self.n_sent, self.n_waiting) = (self.n_sent + n, self.n_waiting + n);
        Ok(())
    }

    async fn acknowledged(&mut self, n: usize) -> Result<()> {
        for _ in 0..n.min(self.n_waiting) {
            let (number, place) = self.producer.next_there().await?;
            let before = self.acknowledged.insert(number, place);
            assert_eq!(before, None, "{number} is acknowledged twice");
            self.n_waiting -= 1;
        }
        Ok(())
    }

    /// Now and then the producer dies, too, while it waits for answers.
    async fn round(&mut self, random: &mut fastrand::Rng) -> Result<()> {
        if random.u8(0..10) == 0 {
            self.acknowledged(random.usize(0..=self.n_waiting)).await?;
            self.producer = Producer::new(&self.servers, &self.topic).await?;
            self.begun.push(self.n_sent);
            self.n_waiting = 0;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_deaths_of_leaders_lose_repeat_and_reorder_nothing_that_all_replicas_acknowledged() -> Result<()> {
    let (mut random, seed) = chance("a hundred deaths of leaders")?;
    let deaths = Deaths::begin(seed, |app| app).await?;
    let mut careful = Careful::new(&deaths).await?;
    let n_deaths = deaths.suffer(&mut random, 100, &mut careful).await?;
    let log = deaths.log().await?;
    careful.assert_is(&log)?;
    let n_lost = deaths.assert_read(&log).await?;
    let (n_sent, n_told, n_producers) = (careful.n_sent, careful.acknowledged.len(), careful.begun.len());
    println!(
        "{n_deaths} deaths, {n_producers} producers: {n_told} of {n_sent} numbers acknowledged, {} records, {n_lost} careless ones lost",
        log.len()
    );
    Ok(())
}
