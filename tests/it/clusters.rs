//! Several clusters: each listener reads, commits, sends, retries and gives up on its own, and templates reach the others.
//!
//! The brokers are embedded whatever the run uses: topics and groups have the same names on both.

use std::time::Duration;

use anyhow::{Context, Result};
use embedded_broker::EmbeddedBroker;
use kafka_app::{
    Cluster, KafkaApp, NewTopic, ProducerInterceptor, ProducerRecord, RunningApp, SendError, State, TemplateOf, Text,
    dlt_handler, kafka_listener, listeners,
};
use kafka_app_tests::{Failed, Journal, PATIENCE};

struct Audit;

impl Cluster for Audit {
    const NAME: &'static str = "audit";
}

/// What it reads it tells the other cluster.
#[kafka_listener(topic = "orders", group = "copy", send_to = "copies")]
async fn here(text: String, audit: TemplateOf<Audit, String, Text>) -> Result<String, SendError> {
    audit.send("orders", "k", &Text(format!("{text} told"))).await?;
    Ok(format!("{text} here"))
}

#[kafka_listener(topic = "orders", group = "copy", cluster = "audit", send_to = "copies", delivery = "exactly-once")]
async fn there(text: String) -> String {
    format!("{text} there")
}

/// In every record, whichever cluster it goes to.
struct Signed;

impl ProducerInterceptor for Signed {
    fn on_send(&self, record: &mut ProducerRecord) -> kafka_app::Result<()> {
        record.headers.push("service", Some("shop".into()));
        Ok(())
    }
}

struct Case {
    main: EmbeddedBroker,
    audit: EmbeddedBroker,
}

impl Case {
    fn new() -> Result<Self> {
        let broker = || EmbeddedBroker::builder().topic("orders", 2).topic("copies", 1).start();
        Ok(Self { main: broker()?, audit: broker()? })
    }

    fn app(&self) -> KafkaApp {
        KafkaApp::new(self.main.bootstrap_servers())
            .set("kafka.clusters.audit.bootstrap-servers", self.audit.bootstrap_servers())
    }
}

async fn values(broker: &EmbeddedBroker, topic: &str, n: usize) -> Result<Vec<String>> {
    let records = broker.topic(topic).await_records(n).within(PATIENCE).await?;
    let mut values: Vec<_> = records.iter().filter_map(|record| record.value_str().map(str::to_owned)).collect();
    values.sort();
    Ok(values)
}

/// What a group has committed of a topic, over all partitions.
fn committed(broker: &EmbeddedBroker, group: &str, topic: &str) -> i64 {
    let committed = broker.group(group).committed();
    committed.iter().filter(|((of, _), _)| of == topic).map(|(_, position)| position.offset).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_reads_sends_and_commits_on_its_own_cluster_and_a_template_reaches_the_other() -> Result<()> {
    let case = Case::new()?;
    let topics = [NewTopic::new("made").partitions(3).on_cluster("audit"), NewTopic::new("made").partitions(2)];
    let app = case.app().listeners(listeners![here, there]).topics(topics).producer_interceptor(Signed).start().await?;
    app.ready().await?;
    assert_eq!(app.bootstrap_servers(), case.main.bootstrap_servers());
    assert_eq!(app.bootstrap_servers_of("AUDIT")?, case.audit.bootstrap_servers());
    app.template::<String, str>().send("orders", "k", "a").await?;
    app.template_of::<String, str>("audit")?.send("orders", "k", "b").await?;

    assert_eq!(values(&case.main, "copies", 1).await?, ["a here"]);
    assert_eq!(values(&case.audit, "orders", 2).await?, ["a told", "b"]);
    app.template_of::<String, str>("audit")?
        .in_transaction(|tx| async move { tx.send("made", "k", "whole").await })
        .await?;
    assert_eq!(case.audit.topic("made").committed_records()?.len(), 1);
    assert_eq!((case.main.topic("made").end_offsets()?.len(), case.audit.topic("made").end_offsets()?.len()), (2, 3));
    wait_for_committed(&case, &app).await?;
    let lag = app.lag("there").await?;
    assert_eq!(lag.iter().map(|partition| partition.committed.unwrap_or_default()).sum::<i64>(), 2, "{lag:?}");
    app.stop().await.expect_clean();

    assert_eq!((committed(&case.main, "copy", "orders"), case.main.topic("copies").records()?.len()), (1, 1));
    let copies = case.audit.topic("copies").committed_records()?;
    let sent =
        copies.iter().cloned().chain(case.main.topic("copies").records()?).chain(case.audit.topic("made").records()?);
    assert!(sent.into_iter().all(|record| record.header("service") == Some(b"shop")), "interceptors see all clusters");
    let copies: Vec<_> = copies.iter().filter_map(|record| record.value_str()).collect();
    assert_eq!((committed(&case.audit, "copy", "orders"), copies.len()), (2, 2), "{copies:?}");
    assert!(copies.contains(&"a told there") && copies.contains(&"b there"), "{copies:?}");
    Ok(())
}

/// Exactly once, outputs are seen when their transaction is committed.
async fn wait_for_committed(case: &Case, app: &RunningApp) -> Result<()> {
    let reader = app.template_of::<String, str>("audit")?;
    let done = async {
        while case.audit.topic("copies").committed_records()?.len() < 2 {
            // A round trip to the broker in place of a sleep.
            reader.partitions_for("copies").await?;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(PATIENCE, done).await.context("the outputs of two records, committed")?
}

#[kafka_listener(topic = "orders", group = "bill", cluster = "audit", retry_topics(attempts = 2, backoff = "10ms"))]
async fn bill(_text: String) -> Result<(), Failed> {
    Err(Failed)
}

#[dlt_handler(of = "bill")]
async fn letters(text: String, metadata: kafka_app::RecordMetadata, State(journal): State<Journal>) {
    journal.note("letter", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_retried_given_up_handled_and_replayed_on_its_own_cluster() -> Result<()> {
    let case = Case::new()?;
    let journal = Journal::default();
    let app = case.app().listeners(listeners![bill, letters]).state(journal.clone()).start().await?;
    app.ready().await?;
    app.template_of::<String, str>("audit")?.send("orders", "k", "a").await?;
    journal.wait_for(1).await?;
    let letter = case.audit.topic("orders-dlt").records()?.remove(0);
    assert_eq!(letter.value_str(), Some("a"));
    assert_eq!(case.audit.topic("orders-retry").end_offsets()?.iter().sum::<i64>(), 1);
    let report = app.replay_of("audit", "orders-dlt")?.run().await?;
    assert_eq!(report.n_replayed, 1, "{report}");
    journal.wait_for(2).await?;
    app.stop().await.expect_clean();
    assert!(case.main.topic("orders-retry").end_offsets().is_err(), "no topic is made where nothing is read");
    Ok(())
}

#[kafka_listener(topic = "orders", group = "answer", cluster = "audit", reply)]
async fn answer(text: String) -> String {
    text.to_uppercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_asked_and_answered_on_the_cluster_of_its_template() -> Result<()> {
    let case = Case::new()?;
    let app = case.app().set("kafka.clusters.audit.template.reply-topic", "copies").listeners(listeners![answer]);
    let app = app.start().await?;
    let audit = app.template_of::<String, str>("audit")?;
    let reply: String = audit.request("orders", "k", "tea", PATIENCE).await?;
    assert_eq!(reply, "TEA");
    let at_home = app.template::<String, str>().request::<String, str>("orders", "k", "tea", PATIENCE).await;
    assert!(at_home.unwrap_err().to_string().contains("reply-topic"), "only the cluster has a topic of replies");
    app.stop().await.expect_clean();
    Ok(())
}

struct Adit;

impl Cluster for Adit {
    const NAME: &'static str = "adit";
}

#[kafka_listener(topic = "orders", group = "g", cluster = "audti")]
async fn lost(_text: String, _audit: TemplateOf<Adit, String, Text>) {}

#[kafka_listener(topic = "orders", group = "g", cluster = "audit", delivery = "exactly-once")]
async fn beside(_text: String, _audit: TemplateOf<Audit, String, Text>) {}

#[tokio::test]
async fn clusters_that_are_not_there_are_errors_of_the_start_with_the_nearest_name() -> Result<()> {
    let app = KafkaApp::new("localhost:1").set("kafka.clusters.audit.bootstrap-servers", "localhost:1");
    let app = app.listeners(listeners![lost, beside]).topics([NewTopic::new("made").on_cluster("audits")]);
    let told = app.start().await.unwrap_err().to_string();
    for text in [
        "listener `lost`: cluster: there is no cluster `audti`; did you mean `audit`?",
        "listener `lost`: takes a `TemplateOf` the cluster `adit`: there is no cluster `adit`; did you mean `audit`?",
        "topic `made`: there is no cluster `audits`; did you mean `audit`?",
        "listener `beside`: takes a `TemplateOf` its own cluster `audit`, which would send beside its transaction",
    ] {
        assert!(told.contains(text), "{text}\nin: {told}");
    }
    let case = Case::new()?;
    let app = case.app().start().await?;
    let told = app.template_of::<String, str>("audt").unwrap_err().to_string();
    assert!(told.contains("there is no cluster `audt`; did you mean `audit`?"), "{told}");
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_fails_the_start_where_its_listener_reads() -> Result<()> {
    #[kafka_listener(topic = "only-at-home", group = "g", cluster = "audit")]
    async fn far(_text: String) {}
    let main = EmbeddedBroker::builder().topic("only-at-home", 1).start()?;
    let case = Case { main, ..Case::new()? };
    let app = case.app().set("kafka.listener.missing-topics-fatal", "true").listeners(listeners![far]);
    let told = app.start().await.unwrap_err().to_string();
    assert!(told.starts_with("cluster `audit`: topics that listeners read do not exist: only-at-home"), "{told}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_missing_topics_of_all_clusters_are_told_at_once() -> Result<()> {
    #[kafka_listener(topic = "lines", group = "g", cluster = "audit")]
    async fn far(_text: String) {}
    #[kafka_listener(topic = "lines", group = "g", send_to = "nowhere", dead_letter = "*-dead")]
    async fn near(text: String) -> String {
        text
    }
    let main = EmbeddedBroker::builder().config("auto.create.topics.enable", "false").start()?;
    let case = Case { main, ..Case::new()? };
    let app = case.app().set("kafka.listener.missing-topics-fatal", "true").set("kafka.admin.fail-fast", "true");
    let app = app.topics([NewTopic::new("too-safe").replicas(3)]).listeners(listeners![far, near]);
    let told = app.start().await.unwrap_err().to_string();
    for text in [
        "cluster `audit`: topics that listeners read do not exist: lines; create them",
        "`too-safe`",
        "topics that listeners read do not exist: lines; topics that listeners send to do not exist, and brokers make none \
         when they are used: nowhere, lines-dead; create them",
    ] {
        assert!(told.contains(text), "{text}\nin: {told}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_names_the_cluster_whose_producer_gave_something_up() -> Result<()> {
    let Case { main, audit } = Case::new()?;
    let app = KafkaApp::new(main.bootstrap_servers())
        .set("kafka.clusters.audit.bootstrap-servers", audit.bootstrap_servers())
        .set("kafka.clusters.audit.template.close-timeout", "100ms");
    let app = app.start().await?;
    let template = app.template_of::<String, str>("audit")?;
    template.send("orders", "k", "a").await?;
    audit.stop();
    let pending = template.enqueue("orders", "k", "b").await?;
    app.template::<String, str>().send("orders", "k", "c").await?;
    let report = app.stop().await;
    let [cut_off] = report.cut_off.as_slice() else { anyhow::bail!("one sentence: {report}") };
    assert!(cut_off.starts_with("cluster audit: the producer gave up 1 records"), "{cut_off}");
    assert!(tokio::time::timeout(Duration::from_secs(10), pending).await?.is_err(), "it is told to who waits too");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cluster_may_be_a_broker_in_this_process() -> Result<()> {
    let app = KafkaApp::new("embedded").set("kafka.clusters.audit.bootstrap-servers", "embedded").start().await?;
    assert_ne!(app.bootstrap_servers(), app.bootstrap_servers_of("audit")?);
    app.template_of::<String, str>("audit")?.send("lines", "k", "a").await?;
    app.stop().await.expect_clean();
    Ok(())
}
