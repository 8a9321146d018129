//! Exactly once: whoever reads committed records sees the outputs of each record once, whatever becomes of handlers,
//! members and processes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use embedded_broker::{Api, ErrorCode};
use kafka_app::{
    Batch, DeliveryAttempt, ErrorKind, KafkaApp, Listener, Outgoing, RecordMetadata, RunningApp, State, Template, Text,
    TransactionError, kafka_listener, listeners,
};
use kafka_app_tests::{Failed, Journal, PATIENCE, Record, TestBroker, record};
use tokio::sync::Notify;

/// What goes wrong, and how often it did.
#[derive(Debug, Default)]
struct Trouble {
    n_failed: AtomicU32,
}

#[kafka_listener(topic = "${in}", group = "${group}", send_to = "${out}", delivery = "exactly-once")]
async fn copy(text: String) -> String {
    text
}

/// Two outputs, one of them to another topic; every 7th record fails at first, every 11th panics.
#[kafka_listener(
    topic = "${in}",
    group = "${group}",
    send_to = "${out}",
    delivery = "exactly-once",
    dead_letter = "${dlt}",
    retry(attempts = 3)
)]
async fn fan_out(
    text: String,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(audit): State<Audit>,
    State(trouble): State<Trouble>,
) -> Result<[Outgoing; 2], Failed> {
    let n: u32 = text.parse().unwrap_or_default();
    if n % 13 == 12 || (n % 7 == 6 && attempt == 1) {
        trouble.n_failed.fetch_add(1, SeqCst);
        return Err(Failed);
    }
    assert!(n % 11 != 10 || attempt > 1, "it panics on purpose");
    Ok([Outgoing::new(text.clone()), Outgoing::new(text).topic(audit.0.clone())])
}

/// Where copies go.
struct Audit(String);

/// Sends before it fails, so its transaction has to go.
#[kafka_listener(
    topic = "${in}",
    group = "${group}",
    delivery = "exactly-once",
    dead_letter = "${dlt}",
    retry(attempts = 3)
)]
async fn by_template(
    text: String,
    DeliveryAttempt(attempt): DeliveryAttempt,
    Template(out): Template<String, String>,
    metadata: RecordMetadata,
    State(audit): State<Audit>,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    out.send_and_forget(&audit.0, "k", &text).await.map_err(|_| Failed)?;
    let n: u32 = text.parse().unwrap_or_default();
    if n % 97 == 13 && (attempt == 1 || n == 13) {
        journal.note("failed", &metadata, &text, attempt);
        return Err(Failed);
    }
    Ok(())
}

struct Case {
    broker: TestBroker,
    group: String,
    source: String,
    out: String,
    audit: String,
    dlt: String,
    journal: Journal,
}

impl Case {
    async fn new(partitions: i32) -> Result<Self> {
        let broker = match std::env::var("KAFKA_APP_TEST_BOOTSTRAP") {
            Ok(_) => TestBroker::start()?,
            Err(_) => TestBroker::embedded(&[
                ("group.min.session.timeout.ms", "500"),
                ("group.consumer.heartbeat.interval.ms", "200"),
            ])?,
        };
        Ok(Self {
            group: broker.name("exactly"),
            source: broker.topic("numbers", partitions).await?,
            out: broker.topic("copies", partitions).await?,
            audit: broker.topic("audit", partitions).await?,
            dlt: broker.topic("numbers-dlt", partitions).await?,
            journal: Journal::default(),
            broker,
        })
    }

    async fn start(&self, listeners: Vec<Listener>, settings: &[(&str, &str)]) -> Result<RunningApp> {
        let app = KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.source)
            .set("out", &self.out)
            .set("dlt", &self.dlt)
            .set("group", &self.group);
        // The broker decides about it where the group runs by KIP-848.
        let app = match settings.iter().any(|(key, _)| key.ends_with("group.protocol")) {
            true => app,
            false => app.set("kafka.consumer.properties.heartbeat.interval.ms", "300"),
        };
        let app = settings.iter().fold(app, |app, (key, value)| app.set(*key, *value));
        let app = app.state(Audit(self.audit.clone())).state(Trouble::default()).state(self.journal.clone());
        Ok(app.listeners(listeners).start().await?)
    }

    async fn feed(&self, partitions: i32, numbers: std::ops::Range<u32>) -> Result<()> {
        let records = numbers.map(|n| Record {
            partition: i32::try_from(n).ok().map(|n| n % partitions),
            ..record((n % 50).to_string(), n.to_string())
        });
        self.broker.produce(&self.source, records.collect::<Vec<_>>()).await
    }

    /// All numbers of a topic by how often they are there, once everything of the source is committed.
    async fn counts(&self, topic: &str, n: usize) -> Result<BTreeMap<u32, usize>> {
        let mut counts = BTreeMap::new();
        for record in self.broker.records(topic, n).await? {
            *counts.entry(record.text().parse()?).or_default() += 1;
        }
        Ok(counts)
    }

    /// Waits until the group has committed the whole source.
    async fn until_committed(&self) -> Result<()> {
        let ends = self.broker.end_offsets(&self.source)?;
        let committed = self.broker.until_committed(&self.group, &self.source, |committed| *committed == ends);
        committed.await.with_context(|| format!("{ends:?} was expected"))
    }

    /// Runs these listeners until the whole source is committed.
    async fn run(&self, listeners: Vec<Listener>, settings: &[(&str, &str)]) -> Result<()> {
        let app = self.start(listeners, settings).await?;
        self.until_committed().await?;
        app.stop().await.expect_clean();
        Ok(())
    }
}

fn each_once(numbers: impl IntoIterator<Item = u32>) -> BTreeMap<u32, usize> {
    numbers.into_iter().map(|n| (n, 1)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_copied_once_and_in_order() -> Result<()> {
    let case = Case::new(3).await?;
    case.feed(3, 0..5_000).await?;
    case.run(listeners![copy], &[]).await?;
    let records = case.broker.records(&case.out, 5_000).await?;
    let mut by_key = BTreeMap::<String, Vec<u32>>::new();
    for record in &records {
        by_key.entry(record.key.clone().unwrap_or_default()).or_default().push(record.text().parse()?);
    }
    assert_eq!(records.len(), 5_000);
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), by_key.values().flatten().collect::<BTreeSet<_>>().len());
    // The records of a key are in two partitions of the source at most, so each partition's order is looked at.
    for (key, numbers) in by_key {
        for remainder in 0..3 {
            let of_partition = numbers.iter().filter(|n| **n % 3 == remainder);
            assert!(of_partition.is_sorted(), "{key}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_and_panics_repeat_no_output_and_dead_letters_are_in_the_transaction() -> Result<()> {
    let case = Case::new(2).await?;
    case.feed(2, 0..1_000).await?;
    case.run(listeners![fan_out], &[]).await?;
    let (good, bad): (Vec<u32>, Vec<u32>) = (0..1_000).partition(|n| n % 13 != 12);
    assert_eq!(case.counts(&case.out, good.len()).await?, each_once(good.iter().copied()));
    assert_eq!(case.counts(&case.audit, good.len()).await?, each_once(good));
    assert_eq!(case.counts(&case.dlt, bad.len()).await?, each_once(bad));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_handler_has_sent_goes_with_its_transaction() -> Result<()> {
    let case = Case::new(2).await?;
    case.feed(2, 0..1_000).await?;
    let app = case.start(listeners![by_template], &[]).await?;
    case.until_committed().await?;
    let counts = app.listener("by_template")?.metrics().counts();
    app.stop().await.expect_clean();
    assert_eq!(case.counts(&case.audit, 999).await?, each_once((0..1_000).filter(|n| *n != 13)));
    assert_eq!(case.counts(&case.dlt, 1).await?, each_once([13]));
    assert_eq!(case.journal.attempts("13"), [1, 2, 3], "three deliveries, each in a transaction of its own");
    let attempts = case.journal.attempts("110");
    assert!(attempts.starts_with(&[1]), "{attempts:?}");
    assert!(counts.aborted_transactions >= 4, "{counts:?}");
    Ok(())
}

#[kafka_listener(
    topic = "${in}",
    group = "${group}",
    send_to = "${out}",
    delivery = "exactly-once",
    batch(max_records = 100)
)]
async fn copy_batch(batch: Batch<Text>, State(trouble): State<Trouble>) -> Result<Vec<Text>, Failed> {
    // Every third batch fails at first.
    if trouble.n_failed.fetch_add(1, SeqCst) % 3 == 0 {
        return Err(Failed);
    }
    Ok(batch.into_payloads().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_copied_once() -> Result<()> {
    let case = Case::new(2).await?;
    case.feed(2, 0..3_000).await?;
    case.run(listeners![copy_batch], &[]).await?;
    assert_eq!(case.counts(&case.out, 3_000).await?, each_once(0..3_000));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_that_come_and_go_repeat_nothing() -> Result<()> {
    for protocol in [
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("partition.assignment.strategy", "range"),
        ("group.protocol", "consumer"),
    ] {
        let case = Case::new(6).await?;
        let key = format!("kafka.consumer.properties.{}", protocol.0);
        let start = |name: &'static str| {
            let settings = [(key.as_str(), protocol.1), ("kafka.producer.transaction-id-prefix", name)];
            let (case, listeners) = (&case, listeners![copy]);
            async move { case.start(listeners, &settings).await }
        };
        let steady = start("a-").await?;
        for round in 0..5 {
            case.feed(6, round * 2_000..(round + 1) * 2_000).await?;
            let visitor = start("b-").await?;
            visitor.ready().await?;
            case.feed(6, 100_000 + round * 500..100_000 + (round + 1) * 500).await?;
            visitor.stop().await.expect_clean();
        }
        case.until_committed().await?;
        steady.stop().await.expect_clean();
        let all = (0..10_000).chain(100_000..102_500);
        assert_eq!(case.counts(&case.out, 12_500).await?, each_once(all), "{protocol:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_one_name_fence_each_other_and_repeat_nothing() -> Result<()> {
    let case = Case::new(6).await?;
    case.feed(6, 0..2_000).await?;
    let first = case.start(listeners![copy], &[]).await?;
    case.until_committed().await?;
    // Its producers have the ids of the first one's.
    let second = case.start(listeners![copy], &[]).await?;
    second.ready().await?;
    case.feed(6, 2_000..6_000).await?;
    case.until_committed().await?;
    let _ = (first.stop().await, second.stop().await);
    assert_eq!(case.counts(&case.out, 6_000).await?, each_once(0..6_000));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_stopped_again_and_again_in_the_middle_repeats_nothing() -> Result<()> {
    let case = Case::new(3).await?;
    case.feed(3, 0..20_000).await?;
    for _ in 0..5 {
        let app = case.start(listeners![copy], &[]).await?;
        app.ready().await?;
        app.stop().await.expect_clean();
    }
    case.run(listeners![copy], &[]).await?;
    assert_eq!(case.counts(&case.out, 20_000).await?, each_once(0..20_000));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_the_broker_refuses_goes_to_the_dead_letters_with_its_record_alone() -> Result<()> {
    #[kafka_listener(
        topic = "${in}",
        group = "${group}",
        send_to = "${out}",
        delivery = "exactly-once",
        dead_letter = "${dlt}",
        retry(attempts = 2)
    )]
    async fn inflate(text: String) -> String {
        inflated(text)
    }
    only_the_inflated_is_a_dead_letter(listeners![inflate]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_the_record_alone_goes_to_the_dead_letters_whose_output_the_broker_refuses() -> Result<()> {
    #[kafka_listener(
        topic = "${in}",
        group = "${group}",
        send_to = "${out}",
        delivery = "exactly-once",
        batch(max_records = 20, max_wait = "50ms"),
        dead_letter = "${dlt}",
        retry(attempts = 2)
    )]
    async fn inflate_batch(batch: Batch<Text>) -> Vec<String> {
        batch.into_payloads().map(|Text(text)| inflated(text)).collect()
    }
    only_the_inflated_is_a_dead_letter(listeners![inflate_batch]).await
}

/// What is returned for a record; for one it is more than its topic takes, and less than a producer refuses to send.
fn inflated(text: String) -> String {
    if text == "7" { "x".repeat(900_000) } else { text }
}

async fn only_the_inflated_is_a_dead_letter(listeners: Vec<Listener>) -> Result<()> {
    let case = Case::new(1).await?;
    let small = case.broker.topic_with("small", 1, &[("max.message.bytes", "100000")]).await?;
    case.feed(1, 0..50).await?;
    case.run(listeners, &[("out", small.as_str())]).await?;
    assert_eq!(case.counts(&small, 49).await?, each_once((0..50).filter(|n| *n != 7)));
    assert_eq!(case.counts(&case.dlt, 1).await?, each_once([7]));
    Ok(())
}

/// A transaction takes records for a third of its time at most; this handler takes longer than that.
#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_hangs_longer_than_a_transaction_takes_records_comes_to_the_dead_letters() -> Result<()> {
    #[kafka_listener(
        topic = "${in}",
        group = "${group}",
        send_to = "${out}",
        delivery = "exactly-once",
        dead_letter = "${dlt}",
        timeout = "2800ms",
        retry(attempts = 2)
    )]
    async fn hang(text: String) -> String {
        if text == "1" { std::future::pending().await } else { text }
    }
    let case = Case::new(1).await?;
    case.feed(1, 0..3).await?;
    case.run(listeners![hang], &[("kafka.producer.properties.transaction.timeout.ms", "8000")]).await?;
    assert_eq!(case.counts(&case.out, 2).await?, each_once([0, 2]));
    assert_eq!(case.counts(&case.dlt, 1).await?, each_once([1]));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_nobody_leads_for_a_while_costs_those_that_write_to_it_no_attempt() -> Result<()> {
    #[kafka_listener(
        topic = "${in}",
        group = "${group}",
        send_to = "${out}",
        delivery = "exactly-once",
        retry_topics(attempts = 2, backoff = "100ms")
    )]
    async fn through(text: String) -> String {
        text
    }
    let broker = TestBroker::embedded(&[])?;
    let case = Case { broker, ..Case::new(1).await? };
    for topic in [&case.source, &case.out, &case.dlt] {
        case.broker.as_embedded().context("it is one")?.create_topic(topic.as_str(), 1)?;
    }
    let broker = case.broker.as_embedded().context("it is one")?;
    let leaderless = broker.fault().on(Api::Produce).topic(&case.out).error(ErrorCode::NotLeaderOrFollower);
    case.feed(1, 0..5).await?;
    let settings = [("kafka.producer.properties.delivery.timeout.ms", "1000")];
    let app = case.start(listeners![through], &settings).await?;
    let through = app.listener("through")?;
    let metrics = through.metrics();
    // In the first, all were sent at once; who is blamed then is sent alone, and a second time blamed.
    let deadline = Instant::now() + PATIENCE;
    while metrics.counts().aborted_transactions < 3 {
        assert!(Instant::now() < deadline, "{:?}", metrics.counts());
        tokio::task::yield_now().await;
    }
    drop(leaderless);
    case.until_committed().await?;
    let counts = metrics.counts();
    app.stop().await.expect_clean();
    assert_eq!((counts.forwarded, counts.dead_lettered), (0, 0));
    assert_eq!(case.counts(&case.out, 5).await?, each_once(0..5));
    Ok(())
}

/// Dropped while it is being committed, as by a time-out around it: it is committed, and neither readers nor those who come
/// behind it in its turn are held up until its time is up.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_nobody_waits_for_any_more_ends_all_the_same() -> Result<()> {
    for settings in [&[][..], &[("kafka.producer.transactional-id", "one")]] {
        let case = Case::new(1).await?;
        let app = case.start(Vec::new(), settings).await?;
        let template = app.template::<String, String>();
        for n in 0..10 {
            let (out, worked) = (case.out.clone(), Arc::new(Notify::new()));
            let told = Arc::clone(&worked);
            let send = template.in_transaction(|tx| async move {
                tx.send(&out, "k", &n.to_string()).await.map_err(|_| Failed)?;
                told.notify_one();
                Ok::<_, Failed>(())
            });
            tokio::select! {
                biased;
                () = worked.notified() => {} // Its commit has begun.
                sent = send => sent.map_err(anyhow::Error::msg)?,
            }
        }
        let out = case.out.clone();
        template.in_transaction(|tx| async move { tx.send(&out, "k", &"10".to_owned()).await }).await?;
        let began = Instant::now();
        assert_eq!(case.counts(&case.out, 11).await?, each_once(0..11));
        assert!(began.elapsed() < PATIENCE / 3, "{:?}", began.elapsed());
        app.stop().await.expect_clean();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_template_sends_in_a_transaction_is_seen_all_at_once_or_not_at_all() -> Result<()> {
    let case = Case::new(2).await?;
    let app = case.start(Vec::new(), &[]).await?;
    let template = app.template::<String, String>();
    let sent = template
        .in_transaction(|tx| {
            let (out, audit) = (case.out.clone(), case.audit.clone());
            async move {
                tx.send(&out, "k", &"1".to_owned()).await?;
                tx.send(&audit, "k", &"1".to_owned()).await
            }
        })
        .await?;
    assert_eq!(sent.offset, 0);
    let failed = template
        .in_transaction(|tx| {
            let out = case.out.clone();
            async move {
                tx.send(&out, "k", &"2".to_owned()).await.map_err(|_| Failed)?;
                Err::<(), Failed>(Failed)
            }
        })
        .await;
    assert!(matches!(failed, Err(TransactionError::Aborted(Failed))));
    // Many at once, each with a producer of its own, and one inside of another.
    let many = (10..20).map(|n: u32| {
        let (out, template) = (case.out.clone(), template.clone());
        tokio::spawn(async move {
            let inner = template.clone();
            let work = |tx: kafka_app::KafkaTemplate<String, String>| async move {
                tx.send(&out, "k", &n.to_string()).await?;
                let inside = inner.in_transaction(|tx| {
                    let out = out.clone();
                    async move { tx.send(&out, "k", &(n + 100).to_string()).await }
                });
                inside.await.map_err(|error| match error {
                    TransactionError::Aborted(error) => error,
                    other => panic!("{other}"),
                })
            };
            template.in_transaction(work).await.map(drop).map_err(|error| error.to_string())
        })
    });
    for one in many.collect::<Vec<_>>() {
        one.await?.map_err(anyhow::Error::msg)?;
    }
    // One that outlives its transaction sends nothing more.
    let kept = template.in_transaction(|tx| async move { Ok::<_, Failed>(tx) }).await?;
    let error = kept.send(&case.out, "k", &"3".to_owned()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    // One that is dropped in the middle is given up, and holds nobody up.
    let out = case.out.clone();
    let dropped = template.in_transaction(|tx| async move {
        tx.send(&out, "k", &"4".to_owned()).await.map_err(|_| Failed)?;
        std::future::pending::<Result<(), Failed>>().await
    });
    assert!(tokio::time::timeout(std::time::Duration::from_millis(500), dropped).await.is_err());
    template.send(&case.out, "k", &"5".to_owned()).await?;
    let expected = [1, 5].into_iter().chain(10..20).chain(110..120);
    assert_eq!(case.counts(&case.out, 22).await?, each_once(expected));
    assert_eq!(case.counts(&case.audit, 1).await?, each_once([1]));
    app.stop().await.expect_clean();
    Ok(())
}
