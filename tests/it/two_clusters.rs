//! One application on two clusters, on whichever brokers the run has: embedded ones, or one or two real Kafkas.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result};
use kafka_app::{
    BoxRecordHandler, Cluster, HandlerFuture, KafkaApp, Outcome, RecordContext, RecordHandler, SendError, State,
    TemplateOf, Text, around, kafka_listener, listeners,
};
use kafka_app_tests::{Failed, PATIENCE, Record, TestBroker, record};

struct Audit;

impl Cluster for Audit {
    const NAME: &'static str = "audit";
}

/// What it reads it carries to the other cluster.
#[kafka_listener(id = "carry", topic = "${in}", group = "${group}", send_to = "${out}")]
async fn carry(
    text: String,
    audit: TemplateOf<Audit, String, Text>,
    State(target): State<Target>,
) -> Result<String, SendError> {
    audit.send(&target.0, "k", &Text(text.clone())).await?;
    Ok(text)
}

/// Where the other cluster has what is carried.
struct Target(String);

#[kafka_listener(
    id = "settle",
    topic = "${in-audit}",
    group = "${group}",
    cluster = "audit",
    send_to = "${out-audit}",
    delivery = "exactly-once",
    retry(attempts = 1),
    retry_topics(attempts = 2, backoff = "10ms")
)]
async fn settle(text: String) -> Result<String, Failed> {
    if text == "bad" { Err(Failed) } else { Ok(text.to_uppercase()) }
}

/// Who was called with what.
#[derive(Debug, Default)]
struct Calls(Mutex<BTreeSet<(String, String)>>);

fn noted<'r>(cx: RecordContext<'r>, handler: &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome> {
    Box::pin(async move {
        if let Some(calls) = cx.state::<Calls>() {
            let payload = String::from_utf8_lossy(cx.record().payload().unwrap_or_default()).into_owned();
            calls.0.lock().expect("nobody panics with it").insert((cx.listener_id().to_owned(), payload));
        }
        handler.call(cx).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_go_around_the_handlers_of_all_clusters_and_what_each_sends_stays_on_its_own() -> Result<()> {
    let (main, audit) = (TestBroker::start()?, TestBroker::start_second()?);
    let (source, out) = (main.topic("in", 2).await?, main.topic("out", 1).await?);
    let (source_audit, out_audit) = (audit.topic("in", 2).await?, audit.topic("out", 1).await?);
    let calls = Arc::<Calls>::default();
    let app = KafkaApp::new(main.bootstrap_servers())
        .set("kafka.clusters.audit.bootstrap-servers", audit.bootstrap_servers())
        .set("kafka.clusters.audit.producer.transaction-id-prefix", audit.name("tx"))
        .set("in", &source)
        .set("out", &out)
        .set("in-audit", &source_audit)
        .set("out-audit", &out_audit)
        .set("group", main.name("two"))
        .state(Target(source_audit.clone()))
        .shared_state(Arc::clone(&calls))
        .listeners(listeners![carry, settle])
        .layer(around(noted))
        .start()
        .await?;
    app.ready().await?;
    main.produce(&source, [record("a", "good"), record("b", "bad")]).await?;

    let texts = |records: Vec<Record>| records.iter().map(Record::text).collect::<BTreeSet<_>>();
    assert_eq!(texts(main.records(&out, 2).await?), ["bad", "good"].map(str::to_owned).into());
    assert_eq!(texts(audit.records(&out_audit, 1).await?), ["GOOD".to_owned()].into());
    let letters = format!("{source_audit}-dlt");
    assert_eq!(texts(audit.records(&letters, 1).await?), ["bad".to_owned()].into());
    let report = tokio::time::timeout(PATIENCE, app.stop()).await.context("it does not stop")?;
    report.expect_clean();

    let called = |listener: &str, text: &str| (listener.to_owned(), text.to_owned());
    let expected = [
        called("carry", "good"),
        called("carry", "bad"),
        called("settle", "good"),
        called("settle", "bad"),
        called("settle-retry", "bad"),
    ];
    assert_eq!(*calls.0.lock().expect("nobody panics with it"), expected.into());
    assert!(main.end_offsets(&letters).is_err(), "no letter is on the cluster that it did not come from");
    Ok(())
}
