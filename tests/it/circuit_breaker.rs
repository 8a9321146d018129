//! While what a handler needs is down: nothing is handled, nothing is given up, and nobody is evicted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use kafka_app::{
    CircuitState, DeliveryAttempt, KafkaApp, KafkaError, ListenerEvent, ListenerState, RecordMetadata, RunningApp,
    State, kafka_listener, listeners,
};
use kafka_app_tests::{Failed, Journal, PATIENCE, TestBroker, record};

/// What the handlers need.
#[derive(Debug, Default)]
struct Service {
    is_down: AtomicBool,
    n_refused: AtomicU32,
}

impl Service {
    fn call(&self) -> bool {
        let is_down = self.is_down.load(SeqCst);
        self.n_refused.fetch_add(u32::from(is_down), SeqCst);
        !is_down
    }
}

#[kafka_listener(
    id = "guarded",
    topic = "${in}",
    group = "${group}",
    concurrency = 2,
    retry(attempts = 4),
    dead_letter = "*-dlt",
    circuit_breaker(failures = 4, pause = "300ms", max_pause = "1s")
)]
async fn guarded(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(service): State<Service>,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    if !service.call() {
        return Err(Failed);
    }
    journal.note("guarded", &metadata, &text, attempt);
    Ok(())
}

#[derive(Debug, KafkaError)]
enum PayError {
    #[not_now(after = wait)]
    TooMany { wait: Duration },
}

impl std::fmt::Display for PayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too many requests")
    }
}

impl std::error::Error for PayError {}

#[kafka_listener(id = "pay", topic = "${in}", group = "${group}", retry_topics(attempts = 2, backoff = "100ms"))]
async fn pay(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(service): State<Service>,
    State(journal): State<Journal>,
) -> Result<(), PayError> {
    if !service.call() {
        return Err(PayError::TooMany { wait: Duration::from_millis(500) });
    }
    journal.note("pay", &metadata, &text, attempt);
    Ok(())
}

struct Case {
    broker: TestBroker,
    journal: Journal,
    service: Arc<Service>,
    source: String,
}

impl Case {
    async fn new(partitions: i32) -> Result<Self> {
        let broker = match std::env::var("KAFKA_APP_TEST_BOOTSTRAP") {
            Ok(_) => TestBroker::start()?,
            Err(_) => TestBroker::embedded(&[("group.min.session.timeout.ms", "500")])?,
        };
        let source = broker.topic("orders", partitions).await?;
        Ok(Self { broker, journal: Journal::default(), service: Arc::default(), source })
    }

    async fn start(&self, listeners: Vec<kafka_app::Listener>, settings: &[(&str, &str)]) -> Result<RunningApp> {
        let app = KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.source)
            .set("group", self.broker.name("billing"))
            .state(self.journal.clone())
            .shared_state(Arc::clone(&self.service));
        let app = settings.iter().fold(app, |app, (key, value)| app.set(*key, *value));
        let app = app.listeners(listeners).start().await?;
        app.ready().await?;
        Ok(app)
    }

    async fn produce(&self, numbers: std::ops::Range<u32>) -> Result<()> {
        self.broker.produce(&self.source, numbers.map(|n| record(n.to_string(), n.to_string()))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_makes_no_dead_letter_and_evicts_nobody() -> Result<()> {
    for delivery in ["at-least-once", "exactly-once"] {
        let case = Case::new(4).await?;
        let settings = [
            ("kafka.consumer.max-poll-interval", "6s"),
            ("kafka.consumer.properties.session.timeout.ms", "6000"),
            ("kafka.listeners.guarded.delivery", delivery),
        ];
        let app = case.start(listeners![guarded], &settings).await?;
        let listener = app.listener("guarded")?;
        let mut events = listener.events();
        case.produce(0..50).await?;
        case.journal.wait_for(50).await?;
        let rebalances = listener.rebalances();
        case.service.is_down.store(true, SeqCst);
        case.produce(50..400).await?;
        let mut opened = 0;
        let began = Instant::now();
        // Longer than a member may be without a poll.
        while opened < 4 || began.elapsed() < Duration::from_secs(7) {
            if let Some(ListenerEvent::CircuitOpened { .. }) = tokio::time::timeout(PATIENCE, events.next()).await? {
                opened += 1;
            }
        }
        assert_ne!(listener.circuit(), CircuitState::Closed);
        assert_eq!(listener.metrics().counts().handled, 50);
        assert!(case.service.n_refused.load(SeqCst) < 40, "it is left alone: {}", case.service.n_refused.load(SeqCst));
        case.service.is_down.store(false, SeqCst);
        case.journal.wait_for(400).await?;
        assert_eq!((listener.circuit(), listener.rebalances()), (CircuitState::Closed, rebalances), "{delivery}");
        let counts = listener.metrics().counts();
        assert_eq!((counts.dead_lettered, counts.skipped), (0, 0), "{counts:?}");
        app.stop().await.expect_clean();
        let mut payloads: Vec<u32> = case.journal.payloads().iter().map(|p| p.parse()).collect::<Result<_, _>>()?;
        payloads.sort_unstable();
        assert_eq!(payloads, (0..400).collect::<Vec<_>>(), "each once, {delivery}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_says_not_now_has_its_record_again_from_where_it_was() -> Result<()> {
    let case = Case::new(1).await?;
    let app = case.start(listeners![pay], &[]).await?;
    case.service.is_down.store(true, SeqCst);
    case.produce(0..3).await?;
    let listener = app.listener("pay")?;
    let mut events = listener.events();
    for _ in 0..2 {
        while !matches!(events.next().await, Some(ListenerEvent::CircuitOpened { .. })) {}
    }
    case.service.is_down.store(false, SeqCst);
    case.journal.wait_for(3).await?;
    // What a chunk counted is there when it ends.
    app.stop().await.expect_clean();
    let counts = listener.metrics().counts();
    assert_eq!((counts.forwarded, counts.dead_lettered, counts.handled), (0, 0, 3), "{counts:?}");
    assert!(counts.postponed >= 2, "{counts:?}");
    assert_eq!(case.journal.payloads(), ["0", "1", "2"], "in order");
    assert!(case.journal.entries().iter().all(|entry| entry.attempt == 1), "and as the first delivery");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_for_a_time_ends_by_itself_unless_something_else_is_said() -> Result<()> {
    let case = Case::new(1).await?;
    let app = case.start(listeners![pay], &[]).await?;
    let listener = app.listener("pay")?;
    let began = Instant::now();
    listener.pause_for(Duration::from_secs(1))?;
    assert!(matches!(listener.state(), ListenerState::Paused));
    case.produce(0..2).await?;
    case.journal.wait_for(2).await?;
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(matches!(listener.state(), ListenerState::Running));

    listener.pause_for(Duration::from_millis(100))?;
    listener.pause();
    case.produce(2..3).await?;
    let quiet = tokio::time::timeout(Duration::from_secs(1), case.journal.wait_for(3)).await;
    assert!(quiet.is_err(), "a pause without an end took its place");
    listener.resume();
    case.journal.wait_for(3).await?;
    app.stop().await.expect_clean();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_of_a_retry_topic_leaves_the_circuit_of_its_listener_open_and_one_of_both_closes_it() -> Result<()> {
    let case = Case::new(1).await?;
    let app = case.start(listeners![refused], &[]).await?;
    let (listener, retry_topic) = (app.listener("refused")?, app.listener("refused-retry")?);
    let mut events = listener.events();
    case.service.is_down.store(true, SeqCst);
    case.produce(0..1).await?;
    let opened = async { while !matches!(events.next().await, Some(ListenerEvent::CircuitOpened { .. })) {} };
    tokio::time::timeout(PATIENCE, opened).await?;
    retry_topic.stop().await?;
    retry_topic.start()?;
    assert!(matches!(listener.circuit(), CircuitState::Open { .. }), "{:?}", listener.circuit());
    listener.stop().await?;
    case.service.is_down.store(false, SeqCst);
    listener.start()?;
    assert_eq!(listener.circuit(), CircuitState::Closed, "it begins anew, with its retry topic");
    case.journal.wait_for(1).await?;
    app.stop().await.expect_clean();
    Ok(())
}

/// Asks for so long a pause that no test sees its end.
#[kafka_listener(id = "refused", topic = "${in}", group = "${group}", retry_topics(attempts = 2, backoff = "100ms"))]
async fn refused(
    text: String,
    metadata: RecordMetadata,
    State(service): State<Service>,
    State(journal): State<Journal>,
) -> Result<(), PayError> {
    if !service.call() {
        return Err(PayError::TooMany { wait: Duration::from_secs(3_600) });
    }
    journal.note("refused", &metadata, &text, 1);
    Ok(())
}
