//! What a registry of schemas has to do with a record: it is waited for, and nothing is given up for its sake.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use bytes::BytesMut;

use crate::{
    Batch, BatchContext, BatchHandler, BatchOutcome, DeliveryAttempt, ErrorKind, FromPayload, FromRecord, KeyState,
    KeyedState, Outcome, Outgoing, Outputs, PayloadContext, RecordContext, RecordHandler, Schema, SchemaError,
    SchemaFormat, ToPayload, WithSchema, batch_handler_fn,
    config::CircuitBreaker,
    handler::Declaration,
    handler_fn,
    schema::{SchemaPort, asking},
    test_support::{Bench, FakeSchemas},
};

/// What a record was written as.
#[derive(Debug)]
struct Named(String);

impl<'r> FromPayload<'r> for Named {
    type Error = SchemaError;

    fn from_payload(_: &'r [u8]) -> Result<Self, SchemaError> {
        Err(SchemaError::NoRegistry)
    }

    fn from_payload_of(cx: &PayloadContext<'r>, payload: &'r [u8]) -> Result<Self, SchemaError> {
        cx.schema_name(payload).map(Self)
    }
}

/// A payload with a schema.
struct Stamped;

static SCHEMA: std::sync::OnceLock<Schema> = std::sync::OnceLock::new();

impl ToPayload for Stamped {
    fn encode(&self, _: &mut BytesMut) -> crate::Result<()> {
        panic!("it is written with its schema");
    }

    fn with_schema(&self) -> Option<&dyn WithSchema> {
        Some(self)
    }
}

impl WithSchema for Stamped {
    fn schema(&self) -> crate::Result<&'static Schema> {
        Ok(SCHEMA.get_or_init(|| Schema {
            format: SchemaFormat::Json,
            name: "Stamped".to_owned(),
            text: "{}".to_owned(),
            rewrite: None,
        }))
    }

    fn encode_body(&self, buffer: &mut BytesMut) -> crate::Result<()> {
        buffer.extend_from_slice(b"body");
        Ok(())
    }
}

const SALE: &[u8] = &[0, 0, 0, 0, 7];
const UNKNOWN: &[u8] = &[0, 0, 0, 0, 9];
const GARBAGE: &[u8] = b"{}";

fn bench<const N: usize>(payloads: [&[u8]; N], schemas: &Arc<FakeSchemas>) -> Bench {
    Bench::new(payloads).dead_letters().schemas(Arc::<FakeSchemas>::clone(schemas))
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_down_is_waited_for_and_is_no_attempt_of_the_record() {
    let schemas = FakeSchemas::down_for(20);
    let bench = bench([SALE, SALE], &schemas);
    let attempts = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&attempts);
    let noting = handler_fn(move |Named(name): Named, DeliveryAttempt(attempt): DeliveryAttempt| {
        assert_eq!(name, "shop.Sale");
        seen.fetch_add(attempt, Relaxed);
        async {}
    });
    bench.run(noting).await.unwrap();
    assert_eq!((bench.progress.finished(), attempts.load(Relaxed)), (vec![0, 1], 2));
    assert_eq!(schemas.questions().len(), 21, "once it is known, nobody asks");
    let counts = bench.counts();
    assert_eq!((counts.handled, counts.failed, counts.retried, counts.rejected), (2, 0, 0, 0));
    assert!(bench.sink.records().is_empty(), "nothing is dead-lettered");
}

#[derive(Default)]
struct Seen(u32);

impl KeyedState for Seen {}

/// Loads what is kept for a new key, which comes before the payload.
struct Loads(Arc<AtomicU32>);

impl RecordHandler for Loads {
    fn declare(&self, _: &mut Declaration) {}

    async fn call<'r>(&'r self, cx: RecordContext<'r>) -> Outcome {
        let arguments = KeyState::<'r, Seen>::from_record(&cx).and_then(|seen| Ok((seen, Named::from_record(&cx)?)));
        let mut seen = match arguments {
            Ok((seen, _)) => seen,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        if seen.is_new() {
            self.0.fetch_add(1, Relaxed);
        }
        seen.0 += 1;
        Outcome::Done(Outputs::None)
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_first_payload_waits_for_its_schema_is_new_to_the_first_call() {
    let schemas = FakeSchemas::down_for(2);
    let n_loaded = Arc::default();
    let bench = bench([SALE, SALE], &schemas).of_one_key();
    bench.run(Loads(Arc::clone(&n_loaded))).await.unwrap();
    assert_eq!((bench.progress.finished(), n_loaded.load(Relaxed)), (vec![0, 1], 1));
}

/// What a handler asks of the registry, as a template does.
async fn asks(schemas: &FakeSchemas) -> Result<(), crate::Error> {
    asking(schemas.learn("sales", false, Stamped.schema()?)).await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_template_gets_no_answer_is_called_again_and_that_does_not_count() {
    let schemas = FakeSchemas::down_for(5);
    let bench = bench([b"a"], &schemas).with(|listener| listener.retry.attempts = 1);
    let asked = Arc::clone(&schemas);
    let sends = handler_fn(move |DeliveryAttempt(attempt): DeliveryAttempt| {
        let schemas = Arc::clone(&asked);
        async move {
            assert_eq!(attempt, 1);
            asks(&schemas).await.map_err(|error| error.to_string())
        }
    });
    bench.run(sends).await.unwrap();
    assert!(bench.sink.records().is_empty(), "nothing is dead-lettered");
    assert_eq!((bench.progress.finished(), schemas.questions().len()), (vec![0], 6));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_while_others_get_no_answer_fails_by_itself() {
    for is_batch in [false, true] {
        let schemas = FakeSchemas::down_for(u32::MAX);
        let bench = bench([b"a"], &schemas).with(|listener| listener.retry.attempts = 2);
        let asked = Arc::clone(&schemas);
        let fails = move || {
            let schemas = Arc::clone(&asked);
            async move {
                let others = tokio::spawn(async move { asks(&schemas).await.is_err() });
                assert!(others.await.unwrap());
                Err::<(), _>("by itself")
            }
        };
        match is_batch {
            false => bench.run(handler_fn(move |_: String| fails())).await.unwrap(),
            true => bench.run_batch(batch_handler_fn(move |_: Batch<String>| fails())).await.unwrap(),
        }
        assert_eq!(
            (bench.sink.payloads(), bench.counts().failed, bench.counts().postponed),
            (vec!["a".to_owned()], 2, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_down_opens_no_circuit() {
    let schemas = FakeSchemas::down_for(20);
    let bench = bench([SALE], &schemas).with(|listener| {
        let pause = std::time::Duration::from_secs(3_600);
        listener.circuit_breaker = Some(CircuitBreaker { failures: 1, pause, max_pause: pause, probes: None });
    });
    let began = tokio::time::Instant::now();
    bench.run(handler_fn(|_: Named| async {})).await.unwrap();
    assert!(began.elapsed() < std::time::Duration::from_secs(3_600), "records of known schemas are not held up by it");
    assert_eq!((bench.progress.finished(), bench.counts().circuit_opened), (vec![0], 0));
}

#[tokio::test]
async fn an_id_that_the_registry_does_not_know_is_a_rejection() {
    let schemas = FakeSchemas::new();
    let bench = bench([UNKNOWN, GARBAGE, SALE], &schemas);
    bench.run(handler_fn(|_: Named| async {})).await.unwrap();
    let reasons: Vec<_> = bench
        .sink
        .records()
        .iter()
        .map(|letter| {
            letter.headers.last("kafka_dlt-exception-message").flatten().map(<[u8]>::to_vec).unwrap_or_default()
        })
        .map(|reason| String::from_utf8(reason).unwrap())
        .collect();
    assert!(reasons[0].contains("the schema with id 9 cannot be used: there is no such schema"), "{reasons:?}");
    assert!(reasons[1].contains("the 2 bytes do not begin with magic byte 0"), "{reasons:?}");
    assert_eq!((bench.progress.finished(), bench.counts().handled), (vec![0, 1, 2], 1));
    assert_eq!(schemas.questions(), ["load 9", "load 7"]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_goes_is_not_held_up() {
    let schemas = FakeSchemas::down_for(u32::MAX);
    let bench = bench([SALE], &schemas);
    let handler = handler_fn(|_: Named| async {});
    let (result, ()) = tokio::join!(bench.run(handler), async {
        tokio::time::sleep(std::time::Duration::from_secs(90)).await;
        bench.progress.revoke();
    });
    result.unwrap();
    assert!(bench.progress.finished().is_empty() && bench.sink.records().is_empty());
    assert!(schemas.questions().len() < 20, "with back-off: {}", schemas.questions().len());
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_handled_when_the_schemas_of_all_its_records_are_there() {
    let schemas = FakeSchemas::down_for(3);
    let bench = bench([UNKNOWN, SALE, SALE], &schemas);
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let noting = batch_handler_fn(move |batch: Batch<Named>| {
        seen.fetch_add(1, Relaxed);
        assert_eq!(batch.len(), 2);
        async {}
    });
    bench.run_batch(noting).await.unwrap();
    assert_eq!((calls.load(Relaxed), bench.counts().rejected, bench.counts().retried), (1, 1, 0));
    assert_eq!(bench.progress.finished(), [0, 1, 2]);
}

/// A batch handler by hand, that gives each record an outcome of its own, or the whole one.
struct ByHand {
    per_record: bool,
    seen: Arc<AtomicU32>,
}

impl BatchHandler for ByHand {
    fn declare(&self, _: &mut Declaration) {}

    async fn call(&self, cx: BatchContext<'_>) -> BatchOutcome {
        let named = cx.records().iter().map(<Option<Named>>::from_record);
        let (mut rejected, mut outcomes) = (Vec::new(), Vec::new());
        for (index, named) in named.enumerate() {
            match named {
                Ok(_) => {
                    self.seen.fetch_add(1, Relaxed);
                    outcomes.push(Outcome::Done(Outputs::None));
                }
                Err(rejection) if self.per_record => outcomes.push(Outcome::Rejected(rejection)),
                Err(rejection) => rejected.push((index, rejection)),
            }
        }
        match self.per_record {
            true => BatchOutcome::PerRecord(outcomes),
            false => BatchOutcome::Whole { rejected, result: Ok(Outputs::None) },
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_by_hand_gets_again_what_it_rejected_for_want_of_a_schema() {
    for per_record in [true, false] {
        let schemas = FakeSchemas::down_for(2);
        let bench = bench([SALE, GARBAGE, SALE, UNKNOWN], &schemas);
        let seen = Arc::new(AtomicU32::new(0));
        bench.run_batch(ByHand { per_record, seen: Arc::clone(&seen) }).await.unwrap();
        let mut finished = bench.progress.finished();
        finished.sort_unstable();
        assert_eq!((finished, seen.load(Relaxed)), (vec![0, 1, 2, 3], 2));
        let counts = bench.counts();
        assert_eq!((counts.handled, counts.rejected, counts.failed, bench.sink.records().len()), (2, 2, 0, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_transaction_the_records_come_again_later_and_none_has_failed() {
    let schemas = FakeSchemas::down_for(1);
    let mut bench = bench([SALE], &schemas).in_transaction();
    bench.run(handler_fn(|_: Named| async {})).await.unwrap();
    assert_eq!((bench.progress.rewinds().len(), bench.progress.finished().len(), bench.counts().failed), (1, 0, 0));
    assert!(!bench.transaction.as_ref().is_some_and(|transaction| transaction.is_tainted()));
    bench.again_in_transaction();
    bench
        .run(handler_fn(|DeliveryAttempt(attempt): DeliveryAttempt, _: Named| async move { assert_eq!(attempt, 1) }))
        .await
        .unwrap();
    assert_eq!(bench.progress.finished(), [0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_returned_gets_the_id_of_its_schema_when_the_registry_has_answered() {
    let schemas = FakeSchemas::down_for(5);
    let bench = bench([b"a", b"b"], &schemas).with(|listener| listener.send_to = Some("invoices".to_owned()));
    let calls = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&calls);
    let stamping = handler_fn(move |_: String| {
        seen.fetch_add(1, Relaxed);
        async { Outgoing::new(Stamped).key(Stamped) }
    });
    bench.run(stamping).await.unwrap();
    let sent = bench.sink.records();
    let expected = Some(&b"\0\0\0\x01\x02body"[..]);
    assert!(sent.iter().all(|record| record.payload.as_deref() == expected && record.key.as_deref() == expected));
    assert_eq!((sent.len(), calls.load(Relaxed), bench.counts().retried), (2, 2, 0), "no handler is called again");
    assert_eq!(schemas.questions().last().map(String::as_str), Some("learn invoices true Stamped"));
}

#[tokio::test]
async fn a_schema_that_the_registry_refuses_stops_the_listener() {
    let schemas = FakeSchemas::that_refuses();
    let bench = bench([b"a"], &schemas).with(|listener| listener.send_to = Some("invoices".to_owned()));
    let error = bench.run(handler_fn(|_: String| async { Stamped })).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Listener);
    assert!(error.to_string().contains("incompatible with an earlier schema"), "{error}");
    assert!(bench.sink.records().is_empty() && bench.progress.finished().is_empty());
}

#[tokio::test]
async fn without_a_registry_what_is_returned_stops_the_listener() {
    let bench = Bench::new(["a"]).dead_letters().with(|listener| listener.send_to = Some("invoices".to_owned()));
    let error = bench.run(handler_fn(|_: String| async { Stamped })).await.unwrap_err();
    assert!(error.to_string().contains("set `kafka.schema-registry.url`"), "{error}");
}
