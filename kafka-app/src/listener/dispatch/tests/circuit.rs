//! While what a handler needs is down its records wait, and none of their deliveries is spent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use super::Notes;
use crate::{
    Batch, CircuitState, DeliveryAttempt, ErrorClass, Text, batch_handler_fn,
    config::{CircuitBreaker, Delivery},
    handler::Failure,
    handler_fn,
    listener::ListenerEvent,
    test_support::{Bench, FakeSink, Sent},
};

const SECOND: Duration = Duration::from_secs(1);

/// Opens after three failures in a row, for ten seconds at first; a record has four deliveries.
fn bench<const N: usize>(payloads: [&str; N]) -> Bench {
    Bench::new(payloads).dead_letters().with(|listener| {
        listener.retry.attempts = 4;
        listener.circuit_breaker =
            Some(CircuitBreaker { failures: 3, pause: 10 * SECOND, max_pause: 40 * SECOND, probes: None });
    })
}

/// Something that is down for the first so many calls.
#[derive(Clone, Default)]
struct Service {
    n_calls: Arc<AtomicU32>,
    down_for: u32,
    notes: Notes,
}

impl Service {
    fn down_for(n_calls: u32) -> Self {
        Self { down_for: n_calls, ..Self::default() }
    }

    fn call(&self, text: &str, attempt: u32) -> Result<(), String> {
        self.notes.push(format!("{text} {attempt}"));
        if self.n_calls.fetch_add(1, Relaxed) < self.down_for { Err("it is down".to_owned()) } else { Ok(()) }
    }
}

fn calling(service: &Service) -> impl crate::RecordHandler + use<> {
    let service = service.clone();
    handler_fn(move |Text(text): Text, DeliveryAttempt(attempt): DeliveryAttempt| {
        let result = service.call(&text, attempt);
        async move { result }
    })
}

#[tokio::test(start_paused = true)]
async fn an_outage_spends_no_delivery_and_makes_no_dead_letter() {
    let bench = bench(["a", "b"]);
    let mut events = bench.events.events();
    let service = Service::down_for(7);
    let began = tokio::time::Instant::now();
    bench.run(calling(&service)).await.unwrap();
    // Two count, the third opens it; four tries are in vain, after 10, 20, 40 and 40 seconds; the fifth is not.
    assert_eq!(service.notes.take(), ["a 1", "a 2", "a 3", "a 3", "a 3", "a 3", "a 3", "a 3", "b 1"]);
    assert_eq!(began.elapsed(), 150 * SECOND);
    assert!(bench.sink.records().is_empty());
    let counts = bench.counts();
    assert_eq!(
        (counts.handled, counts.failed, counts.retried, counts.postponed, counts.circuit_opened),
        (2, 7, 2, 5, 5)
    );
    let told = events.next().await;
    let Some(ListenerEvent::CircuitOpened { pause, n_failed: 3, error, .. }) = told else { panic!("{told:?}") };
    assert_eq!((pause, error.as_str()), (10 * SECOND, "it is down"));
    for _ in 0..4 {
        assert!(matches!(events.next().await, Some(ListenerEvent::CircuitOpened { .. })));
    }
    let told = events.next().await;
    assert!(
        matches!(told, Some(ListenerEvent::CircuitClosed { open_for, .. }) if open_for == 150 * SECOND),
        "{told:?}"
    );
    assert_eq!(bench.breaker().state(bench.breaker().now()), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_fails_alone_is_given_up_as_ever_once_another_one_was_handled() {
    let bench = bench(["bad", "good", "bad"]);
    let handler = handler_fn(|Text(text): Text, DeliveryAttempt(attempt): DeliveryAttempt| async move {
        if text == "bad" && attempt < 3 { Err("not yet") } else { Ok(()) }
    });
    bench.run(handler).await.unwrap();
    assert_eq!((bench.counts().handled, bench.counts().circuit_opened), (3, 0), "two failures are fewer than three");
}

#[tokio::test(start_paused = true)]
async fn one_that_tries_in_vain_too_often_is_given_up_if_that_is_said() {
    let bench =
        bench(["bad", "good"]).with(|listener| listener.circuit_breaker.as_mut().expect("it has one").probes = Some(2));
    let handler = handler_fn(|Text(text): Text| async move { if text == "bad" { Err("no") } else { Ok(()) } });
    bench.run(handler).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["bad"]);
    assert_eq!((bench.counts().handled, bench.counts().dead_lettered), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_goes_with_its_partition() {
    let bench = bench(["a", "b"]);
    let service = Service::down_for(u32::MAX);
    let watch = async {
        tokio::time::sleep(25 * SECOND).await;
        bench.progress.revoke();
    };
    let (ended, ()) = tokio::join!(bench.run(calling(&service)), watch);
    ended.unwrap();
    assert!(bench.progress.finished().is_empty());
    assert!(bench.sink.records().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_says_not_now_is_called_again_then_and_the_delivery_does_not_count() {
    let bench = Bench::new(["a"]).with(|listener| listener.retry.attempts = 1);
    let service = Service::down_for(3);
    let began = tokio::time::Instant::now();
    let handler = {
        let service = service.clone();
        handler_fn(move |Text(text): Text, DeliveryAttempt(attempt): DeliveryAttempt| {
            let result = service.call(&text, attempt).map_err(|_| Busy);
            async move { result }
        })
    };
    bench.run(handler.by_class()).await.unwrap();
    assert_eq!(service.notes.take(), ["a 1"; 4]);
    assert_eq!((began.elapsed(), bench.counts().handled, bench.counts().postponed), (90 * SECOND, 1, 3));
}

#[derive(Debug)]
struct Busy;

impl std::fmt::Display for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("busy")
    }
}

impl std::error::Error for Busy {}

impl crate::KafkaError for Busy {
    fn class(&self) -> ErrorClass {
        ErrorClass::NotNow(30 * SECOND)
    }
}

#[tokio::test(start_paused = true)]
async fn at_most_once_what_fails_is_skipped_and_the_others_wait() {
    let bench = bench(["a", "b", "c", "d"]).with(|listener| listener.delivery = Delivery::AtMostOnce);
    let service = Service::down_for(3);
    let began = tokio::time::Instant::now();
    bench.run(calling(&service)).await.unwrap();
    assert_eq!(service.notes.take(), ["a 1", "b 1", "c 1", "d 1"], "each is seen once");
    assert_eq!((began.elapsed(), bench.counts().skipped, bench.counts().handled), (10 * SECOND, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_as_a_whole_and_keeps_its_deliveries() {
    let bench = bench(["a", "b"]);
    let service = Service::down_for(4);
    let handler = {
        let service = service.clone();
        batch_handler_fn(move |batch: Batch<Text>, DeliveryAttempt(attempt): DeliveryAttempt| {
            let text = batch.payloads().map(|text| text.0.as_str()).collect::<String>();
            let result = service.call(&text, attempt);
            async move { result }
        })
    };
    bench.run_batch(handler).await.unwrap();
    assert_eq!(service.notes.take(), ["ab 1", "ab 2", "ab 3", "ab 3", "ab 3"]);
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().postponed, bench.counts().circuit_opened), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_with_outcomes_what_is_not_to_be_now_comes_again_without_the_rest() {
    let bench = Bench::new(["a", "busy", "b"]).with(|listener| listener.retry.attempts = 1);
    let calls = Notes::default();
    let seen = calls.clone();
    let handler = batch_handler_fn(move |batch: Batch<Text>| {
        let texts: Vec<_> = batch.into_payloads().map(|text| text.0).collect();
        seen.push(texts.join(" "));
        let is_first = texts.len() > 1;
        async move {
            let one = |text: String| if text == "busy" && is_first { Err(Busy) } else { Ok(()) };
            texts.into_iter().map(one).collect::<Vec<_>>()
        }
    });
    let began = tokio::time::Instant::now();
    bench.run_batch(handler.by_class()).await.unwrap();
    assert_eq!((calls.take(), began.elapsed()), (vec!["a busy b".to_owned(), "busy".to_owned()], 30 * SECOND));
    assert_eq!((bench.counts().handled, bench.counts().failed, bench.counts().postponed), (3, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn exactly_once_no_transaction_waits_for_it_and_nothing_is_counted_against_the_record() {
    let mut bench = bench(["a", "b"]).with(|listener| listener.retry.attempts = 3).in_transaction();
    let service = Service::down_for(3);
    bench.run(calling(&service)).await.unwrap();
    let until = bench.breaker().now() + 10 * SECOND;
    assert_eq!(bench.progress.rewinds(), [until], "its partition is read again when the pause is over");
    assert!(!bench.transaction.as_ref().unwrap().is_tainted(), "what is in it is committed");
    assert!(bench.progress.finished().is_empty());
    tokio::time::advance(10 * SECOND).await;
    bench.again_in_transaction();
    bench.run(calling(&service)).await.unwrap();
    assert_eq!(service.notes.take(), ["a 1", "a 2", "a 3", "a 1", "b 1"]);
    assert_eq!((bench.progress.finished(), bench.sink.records().len()), (vec![0, 1], 0));
}

#[tokio::test(start_paused = true)]
async fn exactly_once_what_may_have_sent_something_is_undone_and_nothing_is_counted_against_it() {
    let mut bench = bench(["a"]).takes_template().in_transaction();
    let service = Service::down_for(1);
    let busy = || {
        let service = service.clone();
        handler_fn(move |Text(text): Text, DeliveryAttempt(attempt): DeliveryAttempt| {
            let result = service.call(&text, attempt).map_err(|_| Busy);
            async move { result }
        })
        .by_class()
    };
    bench.run(busy()).await.unwrap();
    assert!(bench.transaction.as_ref().unwrap().is_tainted());
    tokio::time::advance(30 * SECOND).await;
    bench.again_in_transaction();
    bench.run(busy()).await.unwrap();
    assert_eq!((service.notes.take(), bench.progress.finished()), (vec!["a 1".to_owned(), "a 1".to_owned()], vec![0]));
}

#[tokio::test(start_paused = true)]
async fn retry_topics_are_not_gone_through_while_it_is_open() {
    let bench = bench(["a", "b", "c", "d"]).with(|listener| {
        let breaker = listener.circuit_breaker;
        *listener = listener.clone().retried_after(&[SECOND, SECOND]);
        listener.circuit_breaker = breaker;
    });
    let service = Service::down_for(4);
    bench.run(calling(&service)).await.unwrap();
    assert_eq!(service.notes.take(), ["a 1", "b 1", "c 1", "c 1", "c 1", "d 1"]);
    assert_eq!(bench.sink.payloads(), ["a", "b"], "these failed before it was known");
    assert_eq!((bench.counts().forwarded, bench.counts().dead_lettered, bench.counts().handled), (2, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn an_error_that_says_what_is_wrong_with_the_record_closes_it() {
    let bench = bench(["a", "b"]);
    let service = Service::down_for(3);
    let handler = {
        let service = service.clone();
        handler_fn(move |Text(text): Text| {
            let result = service.call(&text, 0).map_err(Failure::retry);
            async move {
                match result {
                    Err(_) => Err(Judged(ErrorClass::Retry)),
                    Ok(()) if text == "a" => Err(Judged(ErrorClass::DeadLetter)),
                    Ok(()) => Ok(()),
                }
            }
        })
    };
    bench.run(handler.by_class()).await.unwrap();
    assert_eq!((bench.sink.payloads(), bench.counts().handled), (vec!["a".to_owned()], 1));
    assert!(!bench.breaker().is_troubled());
}

#[derive(Debug)]
struct Judged(ErrorClass);

impl std::fmt::Display for Judged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Judged {}

impl crate::KafkaError for Judged {
    fn class(&self) -> ErrorClass {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_returned_before_is_committed_while_the_rest_waits() {
    let bench = bench(["a", "b"])
        .with(|listener| listener.send_to = Some("invoices".to_owned()))
        .sink(FakeSink::new([Sent::Open]));
    let service = Service::down_for(u32::MAX);
    let handler = {
        let service = service.clone();
        handler_fn(move |Text(text): Text| {
            let result = if text == "a" { Ok(text) } else { service.call(&text, 0).map(|()| text) };
            async move { result }
        })
    };
    let watch = async {
        bench.sink.await_records(1).await;
        bench.sink.acknowledge_all();
        tokio::time::sleep(5 * SECOND).await;
        assert_eq!(bench.progress.finished(), [0], "long before the first try");
        bench.progress.revoke();
    };
    let (ended, ()) = tokio::join!(bench.run(handler), watch);
    ended.unwrap();
}
