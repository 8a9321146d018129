//! Records that fail go from retry topic to retry topic, and then to the dead letters.

use std::time::Duration;

use crate::{
    BatchOutcome, DeliveryAttempt, Outcome, Text, batch_handler_fn,
    clock::wall_clock,
    config::ResolvedListener,
    error_handler::{due, n_handled},
    handler::{Failure, Outputs},
    handler_fn,
    record::{Headers, OwnedRecord, ProducerRecord, RawRecord},
    test_support::{Bench, FakeSink, Sent},
};

const MINUTE: Duration = Duration::from_secs(60);

fn retried(listener: &mut ResolvedListener) {
    *listener = listener.clone().retried_after(&[MINUTE, 2 * MINUTE]);
}

/// The listener of the first or second retry topic.
fn stage(bench: Bench, index: usize) -> Bench {
    bench.with(|listener| {
        retried(listener);
        *listener = listener.stages().remove(index);
    })
}

/// As it would arrive from the topic it was sent to.
fn arrived(sent: &ProducerRecord) -> RawRecord {
    OwnedRecord { headers: sent.headers.clone(), ..OwnedRecord::default() }.into()
}

async fn fails(Text(text): Text) -> Result<(), String> {
    if text.starts_with("bad") { Err(text) } else { Ok(()) }
}

#[tokio::test]
async fn a_record_that_fails_goes_to_the_first_retry_topic_and_the_next_is_handled() {
    let bench = Bench::new(["bad", "b"]).with(retried);
    let before = wall_clock();
    bench.run(handler_fn(fails)).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    let sent = bench.sink.records();
    let [retry] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((retry.topic.as_deref(), retry.partition), (Some("orders-retry-60000"), Some(3)));
    assert_eq!((retry.key.as_deref(), retry.payload.as_deref()), (Some(&b"k0"[..]), Some(&b"bad"[..])));
    assert_eq!(n_handled(&arrived(retry)), Some(2));
    let waits = due(&arrived(retry)).unwrap() - before;
    assert!((60_000..90_000).contains(&waits), "{waits}");
    let counts = bench.counts();
    assert_eq!((counts.forwarded, counts.failed, counts.retried, counts.dead_lettered), (1, 1, 0, 0));
}

#[tokio::test]
async fn it_is_done_when_the_broker_has_it_and_not_before() {
    let bench = Bench::new(["bad"]).with(retried).sink(FakeSink::new([Sent::Open]));
    let run = bench.run(handler_fn(fails));
    let watch = async {
        bench.sink.await_records(1).await;
        assert!(bench.progress.finished().is_empty());
        bench.sink.acknowledge_all();
    };
    let (ended, ()) = tokio::join!(run, watch);
    ended.unwrap();
    assert_eq!(bench.progress.finished(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_whose_records_reach_no_retry_topic_stops_with_the_record_uncommitted() {
    let bench = Bench::new(["bad"]).with(retried).sink(FakeSink::new((0..8).map(|_| Sent::Refused)));
    let error = bench.run(handler_fn(fails)).await.unwrap_err().to_string();
    assert!(error.contains("did not reach `orders-retry-60000`"), "{error}");
    assert!(bench.progress.finished().is_empty());
}

#[tokio::test]
async fn the_last_retry_topic_leads_to_the_dead_letters_of_the_first_topic() {
    let mut headers = Headers::new();
    headers.push("retry_topic-attempts", Some(3_i32.to_be_bytes().to_vec().into()));
    headers.push("kafka_original-topic", Some("orders".into()));
    headers.push("kafka_original-timestamp", Some(7_i64.to_be_bytes().to_vec().into()));
    let bench = stage(Bench::new(["bad"]).headers(&headers), 1).topic("orders-retry-120000");
    bench.run(handler_fn(fails)).await.unwrap();
    let letter = bench.sink.records().remove(0);
    assert_eq!((letter.topic.as_deref(), letter.timestamp), (Some("orders-dlt"), Some(7)));
    assert_eq!(letter.headers.last("kafka_original-topic"), Some(Some(&b"orders"[..])));
    assert_eq!(bench.counts().dead_lettered, 1);
}

#[tokio::test]
async fn a_handler_is_told_which_delivery_it_is_over_all_topics() {
    let mut headers = Headers::new();
    headers.push("retry_topic-attempts", Some(2_i32.to_be_bytes().to_vec().into()));
    let bench = stage(Bench::new(["a"]).headers(&headers), 0)
        .topic("orders-retry-60000")
        .with(|listener| listener.retry.attempts = 2);
    let handler = |DeliveryAttempt(attempt): DeliveryAttempt| async move {
        if attempt < 4 { Err(format!("delivery {attempt}")) } else { Ok(()) }
    };
    bench.run(handler_fn(handler)).await.unwrap();
    assert_eq!(bench.counts().retried, 1, "the third and the fourth are here, two were before");
    assert!(bench.sink.records().is_empty());
}

#[tokio::test]
async fn what_cannot_be_decoded_goes_to_the_dead_letters_at_once() {
    let bench = Bench::new([b"\xff"]).with(retried);
    bench.run(handler_fn(fails)).await.unwrap();
    assert_eq!(bench.sink.records()[0].topic.as_deref(), Some("orders-dlt"));
}

#[tokio::test]
async fn a_batch_that_fails_goes_to_the_retry_topic_record_by_record() {
    let bench = Bench::new(["a", "b"]).with(retried);
    let handler = batch_handler_fn(|_: crate::Batch<Text>| async { Err::<(), _>("busy") });
    bench.run_batch(handler).await.unwrap();
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!(bench.sink.payloads(), ["a", "b"]);
    assert!(bench.sink.records().iter().all(|sent| sent.topic.as_deref() == Some("orders-retry-60000")));
}

/// Fails the second record.
struct FailsSecond;

impl crate::BatchHandler for FailsSecond {
    fn declare(&self, _: &mut crate::Declaration) {}

    async fn call<'r>(&'r self, cx: crate::BatchContext<'r>) -> BatchOutcome {
        let outcome = |index| match index {
            1 => Outcome::Failed(Failure::retry("busy")),
            _ => Outcome::Done(Outputs::None),
        };
        BatchOutcome::PerRecord((0..cx.records().len()).map(outcome).collect())
    }
}

#[tokio::test]
async fn of_a_batch_with_outcomes_only_what_failed_goes_to_the_retry_topic() {
    let bench = Bench::new(["a", "b", "c"]).with(retried);
    bench.run_batch(FailsSecond).await.unwrap();
    assert_eq!(bench.progress.finished().len(), 3);
    assert_eq!(bench.sink.payloads(), ["b"]);
}

#[tokio::test]
async fn exactly_once_the_forwarded_record_is_in_the_transaction() {
    let bench = Bench::new(["bad", "b"]).with(retried).in_transaction();
    bench.run(handler_fn(fails)).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["bad"]);
    assert!(!bench.transaction.as_ref().unwrap().is_tainted());
    assert_eq!(bench.progress.finished(), [0, 1]);
}

#[tokio::test]
async fn exactly_once_what_has_sent_before_it_failed_is_forwarded_by_the_next_transaction() {
    let mut bench = Bench::new(["bad"]).with(retried).takes_template().in_transaction();
    bench.run(handler_fn(fails)).await.unwrap();
    assert!(bench.transaction.as_ref().unwrap().is_tainted());
    assert!(bench.sink.records().is_empty());
    bench.again_in_transaction();
    bench.run(handler_fn(fails)).await.unwrap();
    assert_eq!(bench.sink.records()[0].topic.as_deref(), Some("orders-retry-60000"));
    assert_eq!((bench.progress.finished(), bench.counts().failed), (vec![0], 1));
}
