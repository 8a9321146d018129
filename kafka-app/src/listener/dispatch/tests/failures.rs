use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::Notes;
use crate::{
    DeadLetter, DeliveryAttempt, ErrorClass, ErrorKind, KafkaError, ListenerEvent, Text, handler_fn,
    test_support::{Bench, FakeSink, Refused, Sent},
};

/// Fails with the class its record's payload names.
#[derive(Debug)]
pub(super) struct Classed(pub(super) ErrorClass);

impl std::fmt::Display for Classed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "class {:?}", self.0)
    }
}

impl std::error::Error for Classed {}

impl KafkaError for Classed {
    fn class(&self) -> ErrorClass {
        self.0
    }
}

async fn by_payload(Text(text): Text) -> Result<(), Classed> {
    match text.as_str() {
        "retry" => Err(Classed(ErrorClass::Retry)),
        "dead" => Err(Classed(ErrorClass::DeadLetter)),
        "skip" => Err(Classed(ErrorClass::Skip)),
        "stop" => Err(Classed(ErrorClass::Stop)),
        _ => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_record_is_delivered_again_before_the_next() {
    let bench = Bench::new(["a", "b"]).with(|listener| listener.retry.backoff = Duration::from_secs(60));
    let (notes, start) = (Notes::default(), Instant::now());
    let seen = notes.clone();
    let handler = handler_fn(move |DeliveryAttempt(attempt): DeliveryAttempt, Text(text): Text| {
        seen.push(format!("{text}{attempt}"));
        std::future::ready(if text == "a" && attempt < 3 { Err("not yet") } else { Ok(()) })
    });
    bench.run(handler).await.unwrap();
    assert_eq!(notes.take(), ["a1", "a2", "a3", "b1"]);
    assert_eq!(start.elapsed().as_secs(), 120);
    assert_eq!(bench.progress.finished(), [0, 1]);
    let counts = bench.counts();
    assert_eq!((counts.handled, counts.failed, counts.retried), (2, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn another_error_does_not_begin_the_count_anew() {
    let bench = Bench::new(["a"]).dead_letters().with(|listener| {
        listener.retry.attempts = 3;
        listener.retry.backoff = Duration::from_secs(1);
        listener.retry.multiplier = 10.0;
    });
    let start = Instant::now();
    let handler = handler_fn(|DeliveryAttempt(attempt): DeliveryAttempt| async move {
        match attempt {
            2 => Err::<(), Box<dyn std::error::Error + Send + Sync>>(Classed(ErrorClass::Retry).into()),
            _ => Err("busy".into()),
        }
    });
    bench.run(handler).await.unwrap();
    assert_eq!((bench.counts().failed, bench.counts().dead_lettered), (3, 1));
    assert_eq!(start.elapsed().as_secs(), 11, "nor do the delays");
}

#[tokio::test]
async fn a_spent_record_stops_the_listener_and_stays_uncommitted() {
    let bench = Bench::new(["a", "retry", "b"]);
    let error = bench.run(handler_fn(by_payload).by_class()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Listener);
    let text = error.to_string();
    assert!(
        text.starts_with(
            "listener `bill` stopped at topic `orders`, partition 3, offset 101, delivery 10: class Retry"
        ),
        "{text}"
    );
    assert_eq!(bench.progress.finished(), [0]);
    assert_eq!(bench.counts().failed, 10);
}

#[tokio::test]
async fn a_spent_record_goes_to_the_dead_letter_topic_and_the_next_is_handled() {
    let bench = Bench::new(["retry", "b"]).dead_letters().with(|listener| listener.retry.attempts = 2);
    bench.run(handler_fn(by_payload).by_class()).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    let letters = bench.sink.records();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.topic.as_deref(), letter.partition, letter.timestamp), (Some("orders-dlt"), Some(3), Some(5)));
    assert_eq!(letter.key.as_deref(), Some(&b"k0"[..]));
    assert_eq!(letter.payload.as_deref(), Some(&b"retry"[..]));
    assert_eq!(letter.headers.last("kafka_dlt-original-offset"), Some(Some(&100_i64.to_be_bytes()[..])));
    let type_name = std::any::type_name::<Classed>().as_bytes();
    assert_eq!(letter.headers.last("kafka_dlt-exception-fqcn"), Some(Some(type_name)));
    assert_eq!((bench.counts().dead_lettered, bench.counts().failed), (1, 2));
}

#[tokio::test]
async fn classes_decide() {
    let bench = Bench::new(["skip", "dead", "a", "stop", "b"]).dead_letters();
    let error = bench.run(handler_fn(by_payload).by_class()).await.unwrap_err();
    assert!(error.to_string().contains("offset 103, delivery 1: class Stop"), "{error}");
    assert_eq!(bench.progress.finished(), [0, 1, 2]);
    assert_eq!(bench.sink.payloads(), ["dead"]);
    let counts = bench.counts();
    assert_eq!((counts.skipped, counts.dead_lettered, counts.retried), (1, 1, 0));
}

#[tokio::test]
async fn without_dead_letters_spent_records_are_skipped_only_if_said() {
    let bench = Bench::new(["dead", "b"]).with(|listener| listener.dead_letter = DeadLetter::Off);
    bench.run(handler_fn(by_payload).by_class()).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!(bench.counts().skipped, 1);
}

#[tokio::test]
async fn a_record_that_cannot_be_decoded_goes_the_dead_letter_way_at_once() {
    let bench = Bench::new([&b"\xff\xfe"[..], &b"b"[..]]).dead_letters();
    bench.run(handler_fn(|_: Text| async {})).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    let letter = bench.sink.records().remove(0);
    assert_eq!(letter.payload.as_deref(), Some(&b"\xff\xfe"[..]));
    let message = letter.headers.last("kafka_dlt-exception-message").flatten().map(String::from_utf8_lossy);
    assert!(message.is_some_and(|text| text.ends_with("not UTF-8 from byte 0 on")));
    let counts = bench.counts();
    assert_eq!((counts.rejected, counts.failed, counts.retried), (1, 0, 0));
}

#[tokio::test]
async fn a_panic_fails_its_record_only() {
    let bench = Bench::new(["a", "boom", "b"]).dead_letters().with(|listener| listener.retry.attempts = 2);
    let handler = handler_fn(|Text(text): Text| async move {
        tokio::task::yield_now().await;
        assert_ne!(text, "boom", "no such order");
    });
    bench.run(handler).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1, 2]);
    let letter = bench.sink.records().remove(0);
    let header = |name| letter.headers.last(name).flatten().map(String::from_utf8_lossy);
    assert_eq!(header("kafka_dlt-exception-fqcn").as_deref(), Some("kafka_app::HandlerPanicked"));
    assert!(header("kafka_dlt-exception-message").is_some_and(|text| text.contains("no such order")));
    assert_eq!(bench.counts().failed, 2);
}

#[tokio::test]
async fn a_filter_that_panics_fails_its_record_only() {
    let mut bench = Bench::new(["a", "b"]).dead_letters();
    bench.filter = Some(|record| {
        assert_ne!(record.offset(), 100, "no such filter");
        true
    });
    bench.run(handler_fn(|| async {})).await.unwrap();
    assert_eq!((bench.progress.finished(), bench.sink.payloads()), (vec![0, 1], vec!["a".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_returns_fails_by_its_timeout() {
    let bench = Bench::new(["hang", "b"]).dead_letters().with(|listener| {
        listener.timeout = Some(Duration::from_secs(5));
        listener.retry.attempts = 3;
    });
    let start = Instant::now();
    let handler = handler_fn(|Text(text): Text| async move {
        if text == "hang" {
            std::future::pending::<()>().await;
        }
    });
    bench.run(handler).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 15);
    assert_eq!((bench.progress.finished(), bench.sink.payloads()), (vec![0, 1], vec!["hang".to_owned()]));
    let letter = bench.sink.records().remove(0);
    let message = letter.headers.last("kafka_dlt-exception-message").flatten().map(String::from_utf8_lossy);
    assert_eq!(message.as_deref(), Some("the handler did not end within its timeout of 5s"));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_not_acknowledged_is_sent_again() {
    let sink = FakeSink::new([Sent::Lost, Sent::Refused, Sent::Acknowledged]);
    let bench = Bench::new(["a", "b"]).dead_letters().sink(sink);
    let fails_once = Arc::new(AtomicU32::new(0));
    let handler = handler_fn(move || {
        let first = fails_once.fetch_add(1, Relaxed) == 0;
        std::future::ready(if first { Err(Refused) } else { Ok(()) })
    });
    bench.run(handler.by_class()).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "a", "a"]);
    assert_eq!((bench.progress.finished(), bench.counts().dead_lettered), (vec![0, 1], 1));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_never_arrives_stops_the_listener() {
    let bench = Bench::new(["a", "b"]).dead_letters().sink(FakeSink::new([Sent::Lost; 100]));
    let error = bench.run(handler_fn(|| async { Err::<(), _>(Refused) }).by_class()).await.unwrap_err();
    assert!(error.to_string().contains("its dead letter did not reach `orders-dlt`"), "{error}");
    assert_eq!((bench.progress.finished(), bench.counts().dead_lettered), (vec![], 0));
}

#[tokio::test]
async fn a_dead_letter_leaves_its_partition_where_the_topic_lacks_it() {
    for n_partitions in [Some(3), None] {
        let bench = Bench::new(["a"]).dead_letters().sink(FakeSink::with_partitions(n_partitions));
        bench.run(handler_fn(|| async { Err::<(), _>(Refused) }).by_class()).await.unwrap();
        assert_eq!(bench.sink.records().remove(0).partition, None);
    }
}

#[tokio::test]
async fn records_that_are_given_up_are_told_with_what_became_of_them() {
    let bench =
        Bench::new(["retry", "fine", "skip", "stop"]).dead_letters().with(|listener| listener.retry.attempts = 2);
    let mut events = bench.events.events();
    bench.run(handler_fn(by_payload).by_class()).await.unwrap_err();
    let mut told = Vec::new();
    for _ in 0..3 {
        let Some(ListenerEvent::RetryExhausted { partition, offset, attempts, fate, .. }) = events.next().await else {
            panic!("another event")
        };
        told.push(format!("{partition}@{offset} {attempts} {fate:?}"));
    }
    assert_eq!(told, ["orders-3@100 2 DeadLetter(\"orders-dlt\")", "orders-3@102 1 Skipped", "orders-3@103 1 Stopped"]);
}
