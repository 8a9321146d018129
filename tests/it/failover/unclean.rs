//! What is lost when leaders go that alone had it, and what consumers are told of that.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kafka_app::{ListenerState, RecordMetadata, RunningApp, State, kafka_listener, listeners};
use kafka_app_tests::{Death, Journal, PATIENCE, Record, TestCluster, record};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{FutureProducer, FutureRecord},
};

use super::{app, chance};

/// Replicas are on these nodes; the third one is there to vote.
const LEADER: i32 = 1;
const FOLLOWER: i32 = 2;

#[kafka_listener(id = "reads", topic = "${in}", group = "${group}")]
async fn reads(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("reads", &metadata, text, 1);
}

struct Case {
    cluster: TestCluster,
    topic: String,
    /// Waits for the leader alone.
    producer: FutureProducer,
    /// Waits for all replicas in sync.
    safe: FutureProducer,
}

impl Case {
    /// A topic whose leader need wait for nobody, and whose followers may lead whatever they lack.
    async fn new(test: &str) -> Result<Self> {
        let (_, seed) = chance(test)?;
        let cluster = TestCluster::start(seed, &[]).await?;
        let topic = cluster.broker().name("unsafe");
        let admin: AdminClient<DefaultClientContext> = cluster.broker().config().create()?;
        let replicas: [&[i32]; 1] = [&[LEADER, FOLLOWER]];
        let new = NewTopic::new(&topic, 1, TopicReplication::Variable(&replicas))
            .set("min.insync.replicas", "1")
            .set("unclean.leader.election.enable", "true");
        for made in admin.create_topics([&new], &AdminOptions::new()).await? {
            made.map_err(|(topic, code)| anyhow::anyhow!("cannot create topic {topic}: {code}"))?;
        }
        let with = |acks| cluster.broker().config().set("acks", acks).set("reconnect.backoff.max.ms", "100").create();
        let (producer, safe) = (with("1")?, with("all")?);
        Ok(Self { cluster, topic, producer, safe })
    }

    /// Sends records of these names and numbers to whoever leads; returns what it has said of each.
    async fn send(&self, name: &str, n: usize) -> Result<BTreeMap<i64, String>> {
        self.send_by(&self.producer, name, n).await
    }

    /// As [`send`](Self::send); returns once all replicas in sync have them. A real follower gets what its leader has
    /// acknowledged a fetch later, and one that is killed at once never does.
    async fn send_safely(&self, name: &str, n: usize) -> Result<BTreeMap<i64, String>> {
        self.send_by(&self.safe, name, n).await
    }

    async fn send_by(&self, producer: &FutureProducer, name: &str, n: usize) -> Result<BTreeMap<i64, String>> {
        let mut acknowledged = BTreeMap::new();
        for number in 0..n {
            let payload = format!("{name}-{number}");
            let record = FutureRecord::<(), _>::to(&self.topic).payload(&payload).partition(0);
            let sent = producer.send(record, PATIENCE).await.map_err(|(error, _)| error)?;
            acknowledged.insert(sent.offset, payload);
        }
        Ok(acknowledged)
    }

    async fn listen(&self, reset: &str, journal: &Journal) -> Result<RunningApp> {
        let app = app(&self.cluster)
            .set("in", &self.topic)
            .set("group", self.cluster.broker().name("reads"))
            .set("kafka.consumer.auto-offset-reset", reset)
            .state(journal.clone())
            .listeners(listeners![reads])
            .start()
            .await?;
        app.ready().await?;
        Ok(app)
    }

    /// Has the leader take along what it alone has, and the follower lead.
    fn lose_leader(&self) -> Result<()> {
        tokio::task::block_in_place(|| {
            self.cluster.lose(LEADER, Death::Killed)?;
            self.cluster.restart(FOLLOWER)?;
            self.cluster.leader_once(&self.topic, 0, |leader| leader == FOLLOWER)?;
            self.cluster.restart(LEADER)
        })
    }

    fn assert_lost(&self, offsets: std::ops::Range<i64>, read: std::ops::Range<i64>, unclean: bool) -> Result<()> {
        let Some(broker) = self.cluster.as_embedded() else { return Ok(()) };
        let lost = broker.topic(&self.topic).lost_records()?;
        let lost: Vec<_> = lost.into_iter().map(|lost| (lost.offsets, lost.read, lost.leader, lost.unclean)).collect();
        assert_eq!(lost, [(offsets, read, FOLLOWER, unclean)]);
        Ok(())
    }
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(Record::text).collect()
}

fn named(name: &str, n: usize) -> impl Iterator<Item = String> {
    (0..n).map(move |number| format!("{name}-{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_acknowledged_is_lost_with_it_and_nobody_had_read_it() -> Result<()> {
    let (_, seed) = chance("what one replica acknowledged")?;
    let cluster = TestCluster::embedded(seed, &[])?; // Nobody can have a real follower lag.
    let topic = cluster.broker().topic("numbers", 1).await?;
    let broker = cluster.as_embedded().context("it is one")?;
    cluster.broker().produce(&topic, named("kept", 5).map(|text| record("k", text))).await?;
    let leader = cluster.leader(&topic, 0)?;
    let others = broker.node_ids().into_iter().filter(|node| *node != leader);
    let lagging = others.map(|node| broker.lag(node, PATIENCE * 100)).collect::<Result<Vec<_>, _>>()?;
    let producer: FutureProducer = cluster.broker().config().set("acks", "1").create()?;
    for text in named("lost", 3) {
        let sent = producer.send(FutureRecord::<(), _>::to(&topic).payload(&text), PATIENCE).await;
        assert!(sent.map_err(|(error, _)| error)?.offset >= 5);
    }
    assert_eq!(broker.topic(&topic).high_watermarks()?, [5]);
    cluster.lose(leader, Death::Killed)?;
    drop(lagging);
    let lost = broker.topic(&topic).lost_records()?;
    assert_eq!((lost.len(), lost[0].offsets.clone(), lost[0].read.clone(), lost[0].unclean), (1, 5..8, 5..5, false));
    cluster.broker().produce(&topic, [record("k", "new")]).await?;
    cluster.restart(leader)?;
    let kept: Vec<_> = named("kept", 5).chain(["new".to_owned()]).collect();
    assert_eq!(texts(&cluster.broker().all_records(&topic).await?), kept);
    Ok(())
}

/// Ten records that both replicas have behind the first ones, five that the leader alone has and consumers have read, the
/// leader's death, and three records of the follower that leads then.
async fn lose_what_was_read(case: &Case, first: i64, is_read: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    case.send_safely("kept", 10).await?;
    tokio::task::block_in_place(|| case.cluster.lose(FOLLOWER, Death::Killed))?;
    let read = case.send("read", 5).await?;
    let lost = first + 10..first + 15;
    assert!(read.into_keys().eq(lost.clone()));
    is_read().await?;
    case.lose_leader()?;
    case.assert_lost(lost.clone(), lost.clone(), true)?;
    let new = case.send("new", 3).await?;
    assert!(new.into_keys().eq(lost.start..lost.start + 3), "in the place of what is lost");
    let there: Vec<_> =
        named("first", usize::try_from(first)?).chain(named("kept", 10)).chain(named("new", 3)).collect();
    assert_eq!(texts(&case.cluster.broker().all_records(&case.topic).await?), there);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unclean_election_loses_what_was_read_and_a_listener_goes_on_where_the_logs_part() -> Result<()> {
    let case = Case::new("an unclean election").await?;
    let journal = Journal::default();
    let app = case.listen("earliest", &journal).await?;
    let group = case.cluster.broker().name("reads");
    let is_read = async || {
        journal.wait_for(15).await?;
        case.cluster.broker().until_committed(&group, &case.topic, |at| at.get(&0) == Some(&15)).await
    };
    lose_what_was_read(&case, 0, is_read).await?;
    journal.wait_for(18).await?;
    case.cluster.broker().until_committed(&group, &case.topic, |at| at.get(&0) == Some(&13)).await?;
    let handled: Vec<_> = named("kept", 10).chain(named("read", 5)).chain(named("new", 3)).collect();
    assert_eq!(journal.payloads(), handled, "nothing again, and nothing left out");
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_is_to_fail_rather_than_begin_elsewhere_says_that_its_log_was_cut_off() -> Result<()> {
    let case = Case::new("a log that was cut off").await?;
    let journal = Journal::default();
    // Without a position of its group it could not begin at all.
    case.send("first", 1).await?;
    let app = case.listen("earliest", &journal).await?;
    journal.wait_for(1).await?;
    app.stop().await.expect_clean();

    let app = case.listen("error", &journal).await?;
    let mut states = app.listener("reads")?.states();
    lose_what_was_read(&case, 1, async || journal.wait_for(16).await.map(drop)).await?;
    let is_failed = |state: &ListenerState| matches!(state, ListenerState::Failed(_));
    let failed = tokio::time::timeout(PATIENCE, states.wait_for(is_failed)).await.context("it goes on")??.clone();
    let ListenerState::Failed(error) = failed else { panic!("{failed:?}") };
    assert!(error.to_string().contains("truncation"), "{error}");
    assert_eq!(journal.payloads().last().map(String::as_str), Some("read-4"));
    Ok(())
}
