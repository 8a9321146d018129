//! Listeners that finish, and listeners that start after others.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use kafka_app::{
    ErrorKind, KafkaApp, Key, KeyScope, KeyState, KeyedState, Listener, ListenerEvent, ListenerHandle, ListenerState,
    RecordMetadata, RunningApp, State, kafka_listener, listeners,
};
use kafka_app_tests::{Failed, Journal, PATIENCE, TestBroker, record};
use tokio::sync::{AcquireError, Semaphore};

#[kafka_listener(id = "loads", topic = "${in}", group = "${group}-loads", until_end)]
async fn loads(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("loads", &metadata, text, 1);
}

/// An application on this topic, with what it notes.
fn app(broker: &TestBroker, topic: &str) -> (KafkaApp, Journal) {
    let journal = Journal::default();
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", topic)
        .set("group", broker.name("group"))
        .set("kafka.producer.transaction-id-prefix", broker.name("tx"))
        .state(journal.clone());
    (app, journal)
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = kafka_app_tests::Record> {
    range.map(|n| record(n.to_string(), n.to_string()))
}

async fn finished(listener: &ListenerHandle) -> Result<()> {
    tokio::time::timeout(PATIENCE, listener.finished()).await.context("it does not finish")??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_reads_to_the_end_finishes_and_goes_on_there_the_next_time() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", 3).await?;
    broker.produce(&topic, numbers(0..100)).await?;
    let (app, journal) = app(&broker, &topic);
    let mut events = app.events();
    let app = app.listeners(listeners![loads]).start().await?;
    let listener = app.listener("loads")?;
    finished(&listener).await?;
    assert!(matches!(listener.state(), ListenerState::Finished));
    assert_eq!(journal.entries().len(), 100);
    app.ready().await.context("who has finished was ready")?;
    broker.produce(&topic, numbers(100..105)).await?;
    listener.start()?;
    finished(&listener).await?;
    assert_eq!(journal.entries().len(), 105);
    app.stop().await.expect_clean();
    for _ in 0..2 {
        let is_told = async { while !matches!(events.next().await, Some(ListenerEvent::Finished { .. })) {} };
        tokio::time::timeout(PATIENCE, is_told).await.context("its end is told each time")?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_whose_listeners_have_all_finished_ends() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", 2).await?;
    let (app, journal) = app(&broker, &topic);
    let app = app.listeners(listeners![loads]).start().await?;
    tokio::time::timeout(PATIENCE, app.wait()).await.context("of empty partitions there is nothing to read")??;
    assert_eq!(journal.entries(), []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_start_is_not_read() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", 1).await?;
    broker.produce(&topic, numbers(0..3)).await?;
    let (app, journal) = app(&broker, &topic);
    let gate = Arc::new(Semaphore::new(0));
    let app = app.state(Arc::clone(&gate)).listeners(listeners![waits]).start().await?;
    journal.wait_for(1).await?; // The end is known: the first record is being handled.
    broker.produce(&topic, numbers(3..10)).await?;
    gate.add_permits(1);
    finished(&app.listener("waits")?).await?;
    assert_eq!(journal.payloads(), ["0", "1", "2"]);
    app.stop().await.expect_clean();
    Ok(())
}

/// Handles its first record for as long as the test wants.
#[kafka_listener(id = "waits", topic = "${in}", group = "${group}-waits", until_end)]
async fn waits(
    text: String,
    metadata: RecordMetadata,
    State(journal): State<Journal>,
    State(gate): State<Arc<Semaphore>>,
) -> Result<(), AcquireError> {
    journal.note("waits", &metadata, text, 1);
    gate.acquire().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_without_records_at_the_end_do_not_hold_it_up() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", 1).await?;
    let (app, journal) = app(&broker, &topic);
    let app = app.listeners(listeners![loads].into_iter().map(|loads| loads.auto_start(false))).start().await?;
    let template = app.template::<String, String>();
    for (text, is_kept) in [("kept", true), ("aborted", false)] {
        let sent = template
            .in_transaction(|tx| {
                let topic = topic.clone();
                async move {
                    tx.send(&topic, "k", &text.to_owned()).await.map_err(|_| Failed)?;
                    if is_kept { Ok(()) } else { Err(Failed) }
                }
            })
            .await;
        assert_eq!(sent.is_ok(), is_kept);
    }
    let listener = app.listener("loads")?;
    listener.start()?;
    finished(&listener).await?;
    assert_eq!(journal.payloads(), ["kept"]);
    // Nothing but markers and an aborted record behind the committed offset.
    listener.start()?;
    finished(&listener).await?;
    assert_eq!(journal.payloads(), ["kept"]);
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "shares", topic = "${in}", group = "${group}-shares", concurrency = 2, until_end)]
async fn shares(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("shares", &metadata, text, 1);
    // Slow enough for others to join in the middle.
    tokio::time::sleep(Duration::from_millis(2)).await;
}

async fn all_is_read_by_two_processes(protocol: &str) -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", 6).await?;
    broker.produce(&topic, numbers(0..600)).await?;
    let (first, journal) = app(&broker, &topic);
    let (second, _) = app(&broker, &topic);
    let mut running: Vec<RunningApp> = Vec::new();
    for app in [first, second] {
        let app = app
            .state(journal.clone())
            .set("kafka.consumer.properties.group.protocol", protocol)
            .listeners(listeners![shares]);
        running.push(app.start().await?);
    }
    for app in &running {
        finished(&app.listener("shares")?).await?;
    }
    let mut seen: Vec<u32> = journal.payloads().iter().filter_map(|text| text.parse().ok()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..600).collect::<Vec<_>>(), "each once, and none is left to nobody");
    for app in running {
        app.stop().await.expect_clean();
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_two_processes_has_read_all_before_either_finishes() -> Result<()> {
    all_is_read_by_two_processes("classic").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_the_consumer_protocol_has_read_all_before_either_finishes() -> Result<()> {
    all_is_read_by_two_processes("consumer").await
}

#[kafka_listener(
    id = "copies",
    topic = "${in}",
    group = "${group}-copies",
    send_to = "${out}",
    delivery = "exactly-once",
    until_end
)]
async fn copies(text: String) -> String {
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_once_the_last_transaction_is_committed_before_it_finishes() -> Result<()> {
    let broker = TestBroker::start()?;
    let (topic, out) = (broker.topic("end", 2).await?, broker.topic("copies", 2).await?);
    broker.produce(&topic, numbers(0..2_500)).await?;
    let (app, _) = app(&broker, &topic);
    let app = app.set("out", &out).listeners(listeners![copies]).start().await?;
    let listener = app.listener("copies")?;
    finished(&listener).await?;
    listener.start()?;
    finished(&listener).await.context("markers are all that is left")?;
    app.stop().await.expect_clean();
    let mut copied: Vec<u32> =
        broker.records(&out, 2_500).await?.iter().filter_map(|record| record.text().parse().ok()).collect();
    copied.sort_unstable();
    assert_eq!(copied, (0..2_500).collect::<Vec<_>>());
    Ok(())
}

/// Whether what a handler needs is there.
#[derive(Debug, Default)]
struct Service(AtomicBool);

impl Service {
    /// Handles a record if it is.
    fn handle(&self, journal: &Journal, who: &str, metadata: &RecordMetadata, text: String) -> Result<(), Failed> {
        if !self.0.load(SeqCst) {
            return Err(Failed);
        }
        journal.note(who, metadata, text, 1);
        Ok(())
    }
}

/// A topic with so many records, and an application with a service that is down.
async fn without_service(
    partitions: i32,
    n_records: u32,
) -> Result<(TestBroker, String, KafkaApp, Journal, Arc<Service>)> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", partitions).await?;
    broker.produce(&topic, numbers(0..n_records)).await?;
    let (app, journal) = app(&broker, &topic);
    let service = Arc::<Service>::default();
    let app = app.shared_state(Arc::clone(&service));
    Ok((broker, topic, app, journal, service))
}

#[kafka_listener(
    id = "needs",
    topic = "${in}",
    group = "${group}-needs",
    retry(attempts = 2),
    dead_letter = "off",
    circuit_breaker(failures = 2, pause = "100ms", max_pause = "200ms"),
    until_end
)]
async fn needs(
    text: String,
    metadata: RecordMetadata,
    State(service): State<Service>,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    service.handle(&journal, "needs", &metadata, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_what_is_down_has_not_read_to_the_end() -> Result<()> {
    let (_broker, _, app, journal, service) = without_service(2, 200).await?;
    let app = app.listeners(listeners![needs]);
    let mut events = app.events();
    let app = app.start().await?;
    let listener = app.listener("needs")?;
    for _ in 0..4 {
        let is_opened = async { while !matches!(events.next().await, Some(ListenerEvent::CircuitOpened { .. })) {} };
        tokio::time::timeout(PATIENCE, is_opened).await.context("it tries again and again")?;
        assert!(matches!(listener.state(), ListenerState::Running), "{:?}", listener.state());
    }
    service.0.store(true, SeqCst);
    finished(&listener).await?;
    let mut seen: Vec<u32> = journal.payloads().iter().filter_map(|text| text.parse().ok()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..200).collect::<Vec<_>>(), "each once, and none given up");
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(
    id = "rejects",
    topic = "${in}",
    group = "${group}-rejects",
    retry(attempts = 1),
    dead_letter = "*-dlt",
    dead_letter_brake(share = "30%", within = "10m", at_least = 10),
    until_end
)]
async fn rejects(
    text: String,
    metadata: RecordMetadata,
    State(service): State<Service>,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    service.handle(&journal, "rejects", &metadata, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_its_brake_stops_has_failed_and_not_finished_and_reads_on_when_it_is_started_again() -> Result<()> {
    let (broker, topic, app, journal, service) = without_service(1, 100).await?;
    let app = app.listeners(listeners![rejects]).start().await?;
    let listener = app.listener("rejects")?;
    let ended = tokio::time::timeout(PATIENCE, listener.finished()).await.context("it goes on")?;
    let error = ended.expect_err("its brake has stopped it");
    assert_eq!(error.kind(), ErrorKind::DeadLetterBrake, "{error}");
    let n_letters = broker.end_offsets(&format!("{topic}-dlt"))?.values().sum::<i64>();
    service.0.store(true, SeqCst);
    listener.start()?;
    finished(&listener).await?;
    let n_handled = i64::try_from(journal.entries().len())?;
    assert_eq!(n_letters + n_handled, 100, "each is handled or a letter: {n_letters} letters");
    app.stop().await.expect_clean();
    Ok(())
}

/// How often each key came, as it was written when its partition was given back.
#[derive(Debug, Default)]
struct Written(std::sync::Mutex<BTreeMap<Vec<u8>, u32>>);

#[derive(Default)]
struct Count(u32);

impl KeyedState for Count {
    async fn flush(self, scope: KeyScope<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let written = scope.state::<Written>().ok_or("nowhere to write to")?;
        tokio::time::sleep(Duration::from_millis(50)).await; // Whoever does not wait for it sees it missing.
        written.0.lock().map_err(|_| "poisoned")?.insert(scope.key().to_vec(), self.0);
        Ok(())
    }
}

#[kafka_listener(id = "counts", topic = "${in}", group = "${group}-counts", ordering = "key", until_end)]
async fn counts(_text: String, _key: Key<String>, mut count: KeyState<'_, Count>) {
    count.0 += 1;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_keys_are_written_before_it_has_finished() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("end", 3).await?;
    let records = (0..300).map(|n| record(format!("key-{}", n % 30), n.to_string()));
    broker.produce(&topic, records.collect::<Vec<_>>()).await?;
    let (app, _) = app(&broker, &topic);
    let written = Arc::<Written>::default();
    let app = app.shared_state(Arc::clone(&written)).listeners(listeners![counts]).start().await?;
    finished(&app.listener("counts")?).await?;
    let counts: Vec<_> = written.0.lock().expect("nobody panics with it").values().copied().collect();
    assert_eq!(counts, [10; 30]);
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "serves", topic = "${in}", group = "${group}-serves", start_after = "loads")]
async fn serves(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("serves", &metadata, text, 1);
}

fn serves_after(id: &str) -> impl Iterator<Item = Listener> {
    listeners![serves].into_iter().map(move |serves| serves.start_after(id))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_after_another_sees_nothing_before_that_has_finished() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("load", 3).await?;
    broker.produce(&topic, numbers(0..300)).await?;
    let (app, journal) = app(&broker, &topic);
    let app = app.listeners(listeners![serves, loads]).start().await?;
    assert!(matches!(app.listener("serves")?.state(), ListenerState::Waiting { .. }));
    app.ready().await?;
    let entries = journal.wait_for(600).await?;
    let who: Vec<_> = entries.iter().map(|entry| entry.who.as_str()).collect();
    assert_eq!(who, [["loads"; 300], ["serves"; 300]].concat());
    app.stop().await.expect_clean();
    Ok(())
}

#[kafka_listener(id = "fails", topic = "${in}", group = "${group}-fails", retry(attempts = 1), until_end)]
async fn fails(_: String) -> Result<(), Failed> {
    Err(Failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_after_one_that_fails_fails_and_says_so() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("load", 1).await?;
    broker.produce(&topic, numbers(0..1)).await?;
    let (app, journal) = app(&broker, &topic);
    let app = app.listeners(listeners![fails].into_iter().chain(serves_after("fails"))).start().await?;
    let serves = app.listener("serves")?;
    let failed = serves.wait_for(|state| matches!(state, ListenerState::Failed(_)));
    let ListenerState::Failed(error) = tokio::time::timeout(PATIENCE, failed).await? else {
        unreachable!("waited for")
    };
    let text = error.to_string();
    assert!(text.contains("listener `serves` was not started: it starts after `fails`, which failed"), "{text}");
    let error = app.ready().await.expect_err("neither runs").to_string();
    assert!(error.contains("fails"), "{error}");
    serves.start()?;
    journal.wait_for(1).await.context("it can be started all the same")?;
    let _has_failed = app.stop().await;
    Ok(())
}

#[kafka_listener(id = "follows", topic = "${in}", group = "${group}-follows", auto_start = false)]
async fn follows(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("follows", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_starts_after_one_that_reads_on_starts_when_that_runs() -> Result<()> {
    let broker = TestBroker::start()?;
    let topic = broker.topic("load", 1).await?;
    broker.produce(&topic, numbers(0..1)).await?;
    let (app, journal) = app(&broker, &topic);
    let app = app.listeners(listeners![follows].into_iter().chain(serves_after("follows"))).start().await?;
    let serves = app.listener("serves")?;
    let error = serves.ready(Duration::from_millis(10)).await.expect_err("it waits").to_string();
    assert!(error.contains("it starts after `follows`"), "{error}");
    serves.stop().await?;
    assert!(matches!(serves.state(), ListenerState::Stopped), "who waits can be stopped");
    app.stop().await.expect_clean();

    let (app, _) = self::app(&broker, &topic);
    let app = app
        .state(journal.clone())
        .listeners(listeners![follows].into_iter().chain(serves_after("follows")))
        .start()
        .await?;
    app.listener("follows")?.start()?;
    app.listener("serves")?.ready(PATIENCE).await?;
    journal.wait_for(2).await?;
    app.stop().await.expect_clean();
    Ok(())
}
