//! Layers go around handlers, interceptors around everything that is sent.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use anyhow::Result;
use bytes::Bytes;
use kafka_app::{
    Batch, BoxRecordHandler, HandlerFuture, KafkaApp, Layer, Listener, Outcome, Outputs, ProducerInterceptor,
    ProducerRecord, RecordContext, RecordHandler, SendError, SendResult, Template, Text, around, batch_handler_fn,
    handler_fn, kafka_listener, listeners,
};
use kafka_app_tests::{Record, TestBroker, record};

#[kafka_listener(id = "shout", topic = "${in}", group = "${group}", send_to = "${out}", dead_letter = "${dead}")]
async fn shout(Text(text): Text) -> Result<String, String> {
    match text.as_str() {
        "bad" => Err("as told".to_owned()),
        _ => Ok(text.to_uppercase()),
    }
}

/// Sets records aside whose key says so.
fn without_tests<'r>(cx: RecordContext<'r>, handler: &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome> {
    Box::pin(async move {
        match cx.record().key() {
            Some(b"test") => Outcome::Done(Outputs::None),
            _ => handler.call(cx).await,
        }
    })
}

/// Signs what is sent, keeps back what is secret, and counts the answers.
#[derive(Default)]
struct Signed {
    n_acknowledged: AtomicUsize,
    n_failed: AtomicUsize,
}

struct Shared(Arc<Signed>);

impl ProducerInterceptor for Shared {
    fn on_send(&self, record: &mut ProducerRecord) -> kafka_app::Result<()> {
        if record.payload.as_deref() == Some(b"secret") {
            return Err(kafka_app::Error::new(kafka_app::ErrorKind::Refused, "it is secret"));
        }
        record.headers.push("signed", Some("billing".into()));
        Ok(())
    }

    fn on_acknowledgement(&self, _: &str, result: Result<&SendResult, &SendError>) {
        match result {
            Ok(_) => self.0.n_acknowledged.fetch_add(1, Relaxed),
            Err(_) => self.0.n_failed.fetch_add(1, Relaxed),
        };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_see_each_record_and_interceptors_all_that_is_sent() -> Result<()> {
    let broker = TestBroker::start()?;
    let (input, out, dead) =
        (broker.topic("in", 1).await?, broker.topic("out", 1).await?, broker.topic("dead", 1).await?);
    let signed = Arc::new(Signed::default());
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &input)
        .set("out", &out)
        .set("dead", &dead)
        .set("group", broker.name("shout"))
        .set("kafka.listener.retry.attempts", "1")
        .listeners(listeners![shout])
        .layer(around(without_tests))
        .producer_interceptor(Shared(Arc::clone(&signed)))
        .start()
        .await?;
    let template = app.template::<str, str>();
    template.send(&input, "k", "a").await?;
    template.send(&input, "test", "dropped by the layer").await?;
    template.send_all(&input, [("k", "bad"), ("k", "b")]).await?;
    template.try_send(&input, "k", "c")?.await?;
    template.in_transaction(|tx| async move { tx.send(&input, "k", "d").await }).await?;

    let sent = broker.records(&out, 4).await?;
    let payloads: Vec<_> = sent.iter().map(Record::text).collect();
    assert_eq!(payloads, ["A", "B", "C", "D"], "in order, without what the layer dropped");
    let dead = broker.records(&dead, 1).await?;
    for record in sent.iter().chain(&dead) {
        assert_eq!(record.header("signed"), Some(&b"billing"[..]));
    }
    let failed = template.send(&out, "k", "secret").await.expect_err("an interceptor keeps it back");
    assert!(failed.to_string().contains("interceptor"), "{failed}");
    app.stop().await.expect_clean();
    // Six that were put in, four that were returned, a dead letter; and one that was kept back.
    assert_eq!((signed.n_acknowledged.load(Relaxed), signed.n_failed.load(Relaxed)), (11, 1));
    Ok(())
}

tokio::task_local! {
    static TRACE: Bytes;
}

/// As docs/spring.md has it.
fn in_trace<'r>(cx: RecordContext<'r>, handler: &'r BoxRecordHandler) -> HandlerFuture<'r, Outcome> {
    let mut trace = None;
    cx.record().for_each_header(|name, value| {
        if name == "traceparent" {
            trace = value.map(Bytes::copy_from_slice);
        }
    });
    Box::pin(async move {
        let Some(trace) = trace else { return handler.call(cx).await };
        let mut outcome = TRACE.scope(trace.clone(), handler.call(cx)).await;
        if let Outcome::Done(Outputs::One(output)) = &mut outcome {
            output.record.headers.push("traceparent", Some(trace));
        }
        outcome
    })
}

struct OfTemplates;

impl ProducerInterceptor for OfTemplates {
    fn on_send(&self, record: &mut ProducerRecord) -> kafka_app::Result<()> {
        if let Ok(trace) = TRACE.try_with(Bytes::clone) {
            record.headers.push("traceparent", Some(trace));
        }
        Ok(())
    }
}

/// Returns, sends beside it, and fails.
#[kafka_listener(
    id = "spread",
    topic = "${in}",
    group = "${group}",
    send_to = "${out}",
    dead_letter = "${dead}",
    retry(attempts = 1)
)]
async fn spread(Text(text): Text, template: Template<str, str>) -> Result<String> {
    tokio::task::yield_now().await;
    anyhow::ensure!(text != "bad", "as told");
    if let Some(topic) = text.strip_prefix("beside ") {
        template.send(topic, "k", "beside").await?;
    }
    Ok(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_comes_of_a_record_may_carry_its_trace() -> Result<()> {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let broker = TestBroker::start()?;
    let (input, out, dead, beside) = (
        broker.topic("in", 1).await?,
        broker.topic("out", 1).await?,
        broker.topic("dead", 1).await?,
        broker.topic("beside", 1).await?,
    );
    let app = KafkaApp::new(broker.bootstrap_servers())
        .set("in", &input)
        .set("out", &out)
        .set("dead", &dead)
        .set("group", broker.name("spread"))
        .listeners(listeners![spread])
        .layer(around(in_trace))
        .producer_interceptor(OfTemplates)
        .start()
        .await?;
    let traced =
        |text: String| Record { headers: vec![("traceparent".to_owned(), PARENT.into())], ..record("k", text) };
    let records = [traced(format!("beside {beside}")), traced("bad".to_owned()), record("k", "without")];
    broker.produce(&input, records).await?;

    let returned = broker.records(&out, 2).await?;
    let comes_of_it = [&returned[0], &broker.records(&beside, 1).await?[0], &broker.records(&dead, 1).await?[0]];
    for record in comes_of_it {
        let traces = record.headers.iter().filter(|(name, _)| name == "traceparent").count();
        assert_eq!((record.header("traceparent"), traces), (Some(PARENT.as_bytes()), 1), "{}", record.text());
    }
    assert_eq!(returned[1].header("traceparent"), None, "it is over with its record");
    app.stop().await.expect_clean();
    Ok(())
}

#[test]
fn a_layer_of_the_wrong_kind_is_a_mistake_that_says_what_to_do() {
    #[derive(Clone)]
    struct Same;

    impl<H> Layer<H> for Same {
        type Service = H;

        fn layer(&self, handler: H) -> H {
            handler
        }
    }

    let one = handler_fn(|_: Text| async {});
    let many = batch_handler_fn(|_: Batch<String>| async {});
    let listeners = [
        Listener::record("one", one).topics(["a"]).group("g").layer(Same).batch_layer(Same),
        Listener::batch("many", many).topics(["b"]).group("g").batch_layer(Same).layer(Same),
    ];
    let app = KafkaApp::new("127.0.0.1:1").listeners(listeners).layer(Same).batch_layer(Same);
    let error = app.topology().expect_err("both have a layer that does not fit").to_string();
    assert!(error.contains("listener `one`: takes one record at a time"), "{error}");
    assert!(error.contains("listener `many`: takes many records at a time"), "{error}");
}
