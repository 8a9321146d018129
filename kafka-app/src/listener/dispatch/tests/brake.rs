//! A listener of whose records too many would become dead letters stops.

use std::time::Duration;

use crate::{
    Batch, ErrorKind, Text, batch_handler_fn,
    config::DeadLetterBrake,
    handler_fn,
    listener::{ListenerEvent, RecordFate},
    test_support::Bench,
};

fn bench(payloads: &[&str]) -> Bench {
    Bench::new(payloads).dead_letters().with(|listener| {
        listener.retry.attempts = 1;
        listener.dead_letter_brake = Some(DeadLetterBrake { share: 0.5, within: Duration::from_secs(60), at_least: 4 });
    })
}

async fn judge(Text(text): Text) -> Result<(), String> {
    if text.starts_with("bad") { Err(text) } else { Ok(()) }
}

#[tokio::test]
async fn the_record_that_would_pass_the_limit_becomes_no_dead_letter_and_stops_its_listener() {
    let bench = bench(&["ok", "ok", "bad 1", "bad 2", "bad 3", "ok"]);
    let mut events = bench.events.events();
    let error = bench.run(handler_fn(judge)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadLetterBrake);
    let text = error.to_string();
    assert!(text.starts_with("listener `bill` stopped at topic `orders`, partition 3, offset 104"), "{text}");
    assert!(text.contains("3 of 5 records within 1m would be dead letters, more than 50%"), "{text}");
    assert_eq!(
        (bench.sink.payloads(), bench.progress.finished()),
        (vec!["bad 1".into(), "bad 2".into()], vec![0, 1, 2, 3])
    );
    for fate in [None, None, Some(RecordFate::Stopped)] {
        let told = events.next().await;
        let Some(ListenerEvent::RetryExhausted { fate: told, .. }) = told else { panic!("{told:?}") };
        assert!(fate.is_none_or(|fate| fate == told), "{told:?}");
    }
}

#[tokio::test]
async fn as_many_as_the_limit_lets_pass_stop_nothing() {
    let bench = bench(&["ok", "ok", "ok", "bad", "bad", "bad", "ok"]);
    bench.run(handler_fn(judge)).await.unwrap();
    assert_eq!((bench.counts().handled, bench.counts().dead_lettered), (4, 3));
}

#[tokio::test]
async fn what_cannot_be_decoded_counts_as_well() {
    let bench = Bench::new([[0xff]; 6]).dead_letters().with(|listener| {
        let brake = DeadLetterBrake { share: 0.2, within: Duration::from_secs(60), at_least: 3 };
        listener.dead_letter_brake = Some(brake);
    });
    let error = bench.run(handler_fn(judge)).await.unwrap_err();
    assert_eq!((error.kind(), bench.counts().dead_lettered), (ErrorKind::DeadLetterBrake, 2));
}

#[tokio::test]
async fn of_a_batch_all_outcomes_count_whatever_their_order() {
    let handler = || {
        batch_handler_fn(|batch: Batch<Text>| async move {
            let one = |Text(text): Text| if text.starts_with("bad") { Err(text) } else { Ok(()) };
            batch.into_payloads().map(one).collect::<Vec<_>>()
        })
    };
    let half = bench(&["bad", "bad", "bad", "ok", "ok", "ok"]);
    half.run_batch(handler()).await.unwrap();
    assert_eq!((half.counts().handled, half.counts().dead_lettered), (3, 3));
    let more = bench(&["bad", "bad", "bad", "bad", "ok", "ok"]);
    assert_eq!(more.run_batch(handler()).await.unwrap_err().kind(), ErrorKind::DeadLetterBrake);
}

#[tokio::test]
async fn exactly_once_the_transaction_has_no_letter_too_many() {
    let bench = bench(&["bad"; 6]).in_transaction();
    let error = bench.run(handler_fn(judge)).await.unwrap_err();
    assert_eq!((error.kind(), bench.sink.records().len()), (ErrorKind::DeadLetterBrake, 3));
}
