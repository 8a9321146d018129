use std::{future::Ready, sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{Notes, failures::Classed};
use crate::{
    Batch, DeliveryAttempt, ErrorClass, Outgoing, Text, batch_handler_fn, handler_fn,
    test_support::{Bench, FakeSink, Sent},
};

fn bench<const N: usize>(payloads: [&str; N]) -> Bench {
    Bench::new(payloads).in_transaction().with(|listener| {
        listener.send_to = Some("invoices".to_owned());
        listener.retry.attempts = 3;
    })
}

fn is_tainted(bench: &Bench) -> bool {
    bench.transaction.as_ref().is_some_and(|transaction| transaction.is_tainted())
}

#[tokio::test]
async fn outputs_go_into_the_transaction_and_are_not_waited_for() {
    let bench = bench(["a", "b"]).sink(FakeSink::new([Sent::Open; 2])).in_transaction();
    bench.run(handler_fn(|Text(text): Text| async move { [text.clone(), text] })).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "a", "b", "b"]);
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().handled, bench.counts().sent), (2, 4));
    assert!(!is_tainted(&bench));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_sends_nothing_before_it_succeeds_fails_in_place() {
    let bench = bench(["a", "b"]);
    let handler = handler_fn(|Text(text): Text, DeliveryAttempt(attempt): DeliveryAttempt| async move {
        if text == "a" && attempt < 3 { Err("not yet") } else { Ok(text) }
    });
    bench.run(handler).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "b"], "once, whatever failed before");
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert!(!is_tainted(&bench) && bench.progress.rewinds().is_empty());
}

#[tokio::test]
async fn a_dead_letter_is_put_into_the_transaction() {
    let bench = bench(["bad", "good"]).dead_letters();
    let handler = handler_fn(|Text(text): Text| async move { if text == "bad" { Err("bad") } else { Ok(text) } });
    bench.run(handler).await.unwrap();
    let topics: Vec<_> = bench.sink.records().iter().map(|r| r.topic.as_deref().map(str::to_owned)).collect();
    assert_eq!(topics, [Some("orders-dlt".to_owned()), Some("invoices".to_owned())]);
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert!(!is_tainted(&bench));
}

#[tokio::test]
async fn a_handler_that_may_have_sent_something_spoils_its_transaction_and_is_counted_on_in_the_next() {
    let mut bench = bench(["good", "bad", "behind"]).dead_letters().takes_template();
    let attempts = Notes::default();
    for n_failed in 1..=3 {
        let seen = attempts.clone();
        let handler = handler_fn(move |Text(text): Text, DeliveryAttempt(attempt): DeliveryAttempt| {
            seen.push(format!("{text} {attempt}"));
            std::future::ready(if text == "bad" { Err("bad") } else { Ok(()) })
        });
        bench.run(handler).await.unwrap();
        assert_eq!(attempts.take(), ["good 1".to_owned(), format!("bad {n_failed}")], "those behind it wait");
        assert!(is_tainted(&bench));
        assert_eq!(bench.progress.finished(), [0], "it is not finished");
        assert!(bench.sink.records().is_empty());
        bench.again_in_transaction();
    }
    let seen = attempts.clone();
    let handler = handler_fn(move |Text(text): Text| {
        seen.push(text);
        std::future::ready(())
    });
    bench.run(handler).await.unwrap();
    assert_eq!(attempts.take(), ["good", "behind"], "its deliveries are spent: it is not called again");
    assert_eq!(bench.sink.payloads(), ["bad"]);
    assert_eq!(bench.sink.records()[0].topic.as_deref(), Some("orders-dlt"));
    assert_eq!(bench.progress.finished(), [0, 1, 2]);
    assert!(!is_tainted(&bench));
}

/// One delivery, in the middle of which something happens; the handler notes which one of its record it is.
async fn interrupted(bench: &Bench, notes: &Notes, class: ErrorClass, happens: impl FnOnce()) {
    let (running, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait, notes) = (Arc::clone(&running), Arc::clone(&go_on), notes.clone());
    let handler = handler_fn(move |DeliveryAttempt(attempt): DeliveryAttempt| {
        let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
        notes.push(attempt.to_string());
        async move {
            tell.notify_one();
            wait.notified().await;
            Err::<(), _>(Classed(class))
        }
    });
    let interrupt = async {
        running.notified().await;
        happens();
        go_on.notify_one();
    };
    tokio::select! {
        ended = async { tokio::join!(bench.run(handler.by_class()), interrupt) } => ended.0.unwrap(),
        // It was not called.
        () = bench.sink.await_records(1) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_by_itself_is_counted_though_its_transaction_takes_no_more_records() {
    for (takes_template, backoff) in [(false, 50), (false, 3_000), (true, 50)] {
        let mut bench = bench(["slow"]).dead_letters();
        bench.listener.retry.backoff = Duration::from_millis(backoff);
        bench = if takes_template { bench.takes_template() } else { bench };
        let attempts = Notes::default();
        for _ in 0..5 {
            interrupted(&bench, &attempts, ErrorClass::Retry, || bench.progress.revoke()).await;
            if !bench.sink.records().is_empty() {
                break;
            }
            bench.again_in_transaction();
        }
        assert_eq!(attempts.take(), ["1", "2", "3"], "{takes_template}, {backoff}");
        assert_eq!(bench.sink.records()[0].topic.as_deref(), Some("orders-dlt"));
    }
}

#[tokio::test]
async fn a_class_has_its_way_though_its_transaction_takes_no_more_records() {
    for (class, n_letters) in [(ErrorClass::DeadLetter, 1), (ErrorClass::Skip, 0)] {
        let mut bench = bench(["bad"]).dead_letters().takes_template();
        let attempts = Notes::default();
        interrupted(&bench, &attempts, class, || bench.progress.revoke()).await;
        assert!(is_tainted(&bench) && bench.progress.finished().is_empty());
        bench.again_in_transaction();
        bench.run(handler_fn(|| -> Ready<()> { unreachable!("it has failed for good") })).await.unwrap();
        assert_eq!(bench.progress.finished(), [0]);
        assert_eq!((attempts.take().len(), bench.sink.records().len()), (1, n_letters), "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_ends_with_its_partition_or_its_transaction_is_not_counted() {
    for takes_template in [false, true] {
        let mut bench = bench(["a"]).dead_letters();
        bench = if takes_template { bench.takes_template() } else { bench };
        let attempts = Notes::default();
        interrupted(&bench, &attempts, ErrorClass::Retry, || bench.progress.lose()).await;
        bench.again_in_transaction();
        let transaction = bench.transaction.clone().unwrap();
        interrupted(&bench, &attempts, ErrorClass::Retry, || {
            bench.progress.revoke();
            transaction.end();
        })
        .await;
        bench.again_in_transaction();
        interrupted(&bench, &attempts, ErrorClass::Retry, || bench.progress.revoke()).await;
        assert_eq!(attempts.take(), ["1", "1", "1"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_is_counted_though_its_transaction_takes_no_more_records() {
    let mut bench = bench(["a", "b"]).dead_letters();
    let n_calls = Notes::default();
    for _ in 0..5 {
        let calls = n_calls.clone();
        let running = Arc::new(Notify::new());
        let tell = Arc::clone(&running);
        let handler = batch_handler_fn(move |batch: Batch<Text>| {
            calls.push(batch.len().to_string());
            tell.notify_one();
            std::future::ready(Err::<(), _>("bad"))
        });
        let revoke = async {
            running.notified().await;
            bench.progress.revoke();
        };
        tokio::select! {
            ended = async { tokio::join!(bench.run_batch(handler), revoke) } => ended.0.unwrap(),
            () = bench.sink.await_records(2) => {}
        }
        if bench.sink.records().len() == 2 {
            break;
        }
        bench.again_in_transaction();
    }
    assert_eq!(n_calls.take(), ["2", "2", "2"]);
    assert_eq!(bench.sink.payloads(), ["a", "b"], "both are dead letters");
}

#[tokio::test]
async fn each_class_has_its_way_in_the_next_transaction() {
    for (class, topic, is_stopped) in [
        (ErrorClass::DeadLetter, Some("orders-dlt"), false),
        (ErrorClass::Skip, None, false),
        (ErrorClass::Stop, None, true),
    ] {
        let mut bench = bench(["bad"]).dead_letters().takes_template();
        let handler = move || handler_fn(move |Text(_): Text| async move { Err::<(), _>(Classed(class)) }).by_class();
        let first = bench.run(handler()).await;
        assert_eq!((first.is_err(), is_tainted(&bench)), (is_stopped, true), "{class:?}");
        assert!(bench.progress.finished().is_empty());
        if is_stopped {
            continue;
        }
        bench.again_in_transaction();
        bench.run(handler()).await.unwrap();
        assert_eq!(bench.sink.records().first().and_then(|r| r.topic.as_deref()), topic, "{class:?}");
        assert_eq!(bench.progress.finished(), [0]);
        assert!(!is_tainted(&bench));
    }
}

#[tokio::test]
async fn what_was_returned_in_part_only_spoils_the_transaction() {
    let mut bench = bench(["a"]).sink(FakeSink::new([Sent::Acknowledged, Sent::Refused])).in_transaction();
    let twice = || handler_fn(|Text(text): Text| async move { [Outgoing::new(text.clone()), Outgoing::new(text)] });
    bench.run(twice()).await.unwrap();
    assert!(is_tainted(&bench) && bench.progress.finished().is_empty());
    bench.again_in_transaction();
    bench.run(twice()).await.unwrap();
    assert_eq!(bench.progress.finished(), [0]);
    assert_eq!(bench.counts().retried, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_first_output_is_tried_again_in_place() {
    let bench = bench(["a"]).sink(FakeSink::new([Sent::Refused, Sent::Acknowledged])).in_transaction();
    bench.run(handler_fn(|Text(text): Text| async move { text })).await.unwrap();
    assert_eq!(bench.progress.finished(), [0]);
    assert!(!is_tainted(&bench));
}

#[tokio::test]
async fn a_long_delay_is_waited_out_between_transactions() {
    let bench = bench(["a", "b"]).with(|listener| listener.retry.backoff = Duration::from_secs(3));
    let before = std::time::Instant::now();
    bench.run(handler_fn(|Text(_): Text| async move { Err::<(), _>("busy") })).await.unwrap();
    let [rewind] = bench.progress.rewinds()[..] else { panic!("{:?}", bench.progress.rewinds()) };
    assert!(rewind >= before + Duration::from_secs(3));
    assert!(!is_tainted(&bench) && bench.progress.finished().is_empty());
}

#[tokio::test]
async fn what_fails_because_its_transaction_has_is_not_counted() {
    let mut bench = bench(["a"]).dead_letters().sink(FakeSink::new([Sent::Refused; 30]));
    bench.is_broken = true;
    for _ in 0..20 {
        bench.again_in_transaction();
        bench.run(handler_fn(|Text(text): Text| async move { text })).await.unwrap();
        assert!(is_tainted(&bench) && bench.progress.finished().is_empty());
    }
    bench.is_broken = false;
    let mut bench = bench.sink(FakeSink::new([]));
    bench.again_in_transaction();
    bench.run(handler_fn(|Text(text): Text| async move { text })).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a"]);
    assert_eq!((bench.progress.finished(), bench.counts().dead_lettered), (vec![0], 0));
}

#[tokio::test]
async fn a_dead_letter_that_never_arrives_stops_the_listener() {
    let mut bench = bench(["bad"]).dead_letters().sink(FakeSink::new([Sent::Refused; 20])).in_transaction();
    let handler =
        || handler_fn(|Text(_): Text| async move { Err::<(), _>(Classed(ErrorClass::DeadLetter)) }).by_class();
    for _ in 1..8 {
        bench.run(handler()).await.unwrap();
        assert!(is_tainted(&bench));
        assert_eq!(bench.progress.rewinds().len(), 1, "and it is given time");
        bench.again_in_transaction();
    }
    let error = bench.run(handler()).await.unwrap_err().to_string();
    assert!(error.contains("its dead letter did not reach `orders-dlt`"), "{error}");
}

#[tokio::test]
async fn a_batch_that_may_have_sent_something_comes_again_whole_and_its_spent_records_go() {
    let mut bench = bench(["a", "b"]).dead_letters().takes_template();
    let calls = Notes::default();
    for _ in 1..=3 {
        let seen = calls.clone();
        let handler = batch_handler_fn(move |batch: Batch<Text>| {
            seen.push(batch.len().to_string());
            std::future::ready(Err::<(), _>("bad"))
        });
        bench.run_batch(handler).await.unwrap();
        assert!(is_tainted(&bench) && bench.progress.finished().is_empty());
        bench.again_in_transaction();
    }
    assert_eq!(calls.take(), ["2", "2", "2"]);
    bench.run_batch(batch_handler_fn(|_: Batch<Text>| async {})).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "b"], "both are dead letters");
    assert_eq!(bench.progress.finished(), [0, 1]);
}

#[tokio::test]
async fn outputs_of_a_batch_are_entrusted_too() {
    let bench = bench(["a", "b"]).sink(FakeSink::new([Sent::Open; 4])).in_transaction();
    let handler = batch_handler_fn(|batch: Batch<Text>| async move {
        batch.iter().map(|record| record.payload.0.clone()).collect::<Vec<_>>()
    });
    bench.run_batch(handler).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "b"]);
    assert_eq!(bench.progress.finished(), [0, 1]);
}
