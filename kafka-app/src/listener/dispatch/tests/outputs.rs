use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    Outgoing, Text,
    config::Delivery,
    handler_fn,
    test_support::{Bench, FakeSink, Sent},
};

fn bench<const N: usize>(payloads: [&str; N]) -> Bench {
    Bench::new(payloads).with(|listener| listener.send_to = Some("invoices".to_owned()))
}

async fn echo(Text(text): Text) -> String {
    format!("{text}!")
}

#[tokio::test]
async fn what_is_returned_goes_to_send_to_with_the_key_of_its_record() {
    let bench = bench(["a", "b"]);
    bench.run(handler_fn(echo)).await.unwrap();
    let sent = bench.sink.records();
    assert_eq!(bench.sink.payloads(), ["a!", "b!"]);
    assert!(sent.iter().all(|record| record.topic.as_deref() == Some("invoices")));
    assert_eq!(sent[1].key.as_deref(), Some(&b"k1"[..]));
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().handled, bench.counts().sent), (2, 2));
    assert_eq!(bench.sink.n_at_once(), 2, "nothing had to be asked or waited for");
}

#[tokio::test]
async fn what_has_to_wait_for_room_is_sent_once_and_before_what_comes_after_it() {
    for delivery in [Delivery::AtMostOnce, Delivery::AtLeastOnce] {
        let script = [Sent::Acknowledged, Sent::Late, Sent::Acknowledged];
        let bench = bench(["a", "b", "c"]).sink(FakeSink::new(script)).with(|listener| listener.delivery = delivery);
        bench.run(handler_fn(echo)).await.unwrap();
        assert_eq!(bench.sink.payloads(), ["a!", "b!", "c!"], "{delivery:?}");
        assert_eq!(bench.progress.finished(), [0, 1, 2], "{delivery:?}");
        assert_eq!(bench.counts().handled, 3, "{delivery:?}");
    }
    let bench = bench(["a", "b", "c"]).sink(FakeSink::new([Sent::Acknowledged, Sent::Late])).in_transaction();
    bench.run(handler_fn(echo)).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a!", "b!", "c!"]);
    assert_eq!((bench.counts().handled, bench.counts().sent), (3, 3));
    assert_eq!(bench.sink.n_at_once(), 2, "but for the one that had to wait");
}

#[tokio::test]
async fn outgoing_records_choose_for_themselves() {
    let bench = bench(["a"]);
    let route = |Text(text): Text| async move {
        [Outgoing::new(text.clone()).topic("audit").key(()).partition(2), Outgoing::new(text).key("own")]
    };
    bench.run(handler_fn(route)).await.unwrap();
    let sent = bench.sink.records();
    let where_to: Vec<_> = sent.iter().map(|r| (r.topic.as_deref(), r.key.as_deref(), r.partition)).collect();
    assert_eq!(where_to, [(Some("audit"), None, Some(2)), (Some("invoices"), Some(&b"own"[..]), None)]);
}

#[tokio::test]
async fn a_record_is_done_when_all_it_returned_is_acknowledged() {
    let bench = bench(["a", "b", "nothing"]).sink(FakeSink::new([Sent::Open; 4]));
    let twice = |Text(text): Text| async move { if text == "nothing" { Vec::new() } else { vec![text.clone(), text] } };
    let run = bench.run(handler_fn(twice));
    let acknowledge = async {
        bench.sink.await_records(4).await;
        assert_eq!(bench.progress.finished(), [2], "only the record that returned nothing may be done");
        bench.sink.acknowledge_all();
    };
    let (result, ()) = tokio::join!(run, acknowledge);
    result.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "a", "b", "b"]);
    assert_eq!(bench.progress.finished(), [2, 0, 1]);
}

#[tokio::test]
async fn when_the_last_handler_has_ended_the_lane_need_not_wait_for_acknowledgments() {
    let bench = bench(["a", "b"]).sink(FakeSink::new([Sent::Open; 2]));
    let may_end = Arc::new(Semaphore::new(1));
    let ends = Arc::clone(&may_end);
    let run = bench.run(handler_fn(move |Text(text): Text| {
        let ends = Arc::clone(&ends);
        async move {
            ends.acquire().await.expect("it stays open").forget();
            text
        }
    }));
    let acknowledge = async {
        bench.sink.await_records(1).await;
        tokio::task::yield_now().await;
        assert!(!bench.progress.is_handled(), "the second one is at work");
        may_end.add_permits(1);
        bench.sink.await_records(2).await;
        tokio::task::yield_now().await;
        assert!(bench.progress.is_handled() && bench.progress.finished().is_empty());
        bench.sink.acknowledge_all();
    };
    let (result, ()) = tokio::join!(run, acknowledge);
    result.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn behind_a_record_that_stops_the_listener_no_other_chunk_begins() {
    let bench = bench(["a", "bad"]).sink(FakeSink::new([Sent::Open]));
    let handler = handler_fn(|Text(text): Text| async move {
        if text == "bad" { Err(std::io::Error::other("no")) } else { Ok(text) }
    });
    let run = tokio::time::timeout(Duration::from_secs(3600), bench.run(handler));
    assert!(run.await.is_err(), "it waits for what the first one returned");
    assert!(!bench.progress.is_handled());
}

#[tokio::test(start_paused = true)]
async fn acknowledged_records_are_done_while_later_ones_are_handled() {
    let bench = bench(["a", "slow"]);
    let handler = handler_fn(|Text(text): Text| async move {
        if text == "slow" {
            std::future::pending::<()>().await;
        }
        text
    });
    assert!(tokio::time::timeout(Duration::from_secs(1), bench.run(handler)).await.is_err(), "it hangs");
    assert_eq!(bench.progress.finished(), [0]);
}

#[tokio::test(start_paused = true)]
async fn an_output_that_is_lost_is_sent_again_without_another_call() {
    let calls = super::Notes::default();
    let bench = bench(["a", "b"]).sink(FakeSink::new([Sent::Lost, Sent::Acknowledged, Sent::Refused]));
    let seen = calls.clone();
    let handler = handler_fn(move |Text(text): Text| {
        seen.push(text.clone());
        std::future::ready(text)
    });
    bench.run(handler).await.unwrap();
    assert_eq!(calls.take(), ["a", "b"]);
    assert_eq!(bench.sink.payloads(), ["a", "a", "b", "b"], "each twice, in order");
    assert_eq!(bench.sink.n_at_once(), 1, "what is lost or refused is sent again the other way");
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().failed, bench.counts().sent, bench.counts().handled), (2, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_never_arrives_stops_the_listener_at_its_record() {
    let bench = bench(["a", "b"]).sink(FakeSink::new([Sent::Lost; 100]));
    let error = bench.run(handler_fn(echo)).await.unwrap_err().to_string();
    assert!(error.contains("offset 100") && error.contains("did not reach `invoices`"), "{error}");
    assert!(bench.progress.finished().is_empty());
    assert_eq!(bench.counts().handled, 0);
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_lost_output_goes_to_the_dead_letter_topic() {
    let sends = [Sent::Lost, Sent::Lost, Sent::Acknowledged, Sent::Acknowledged];
    let bench = bench(["a", "b"]).dead_letters().sink(FakeSink::new(sends));
    let bench = bench.with(|listener| listener.retry.attempts = 2);
    bench.run(handler_fn(echo)).await.unwrap();
    let topics: Vec<_> = bench.sink.records().iter().map(|r| r.topic.as_deref().map(str::to_owned)).collect();
    let expected = ["invoices", "invoices", "orders-dlt", "invoices"].map(|topic| Some(topic.to_owned()));
    assert_eq!(topics, expected);
    assert_eq!(bench.sink.payloads()[2], "a", "the dead letter is the record that was handled");
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().handled, bench.counts().dead_lettered), (1, 1));
}

#[tokio::test]
async fn a_value_without_a_topic_stops_the_listener() {
    let bench = Bench::new(["a"]).dead_letters();
    let error = bench.run(handler_fn(echo)).await.unwrap_err().to_string();
    assert!(error.contains("the listener has no `send_to` and the value names no topic"), "{error}");
    assert!(bench.progress.finished().is_empty() && bench.sink.records().is_empty());
}

#[tokio::test]
async fn what_was_returned_before_a_stop_is_still_waited_for() {
    let bench = bench(["a", "bad"]).sink(FakeSink::new([Sent::Open]));
    let handler = |Text(text): Text| async move { if text == "bad" { Err("bad") } else { Ok(text) } };
    let bench = bench.with(|listener| listener.retry.attempts = 1);
    let run = bench.run(handler_fn(handler));
    let acknowledge = async {
        bench.sink.await_records(1).await;
        tokio::task::yield_now().await;
        bench.sink.acknowledge_all();
    };
    let (result, ()) = tokio::join!(run, acknowledge);
    result.unwrap_err();
    assert_eq!(bench.progress.finished(), [0]);
}
