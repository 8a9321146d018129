//! Retry topics: a record that fails is handled again later, from a topic of its own, and nothing waits for it meanwhile.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use kafka_app::{
    Batch, BatchRecord, DeliveryAttempt, KafkaApp, Listener, NewTopic, RecordMetadata, RunningApp, State, Text,
    kafka_listener, listeners,
};
use kafka_app_tests::{Failed, Journal, PATIENCE, Record, TestBroker, record};
use tokio::sync::Semaphore;

/// `bad 3` fails three times, `bad` always.
fn verdict(text: &str, attempt: u32) -> Result<(), Failed> {
    match text.strip_prefix("bad") {
        Some(times) if times.trim().parse().map_or(true, |times: u32| attempt <= times) => Err(Failed),
        _ => Ok(()),
    }
}

/// When each payload was handled, in order.
#[derive(Debug, Clone, Default)]
struct Times(Arc<Mutex<BTreeMap<String, Vec<Instant>>>>);

impl Times {
    fn note(&self, payload: &str) {
        self.0.lock().expect("no panic under it").entry(payload.to_owned()).or_default().push(Instant::now());
    }

    /// The time from call to call.
    fn gaps(&self, payload: &str) -> Vec<Duration> {
        let times = self.0.lock().expect("no panic under it");
        times[payload].windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

#[kafka_listener(
    id = "stepwise",
    topic = "${in}",
    group = "${group}",
    send_to = "${out}",
    retry_topics(attempts = 4, backoff = "200ms", multiplier = 2.0)
)]
async fn stepwise(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
    State(times): State<Times>,
) -> Result<String, Failed> {
    times.note(&text);
    journal.note(&metadata.topic, &metadata, &text, attempt);
    verdict(&text, attempt).map(|()| text)
}

/// What fails waits until long after the test.
#[kafka_listener(id = "patient", topic = "${in}", group = "${group}", retry_topics(attempts = 2, backoff = "10m"))]
async fn patient(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    journal.note(&metadata.topic, &metadata, &text, attempt);
    verdict(&text, attempt)
}

/// A record's first attempt waits until the test lets it fail.
#[kafka_listener(id = "held", topic = "${in}", group = "${group}", retry_topics(attempts = 2, backoff = "100ms"))]
async fn held(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
    State(gate): State<Arc<Semaphore>>,
) -> Result<(), Failed> {
    journal.note(&metadata.topic, &metadata, &text, attempt);
    if attempt == 1 {
        gate.acquire().await.map_err(|_| Failed)?.forget();
    }
    verdict(&text, attempt)
}

/// An outcome for each record.
#[kafka_listener(
    id = "batched",
    topic = "${in}",
    group = "${group}",
    retry_topics(attempts = 3, backoff = "100ms", topics = "per-attempt"),
    batch(max_records = 100)
)]
async fn batched(batch: Batch<Text>, State(journal): State<Journal>) -> Vec<Result<(), Failed>> {
    let one = |BatchRecord { payload: Text(text), metadata }: BatchRecord<Text>| {
        let attempt = match metadata.topic.rsplit_once("-retry-") {
            Some((_, index)) => index.parse::<u32>().unwrap_or(0) + 2,
            None => 1,
        };
        journal.note(&metadata.topic, &metadata, &text, attempt);
        verdict(&text, attempt)
    };
    batch.into_iter().map(one).collect()
}

struct Case {
    broker: TestBroker,
    journal: Journal,
    times: Times,
    source: String,
    out: String,
    group: String,
}

impl Case {
    async fn new(partitions: i32) -> Result<Self> {
        let broker = match std::env::var("KAFKA_APP_TEST_BOOTSTRAP") {
            Ok(_) => TestBroker::start()?,
            Err(_) => TestBroker::embedded(&[("group.min.session.timeout.ms", "500")])?,
        };
        Ok(Self {
            source: broker.topic("orders", partitions).await?,
            out: broker.topic("done", partitions).await?,
            group: broker.name("billing"),
            journal: Journal::default(),
            times: Times::default(),
            broker,
        })
    }

    fn app(&self, settings: &[(&str, &str)]) -> KafkaApp {
        let app = KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.source)
            .set("out", &self.out)
            .set("group", &self.group)
            .state(self.times.clone())
            .state(self.journal.clone());
        settings.iter().fold(app, |app, (key, value)| app.set(*key, *value))
    }

    async fn start(&self, listeners: Vec<Listener>, settings: &[(&str, &str)]) -> Result<RunningApp> {
        let app = self.app(settings).listeners(listeners).start().await?;
        app.ready().await?;
        Ok(app)
    }

    async fn produce(&self, payloads: &[&str]) -> Result<()> {
        self.broker.produce(&self.source, payloads.iter().map(|p| record(*p, *p))).await
    }

    /// Topic, without the suffix of the test, and attempt of each call with a payload.
    fn calls(&self, payload: &str) -> Vec<(String, u32)> {
        let entries = self.journal.entries();
        let of_payload = entries.into_iter().filter(|entry| entry.payload == payload);
        of_payload.map(|entry| (entry.who.replace(&self.source, "orders"), entry.attempt)).collect()
    }

    fn retry(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.source)
    }
}

fn way(steps: &[(&str, u32)]) -> Vec<(String, u32)> {
    steps.iter().map(|(topic, attempt)| ((*topic).to_owned(), *attempt)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_handled_again_after_each_delay_from_topics_made_at_start_and_then_dead_lettered() -> Result<()> {
    for delivery in ["at-least-once", "exactly-once"] {
        let case = Case::new(3).await?;
        let app = case.start(listeners![stepwise], &[("kafka.listeners.stepwise.delivery", delivery)]).await?;
        case.produce(&["ok", "bad 2", "bad"]).await?;
        let dead = case.broker.records(&case.retry("-dlt"), 1).await?.remove(0);
        let done = case.broker.records(&case.out, 2).await?;
        app.stop().await.expect_clean();

        assert_eq!(case.calls("ok"), way(&[("orders", 1)]), "{delivery}");
        let all = way(&[("orders", 1), ("orders-retry-200", 2), ("orders-retry-400", 3), ("orders-retry-800", 4)]);
        assert_eq!(case.calls("bad 2"), all[..3], "{delivery}");
        assert_eq!(case.calls("bad"), all, "{delivery}");
        for (payload, delays) in [("bad 2", &[200, 400][..]), ("bad", &[200, 400, 800])] {
            for (gap, delay) in case.times.gaps(payload).iter().zip(delays) {
                // A millisecond of the clock may have been over when the delay began.
                assert!(gap.as_millis() + 1 >= *delay, "{delivery}: {payload} was handled {gap:?} later");
            }
        }
        let mut texts: Vec<_> = done.iter().map(Record::text).collect();
        texts.sort();
        assert_eq!(texts, ["bad 2", "ok"]);
        let partitions = case.broker.end_offsets(&case.source)?.len();
        for suffix in ["-retry-200", "-retry-400", "-retry-800", "-dlt"] {
            assert_eq!(case.broker.end_offsets(&case.retry(suffix))?.len(), partitions, "{suffix}");
        }

        let original = case.broker.records(&case.source, 3).await?;
        let original = original.iter().find(|r| r.text() == "bad").context("it is there")?;
        assert_eq!((dead.key.as_deref(), dead.text().as_str()), (Some("bad"), "bad"));
        assert_eq!(dead.partition, original.partition, "it keeps its partition");
        assert_eq!(dead.header("retry_topic-attempts"), Some(&5_i32.to_be_bytes()[..]), "as Spring counts");
        assert_eq!(dead.header("kafka_original-topic"), Some(case.source.as_bytes()));
        assert_eq!(dead.header("kafka_original-offset"), Some(&original.offset.to_be_bytes()[..]));
        assert_eq!(dead.header("kafka_dlt-original-consumer-group"), Some(case.group.as_bytes()));
        assert_eq!(dead.header("kafka_exception-message"), Some(&b"it failed on purpose"[..]));
        let mut names: Vec<_> = dead.headers.iter().map(|(name, _)| name.clone()).collect();
        let n_headers = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), n_headers, "each header is there once: {:?}", dead.headers);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_waits_ten_minutes_holds_up_nothing_and_evicts_nobody() -> Result<()> {
    let case = Case::new(2).await?;
    let settings = [
        ("kafka.consumer.max-poll-interval", "6s"),
        ("kafka.consumer.properties.session.timeout.ms", "6000"),
        ("kafka.listeners.stepwise.group-id", "${group}-stepwise"),
        ("kafka.listeners.stepwise.retry-topics.suffix", "-again"),
        ("kafka.listeners.stepwise.retry-topics.backoff", "8s"),
        ("kafka.listeners.stepwise.retry-topics.attempts", "2"),
    ];
    let app = case.start(listeners![patient, stepwise], &settings).await?;
    case.produce(&["bad"]).await?;
    case.broker.records(&case.retry("-retry"), 1).await?;
    case.produce(&["ok 1", "ok 2"]).await?;
    // The other listener's retry comes eight seconds after, longer than a member may be without a poll.
    case.journal.wait_until(|entries| entries.iter().any(|e| e.who.ends_with("-again-8000"))).await?;
    let waiting = app.listener("patient-retry")?;
    assert_eq!(waiting.assignment().len(), 2, "it is still a member of its group");
    assert_eq!(waiting.rebalances(), 1);
    assert_eq!(waiting.metrics().counts().handled, 0);
    assert_eq!(app.listener("patient")?.metrics().counts().handled, 2);

    let started = Instant::now();
    app.stop().await.expect_clean();
    assert!(started.elapsed() < Duration::from_secs(20), "a stop does not wait for what waits");
    let committed = case.broker.committed(&format!("{}-retry", case.group), &case.retry("-retry"))?;
    assert!(committed.values().all(|offset| *offset == 0), "{committed:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_a_record_waits_for_the_rest_of_its_delay_only() -> Result<()> {
    let case = Case::new(1).await?;
    let settings = [("kafka.listeners.patient.retry-topics.backoff", "3s")];
    let app = case.start(listeners![patient], &settings).await?;
    let sent = Instant::now();
    case.produce(&["bad 1"]).await?;
    case.broker.records(&case.retry("-retry"), 1).await?;
    app.stop().await.expect_clean();
    let app = case.start(listeners![patient], &settings).await?;
    case.journal.wait_for(2).await?;
    assert!(sent.elapsed() >= Duration::from_secs(3));
    assert_eq!(case.calls("bad 1"), way(&[("orders", 1), ("orders-retry", 2)]));
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_sends_what_failed_of_it_to_the_retry_topics() -> Result<()> {
    for delivery in ["at-least-once", "exactly-once"] {
        let case = Case::new(1).await?;
        let app = case.start(listeners![batched], &[("kafka.listeners.batched.delivery", delivery)]).await?;
        case.produce(&["ok 1", "bad 1", "ok 2", "bad", "ok 3"]).await?;
        let dead = case.broker.records(&case.retry("-dlt"), 1).await?.remove(0);
        app.stop().await.expect_clean();
        assert_eq!(dead.text(), "bad");
        for ok in ["ok 1", "ok 2", "ok 3"] {
            assert_eq!(case.calls(ok), way(&[("orders", 1)]), "{delivery}");
        }
        assert_eq!(case.calls("bad 1"), way(&[("orders", 1), ("orders-retry-0", 2)]), "{delivery}");
        let all = way(&[("orders", 1), ("orders-retry-0", 2), ("orders-retry-1", 3)]);
        assert_eq!(case.calls("bad"), all, "{delivery}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_topics_grow_with_their_topic_and_one_can_do_without_their_creation() -> Result<()> {
    let case = Case::new(4).await?;
    let retry = NewTopic::new(case.retry("-retry")).partitions(2);
    let app = case.app(&[]).topics([retry]).listeners(listeners![patient]).start().await?;
    app.ready().await?;
    app.stop().await.expect_clean();
    assert_eq!(case.broker.end_offsets(&case.retry("-retry"))?.len(), 4);

    let case = Case::new(1).await?;
    let settings = [
        ("kafka.listeners.patient.retry-topics.auto-create", "false"),
        ("kafka.consumer.properties.allow.auto.create.topics", "false"),
    ];
    let app = case.app(&settings).listeners(listeners![patient]).start().await?;
    app.listener("patient")?.ready(PATIENCE).await?;
    let _ = app.stop().await;
    assert!(case.broker.end_offsets(&case.retry("-dlt")).is_err(), "nobody made it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_topics_pause_and_stop_with_their_listener() -> Result<()> {
    let case = Case::new(1).await?;
    let gate = Arc::new(Semaphore::new(0));
    let app = case.app(&[]).state(gate.clone()).listeners(listeners![held]).start().await?;
    app.ready().await?;
    let listener = app.listener("held")?;
    let retry = app.listener("held-retry")?;
    case.produce(&["bad 1"]).await?;
    case.journal.wait_for(1).await?;
    listener.pause();
    gate.add_permits(1);
    case.broker.records(&case.retry("-retry"), 1).await?;
    let quiet = tokio::time::timeout(Duration::from_secs(1), case.journal.wait_for(2)).await;
    assert!(quiet.is_err(), "it is due, and its listener is paused: {:?}", case.journal.entries());
    listener.resume();
    case.journal.wait_for(2).await?;
    listener.stop().await?;
    assert!(matches!(retry.state(), kafka_app::ListenerState::Stopped));
    listener.start()?;
    assert!(matches!(retry.state(), kafka_app::ListenerState::Running));
    app.stop().await.expect_clean();
    Ok(())
}

/// Fails the first time, and every 17th record once more.
#[kafka_listener(
    id = "copier",
    topic = "${in}",
    group = "${group}",
    send_to = "${out}",
    delivery = "exactly-once",
    retry_topics(attempts = 4, backoff = "50ms")
)]
async fn copier(text: String, DeliveryAttempt(attempt): DeliveryAttempt) -> Result<String, Failed> {
    let n: u32 = text.parse().unwrap_or_default();
    let fails = u32::from(n.is_multiple_of(2)) + u32::from(n.is_multiple_of(17));
    if attempt <= fails { Err(Failed) } else { Ok(text) }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_no_hop_is_made_twice_while_members_come_and_go() -> Result<()> {
    let case = Case::new(4).await?;
    let feed = |numbers: std::ops::Range<u32>| {
        let records = numbers.map(|n| record((n % 50).to_string(), n.to_string())).collect::<Vec<_>>();
        case.broker.produce(&case.source, records)
    };
    let start = |name: &'static str| {
        let case = &case;
        async move { case.start(listeners![copier], &[("kafka.producer.transaction-id-prefix", name)]).await }
    };
    let steady = start("a-").await?;
    for round in 0..4 {
        feed(round * 1_000..(round + 1) * 1_000).await?;
        let visitor = start("b-").await?;
        visitor.stop().await.expect_clean();
    }
    let copies = case.broker.records(&case.out, 4_000).await?;
    let forwarded =
        (0..4_000).map(|n: usize| usize::from(n.is_multiple_of(2)) + usize::from(n.is_multiple_of(17))).sum::<usize>();
    let hops = case.broker.records(&case.retry("-retry"), forwarded).await?;
    let until = Instant::now() + PATIENCE;
    let retry_group = format!("{}-retry", case.group);
    loop {
        let committed = case.broker.committed(&retry_group, &case.retry("-retry"))?.values().sum::<i64>();
        // Each transaction ends with a mark that has an offset too.
        if committed >= i64::try_from(forwarded)? {
            break;
        }
        ensure!(Instant::now() < until, "committed is {committed} of {forwarded}");
        tokio::task::yield_now().await;
    }
    steady.stop().await.expect_clean();
    let mut counts = BTreeMap::<u32, usize>::new();
    for record in copies {
        *counts.entry(record.text().parse()?).or_default() += 1;
    }
    assert_eq!(counts, (0..4_000).map(|n| (n, 1)).collect(), "each copied once");
    let mut counts = BTreeMap::<(u32, Vec<u8>), usize>::new();
    for record in hops {
        let attempt = record.header("retry_topic-attempts").context("it has one")?.to_vec();
        *counts.entry((record.text().parse()?, attempt)).or_default() += 1;
    }
    assert!(counts.values().all(|n| *n == 1), "no hop twice");
    Ok(())
}
