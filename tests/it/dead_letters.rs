//! Dead letters: handlers of their own, topics by error, and the way back.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use anyhow::Result;
use kafka_app::{
    Batch, BatchRecord, DeliveryAttempt, Headers, KafkaApp, KafkaError, NewTopic, RecordMetadata, RunningApp, State,
    Text, WhyLeft, dlt_handler, kafka_listener, listeners,
};
use kafka_app_tests::{Failed, Journal, Record, TestBroker, record};

/// Whether the fault is mended for which records were given up.
#[derive(Debug, Default)]
struct Mended(AtomicBool);

#[kafka_listener(id = "bill", topic = "${in}", group = "${group}", retry_topics(attempts = 2, backoff = "50ms"))]
async fn bill(
    text: String,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
    State(mended): State<Mended>,
) -> Result<(), Failed> {
    if text.starts_with("bad") && !mended.0.load(SeqCst) {
        return Err(Failed);
    }
    journal.note("bill", &metadata, &text, attempt);
    Ok(())
}

/// `bad 5` is handled the fifth time, counted over all topics.
#[dlt_handler(of = "bill")]
async fn until_handled(
    text: String,
    headers: Headers,
    metadata: RecordMetadata,
    DeliveryAttempt(attempt): DeliveryAttempt,
    State(journal): State<Journal>,
) -> Result<(), Failed> {
    assert_eq!(headers.last("kafka_exception-message"), Some(Some(&b"it failed on purpose"[..])));
    journal.note("letter", &metadata, &text, attempt);
    match text.strip_prefix("bad ").map(str::parse) {
        Some(Ok(times)) if attempt < times => Err(Failed),
        _ => Ok(()),
    }
}

#[dlt_handler(of = "bill", on_failure = "skip")]
async fn once(text: String, metadata: RecordMetadata, State(journal): State<Journal>) -> Result<(), Failed> {
    journal.note("letter", &metadata, &text, 1);
    Err(Failed)
}

struct Case {
    broker: TestBroker,
    journal: Journal,
    source: String,
}

impl Case {
    async fn new() -> Result<Self> {
        let broker = TestBroker::start()?;
        let source = broker.topic("orders", 1).await?;
        Ok(Self { broker, journal: Journal::default(), source })
    }

    fn app(&self) -> KafkaApp {
        KafkaApp::new(self.broker.bootstrap_servers())
            .set("in", &self.source)
            .set("group", self.broker.name("billing"))
            .state(self.journal.clone())
            .state(Mended::default())
    }

    async fn start(&self, listeners: Vec<kafka_app::Listener>) -> Result<RunningApp> {
        Ok(self.app().listeners(listeners).start().await?)
    }

    async fn produce(&self, payloads: &[&str]) -> Result<()> {
        self.broker.produce(&self.source, payloads.iter().map(|p| record(*p, *p))).await
    }

    fn dlt(&self) -> String {
        format!("{}-dlt", self.source)
    }

    fn attempts(&self, who: &str, payload: &str) -> Vec<u32> {
        let entries = self.journal.entries();
        entries.iter().filter(|e| e.who == who && e.payload == payload).map(|e| e.attempt).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_of_dead_letters_has_them_again_until_it_handles_them() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start(listeners![bill, until_handled]).await?;
    case.produce(&["bad 5", "bad", "ok"]).await?;
    case.journal.wait_until(|entries| entries.iter().any(|e| e.payload == "bad 5" && e.attempt == 5)).await?;
    app.stop().await.expect_clean();
    assert_eq!(case.attempts("bill", "ok"), [1]);
    assert_eq!(case.attempts("letter", "bad 5"), [3, 4, 5], "two attempts were made before");
    assert_eq!(case.attempts("letter", "bad"), [3]);
    // Twice round, without a header more.
    let letters = case.broker.records(&case.dlt(), 4).await?;
    let of_record: Vec<_> = letters.iter().filter(|letter| letter.text() == "bad 5").collect();
    assert_eq!(of_record.len(), 3);
    assert_eq!(of_record[2].header("kafka_original-topic"), Some(case.source.as_bytes()));
    assert_eq!(of_record[2].headers.len(), of_record[0].headers.len(), "{:?}", of_record[2].headers);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_of_dead_letters_may_look_at_each_once() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start(listeners![bill, once]).await?;
    case.produce(&["bad 1", "bad 2"]).await?;
    case.journal.wait_for(2).await?;
    let counts = app.listener("once")?.metrics().counts();
    app.stop().await.expect_clean();
    assert_eq!(case.journal.payloads(), ["bad 1", "bad 2"]);
    assert!(counts.skipped >= 1, "{counts:?}");
    assert_eq!(case.broker.end_offsets(&case.dlt())?[&0], 2, "they stay where they are");
    let group = format!("{}-dlt", case.broker.name("billing"));
    assert_eq!(case.broker.committed(&group, &case.dlt())?[&0], 2);
    Ok(())
}

#[derive(Debug, KafkaError)]
enum OrderError {
    #[dead_letter(topic = "*-fraud")]
    Fraud,
    #[retry(dead_letter = "*-late")]
    Late,
    #[dead_letter]
    Other,
}

impl std::fmt::Display for OrderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "order error {self:?}")
    }
}

impl std::error::Error for OrderError {}

fn judged(text: &str) -> Result<(), OrderError> {
    match text {
        "fraud" => Err(OrderError::Fraud),
        "late" => Err(OrderError::Late),
        "other" => Err(OrderError::Other),
        _ => Ok(()),
    }
}

#[kafka_listener(
    id = "judge",
    topic = "${in}",
    group = "${group}",
    retry_topics(attempts = 2, backoff = "50ms"),
    dead_letter = "*-rest"
)]
async fn judge(Text(text): Text) -> Result<(), OrderError> {
    judged(&text)
}

#[kafka_listener(id = "judge", topic = "${in}", group = "${group}", retry(attempts = 2), dead_letter = "*-rest")]
async fn judge_all(batch: Batch<Text>) -> Vec<Result<(), OrderError>> {
    batch.into_iter().map(|BatchRecord { payload: Text(text), .. }| judged(&text)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_chooses_the_topic_its_records_are_given_up_to() -> Result<()> {
    for delivery in ["at-least-once", "exactly-once"] {
        for listeners in [listeners![judge], listeners![judge_all]] {
            let case = Case::new().await?;
            let topic = |suffix: &str| format!("{}{suffix}", case.source);
            let topics = ["-fraud", "-late", "-rest"].map(|suffix| NewTopic::new(topic(suffix)).partitions(1));
            let app = case.app().set("kafka.listeners.judge.delivery", delivery).topics(topics).listeners(listeners);
            let app = app.start().await?;
            case.produce(&["fraud", "late", "other", "ok"]).await?;
            for (suffix, payload) in [("-fraud", "fraud"), ("-late", "late"), ("-rest", "other")] {
                let letters = case.broker.records(&topic(suffix), 1).await?;
                assert_eq!(letters.iter().map(Record::text).collect::<Vec<_>>(), [payload], "{delivery}");
            }
            app.stop().await.expect_clean();
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_replayed_through_the_handler_that_gave_them_up() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start(listeners![bill]).await?;
    case.produce(&["bad 1", "ok", "bad 2"]).await?;
    case.broker.records(&case.dlt(), 2).await?;
    app.state::<Mended>().expect("it was given").0.store(true, SeqCst);

    let report = app.replay(case.dlt()).run().await?;
    assert_eq!((report.n_replayed, report.n_left), (2, 0), "{report}");
    case.journal.wait_for(3).await?;
    let report = app.replay(case.dlt()).run().await?;
    assert_eq!((report.n_replayed, report.n_left), (0, 0), "an earlier run has looked at them: {report}");
    app.stop().await.expect_clean();
    assert_eq!(case.journal.payloads(), ["ok", "bad 1", "bad 2"], "in the order they were given up in");
    let back = case.broker.records(&case.source, 5).await?;
    let names = |record: &Record| record.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&back[3]), ["kafka_app-replays"], "nothing of its failure is left on it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_comes_back_again_and_again_is_left_and_reported() -> Result<()> {
    let case = Case::new().await?;
    let app = case.start(listeners![bill]).await?;
    case.produce(&["bad"]).await?;
    for n_letters in 1..4 {
        case.broker.records(&case.dlt(), n_letters).await?;
        let report = app.replay(case.dlt()).run().await?;
        assert_eq!((report.n_replayed, report.n_left), (1, 0), "{report}");
    }
    case.broker.records(&case.dlt(), 4).await?;
    let report = app.replay(case.dlt()).run().await?;
    assert_eq!((report.n_replayed, report.n_left), (0, 1), "{report}");
    assert!(matches!(report.left[..], [(_, 3, WhyLeft::Replayed(3))]), "{report}");
    let report = app.replay(case.dlt()).from_beginning().max_replays(4).run().await?;
    assert_eq!((report.n_replayed, report.n_left), (4, 0), "all of them, since it is said: {report}");
    let error = app.replay(case.broker.name("no-such-topic")).run().await.unwrap_err().to_string();
    assert!(error.contains("no-such-topic"), "{error}");
    app.stop().await.expect_clean();
    Ok(())
}
