//! Failures: retried, dead-lettered, skipped, or the listener stops. Never lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use kafka_app::{
    DeliveryAttempt, Json, KafkaApp, KafkaError, ListenerState, RecordMetadata, RunningApp, State, kafka_listener,
    listeners,
};
use kafka_app_tests::{Journal, PATIENCE, TestBroker, record};

#[derive(Debug, KafkaError)]
enum OrderError {
    Busy,
    #[dead_letter]
    Unknown,
    #[skip]
    Old,
    #[stop]
    Corrupt,
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "order error {self:?}")
    }
}

impl std::error::Error for OrderError {}

#[kafka_listener(
    id = "classified",
    topic = "${in}",
    group = "${group}",
    dead_letter = "${dlt}",
    retry(attempts = 3, backoff = "1ms")
)]
async fn classified(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) -> Result<(), OrderError> {
    journal.note("classified", &metadata, &text, attempt);
    match text.as_str() {
        "busy twice" if attempt < 3 => Err(OrderError::Busy),
        "busy" => Err(OrderError::Busy),
        "unknown" => Err(OrderError::Unknown),
        "old" => Err(OrderError::Old),
        "corrupt" => Err(OrderError::Corrupt),
        "panic" if attempt < 2 => panic!("the handler panics on purpose"),
        _ => Ok(()),
    }
}

struct Case {
    broker: TestBroker,
    journal: Journal,
    topic: String,
    dlt: String,
    group: String,
}

impl Case {
    async fn new() -> Result<Self> {
        let broker = TestBroker::start()?;
        let (topic, dlt) = (broker.topic("orders", 1).await?, broker.topic("orders-dlt", 1).await?);
        let group = broker.name("orders");
        Ok(Self { broker, journal: Journal::default(), topic, dlt, group })
    }

    fn app(&self) -> KafkaApp {
        KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.topic)
            .set("dlt", &self.dlt)
            .set("group", &self.group)
            .state(self.journal.clone())
    }

    async fn start(&self) -> Result<RunningApp> {
        Ok(self.app().listeners(listeners![classified]).start().await?)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_of_error_goes_its_way_and_order_is_kept() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start().await?;
    let payloads = ["ok 1", "busy twice", "busy", "unknown", "old", "panic", "ok 2"];
    case.broker.produce(&case.topic, payloads.map(|p| record("k", p))).await?;

    case.journal.wait_until(|entries| entries.iter().any(|e| e.payload == "ok 2")).await?;
    app.stop().await.expect_clean();
    assert_eq!(case.journal.attempts("busy twice"), [1, 2, 3], "retried in place until it succeeds");
    assert_eq!(case.journal.attempts("busy"), [1, 2, 3], "three deliveries, then the dead letter topic");
    assert_eq!(case.journal.attempts("unknown"), [1]);
    assert_eq!(case.journal.attempts("old"), [1]);
    assert_eq!(case.journal.attempts("panic"), [1, 2], "a panic is an error of its record alone");
    let dead = case.broker.records(&case.dlt, 2).await?;
    assert_eq!(dead.iter().map(|r| r.text()).collect::<Vec<_>>(), ["busy", "unknown"]);
    let mut firsts = case.journal.payloads();
    firsts.dedup();
    assert_eq!(firsts, payloads, "a record is retried before the next one is handled");
    assert_eq!(case.broker.committed(&case.group, &case.topic)?[&0], 7);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_carry_the_original_and_springs_headers() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start().await?;
    let mut poison = record("key", "unknown");
    poison.headers = vec![("trace".to_owned(), b"t1".to_vec())];
    case.broker.produce(&case.topic, [record("k", "ok"), poison]).await?;

    let dead = case.broker.records(&case.dlt, 1).await?.remove(0);
    app.stop().await.expect_clean();
    assert_eq!((dead.key.as_deref(), dead.text().as_str()), (Some("key"), "unknown"));
    assert_eq!(dead.header("trace"), Some(b"t1".as_slice()), "headers of the record stay");
    assert_eq!(dead.header("kafka_dlt-original-topic"), Some(case.topic.as_bytes()));
    assert_eq!(dead.header("kafka_dlt-original-partition"), Some(0_i32.to_be_bytes().as_slice()));
    assert_eq!(dead.header("kafka_dlt-original-offset"), Some(1_i64.to_be_bytes().as_slice()));
    assert_eq!(dead.header("kafka_dlt-original-consumer-group"), Some(case.group.as_bytes()));
    assert_eq!(dead.header("kafka_dlt-exception-message"), Some(b"order error Unknown".as_slice()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_stops_leaves_its_record_uncommitted_and_the_listener_failed() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start().await?;
    case.broker.produce(&case.topic, ["ok", "corrupt", "after"].map(|p| record("k", p))).await?;

    let listener = app.listener("classified").unwrap();
    let state =
        tokio::time::timeout(PATIENCE, listener.wait_for(|state| matches!(state, ListenerState::Failed(_)))).await?;
    let ListenerState::Failed(reason) = state else { unreachable!("waited for it") };
    for part in [case.topic.as_str(), "order error Corrupt", "offset 1"] {
        assert!(reason.to_string().contains(part), "{reason:?} names {part:?}");
    }
    let _ = app.stop().await;
    assert_eq!(case.journal.payloads(), ["ok", "corrupt"], "nothing behind it was handled");
    assert_eq!(case.broker.committed(&case.group, &case.topic)?[&0], 1, "a next start meets the record again");
    Ok(())
}

#[kafka_listener(id = "parsed", topic = "${in}", group = "${group}", dead_letter = "${dlt}")]
async fn parsed(Json(number): Json<u32>, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("parsed", &metadata, number.to_string(), 1);
}

#[kafka_listener(id = "utf8", topic = "${in}", group = "${group}", dead_letter = "${dlt}")]
async fn utf8(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("utf8", &metadata, text, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_json_is_dead_lettered_at_once_with_its_bytes_and_the_place_of_the_mistake() -> Result<()> {
    let case = Case::new().await?;
    let app = case.app().listeners(listeners![parsed]).start().await?;
    case.broker.produce(&case.topic, ["1", "12x", "3"].map(|p| record("k", p))).await?;
    case.journal.wait_for(2).await?;
    app.stop().await.expect_clean();
    assert_eq!(case.journal.payloads(), ["1", "3"]);
    let dead = case.broker.records(&case.dlt, 1).await?.remove(0);
    assert_eq!(dead.text(), "12x");
    let message = String::from_utf8_lossy(dead.header("kafka_dlt-exception-message").unwrap()).into_owned();
    assert!(message.contains("line 1 column 3"), "{message}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8_is_dead_lettered_with_its_bytes_unchanged() -> Result<()> {
    let case = Case::new().await?;
    let app = case.app().listeners(listeners![utf8]).start().await?;
    case.broker.produce(&case.topic, [record("k", b"ok \xff\xfe".to_vec()), record("k", "fine")]).await?;
    case.journal.wait_for(1).await?;
    app.stop().await.expect_clean();
    assert_eq!(case.journal.payloads(), ["fine"]);
    assert_eq!(case.broker.records(&case.dlt, 1).await?[0].payload.as_deref(), Some(b"ok \xff\xfe".as_slice()));
    Ok(())
}

#[derive(Default)]
struct Calls(AtomicU32);

#[kafka_listener(
    id = "never",
    topic = "${in}",
    group = "${group}",
    dead_letter = "${dlt}",
    timeout = "50ms",
    retry(attempts = 2)
)]
async fn never(text: String, State(calls): State<Calls>) {
    calls.0.fetch_add(1, Ordering::SeqCst);
    if text == "never" {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_never_returns_times_out_and_its_record_is_dead_lettered() -> Result<()> {
    let case = Case::new().await?;
    let calls = Arc::new(Calls::default());
    let app = case.app().shared_state(Arc::clone(&calls)).listeners(listeners![never]).start().await?;
    case.broker.produce(&case.topic, ["never", "fine"].map(|p| record("k", p))).await?;
    let dead = case.broker.records(&case.dlt, 1).await?.remove(0);
    assert_eq!(dead.text(), "never");
    app.stop().await.expect_clean();
    assert_eq!(calls.0.load(Ordering::SeqCst), 3, "two deliveries of the first record and one of the second");
    Ok(())
}

#[kafka_listener(id = "hanging", topic = "${in}", group = "${group}")]
async fn hanging(text: String, metadata: RecordMetadata, State(journal): State<Journal>) {
    journal.note("hanging", &metadata, text, 1);
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_cuts_off_a_handler_that_never_returns_and_says_so() -> Result<()> {
    let case = Case::new().await?;
    let app = case.app().set("kafka.listener.shutdown-timeout", "300ms").listeners(listeners![hanging]).start().await?;
    case.broker.produce(&case.topic, [record("k", "stuck")]).await?;
    case.journal.wait_for(1).await?;
    let report = tokio::time::timeout(Duration::from_secs(20), app.stop()).await?;
    assert!(!report.is_clean());
    assert!(report.to_string().contains("hanging"), "{report}");
    assert!(case.broker.committed(&case.group, &case.topic)?.is_empty(), "the record stays uncommitted");
    Ok(())
}

#[kafka_listener(
    id = "inflating",
    topic = "${in}",
    group = "${group}",
    dead_letter = "${dlt}",
    send_to = "${out}",
    retry(attempts = 2)
)]
async fn inflating(n_bytes: String) -> String {
    "x".repeat(n_bytes.parse().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_too_large_to_send_dead_letters_its_record() -> Result<()> {
    let case = Case::new().await?;
    let out = case.broker.topic("inflated", 1).await?;
    let app = case.app().set("out", &out).listeners(listeners![inflating]).start().await?;
    case.broker.produce(&case.topic, ["10", "5000000", "20"].map(|p| record("k", p))).await?;
    assert_eq!(case.broker.records(&out, 2).await?.iter().map(|r| r.text().len()).collect::<Vec<_>>(), [10, 20]);
    let dead = case.broker.records(&case.dlt, 1).await?.remove(0);
    assert_eq!(dead.text(), "5000000", "the dead letter is the record that was handled, not what came of it");
    let message = String::from_utf8_lossy(dead.header("kafka_dlt-exception-message").unwrap()).into_owned();
    assert!(message.contains(&out), "{message}");
    app.stop().await.expect_clean();
    assert_eq!(case.broker.committed(&case.group, &case.topic)?[&0], 3);
    Ok(())
}
