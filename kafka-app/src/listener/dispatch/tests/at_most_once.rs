use std::time::Duration;

use crate::{
    DeadLetter, Delivery, ErrorClass, KafkaError, Text, handler_fn,
    test_support::{Bench, FakeSink, Refused, Sent},
};

fn bench<const N: usize>(payloads: [&str; N]) -> Bench {
    Bench::new(payloads).with(|listener| {
        listener.delivery = Delivery::AtMostOnce;
        listener.dead_letter = DeadLetter::Stop;
        listener.send_to = Some("invoices".to_owned());
    })
}

#[tokio::test]
async fn a_failure_is_counted_and_neither_retried_nor_stops() {
    let bench = bench(["a", "b"]);
    bench.run(handler_fn(|| async { Err::<(), _>("down") })).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    let counts = bench.counts();
    assert_eq!((counts.failed, counts.retried, counts.skipped, counts.dead_lettered), (2, 0, 2, 0));
}

#[tokio::test]
async fn no_dead_letter_is_sent() {
    let bench = bench(["a"]).dead_letters();
    bench.run(handler_fn(|| async { Err::<(), _>(Refused) }).by_class()).await.unwrap();
    assert!(bench.sink.records().is_empty());
    assert_eq!(bench.counts().skipped, 1);
}

#[derive(Debug)]
struct Fatal;

impl std::fmt::Display for Fatal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("fatal")
    }
}

impl std::error::Error for Fatal {}

impl KafkaError for Fatal {
    fn class(&self) -> ErrorClass {
        ErrorClass::Stop
    }
}

#[tokio::test]
async fn a_stop_error_stops_all_the_same() {
    let bench = bench(["a", "b"]);
    bench.run(handler_fn(|| async { Err::<(), _>(Fatal) }).by_class()).await.unwrap_err();
    assert!(bench.progress.finished().is_empty());
}

#[tokio::test]
async fn outputs_are_not_waited_for() {
    let bench = bench(["a", "b"]).sink(FakeSink::new([Sent::Open, Sent::Refused]));
    bench.run(handler_fn(|Text(text): Text| async move { text })).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!(bench.sink.payloads(), ["a", "b"]);
    assert_eq!((bench.counts().handled, bench.counts().sent), (2, 0));
    bench.sink.acknowledge_all();
    let noted = async {
        // The task that waits for them runs when this one yields.
        while bench.counts().sent == 0 || bench.counts().failed == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), noted).await.expect("what became of both is noted in time");
    assert_eq!((bench.counts().sent, bench.counts().failed), (1, 1));
}
