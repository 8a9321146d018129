use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Notes;
use crate::{
    Ack, AckMode, Batch, ErrorClass, FromBatch, Text, Valid, batch_handler_fn,
    handler::{BatchContext, BatchHandler, BatchOutcome, BatchResult, Declaration, Failure, batch_outcome},
    test_support::{AckEvent, Bench, FakeProgress, acks},
};

/// Answers for each delivery what its function says of the texts in it and the attempt.
struct Answers<F> {
    notes: Notes,
    takes_ack: bool,
    answer: Mutex<F>,
}

impl<F> BatchHandler for Answers<F>
where
    F: FnMut(u32, &[String]) -> BatchResult<Vec<String>> + Send + 'static,
{
    fn declare(&self, _: &mut Declaration) {}

    async fn call(&self, cx: BatchContext<'_>) -> BatchOutcome {
        let mut rejected = Vec::new();
        let ack = self.takes_ack.then(|| Ack::from_batch(&cx, &mut rejected).unwrap());
        let batch = Batch::<Text>::from_batch(&cx, &mut rejected).unwrap();
        let texts: Vec<_> = batch.into_payloads().map(|text| text.0).collect();
        self.notes.push(texts.join(","));
        tokio::task::yield_now().await;
        let answer = (self.answer.lock())(cx.records()[0].attempt(), &texts);
        if let Some(ack) = ack {
            drop(ack.ack());
        }
        batch_outcome(cx.records().len(), rejected, answer)
    }
}

async fn run(
    bench: &Bench,
    answer: impl FnMut(u32, &[String]) -> BatchResult<Vec<String>> + Send + 'static,
) -> (crate::Result<()>, Vec<String>) {
    let notes = Notes::default();
    let takes_ack = bench.listener.ack_mode == AckMode::Manual;
    let result = bench.run_batch(Answers { notes: notes.clone(), takes_ack, answer: Mutex::new(answer) }).await;
    (result, notes.take())
}

fn ok() -> BatchResult<Vec<String>> {
    BatchResult::Whole(Ok(Vec::new()))
}

#[tokio::test]
async fn a_batch_is_done_as_one() {
    let bench = Bench::new(["a", "b", "c"]);
    let (result, seen) = run(&bench, |_, _| ok()).await;
    result.unwrap();
    assert_eq!(seen, ["a,b,c"]);
    assert_eq!((bench.progress.finished(), bench.counts().handled), (vec![0, 1, 2], 3));
}

#[tokio::test(start_paused = true)]
async fn a_failed_batch_is_delivered_again_in_whole() {
    let bench = Bench::new(["a", "b"]).with(|listener| listener.retry.backoff = Duration::from_secs(9));
    let start = Instant::now();
    let fails_once = |attempt, _: &[String]| match attempt {
        1 => BatchResult::Whole(Err(Failure::retry("down"))),
        _ => ok(),
    };
    let (result, seen) = run(&bench, fails_once).await;
    result.unwrap();
    assert_eq!((seen, start.elapsed().as_secs()), (vec!["a,b".to_owned(), "a,b".to_owned()], 9));
    assert_eq!((bench.counts().failed, bench.counts().retried, bench.counts().handled), (2, 2, 2));
}

#[tokio::test]
async fn what_cannot_be_decoded_goes_the_dead_letter_way_alone_and_once() {
    let bench = Bench::new([&b"a"[..], &b"\xff"[..], &b"c"[..]]).dead_letters();
    let fails_once = |attempt, _: &[String]| match attempt {
        1 => BatchResult::Whole(Err(Failure::retry("down"))),
        _ => ok(),
    };
    let (result, seen) = run(&bench, fails_once).await;
    result.unwrap();
    assert_eq!(seen, ["a,c", "a,c"]);
    let letters = bench.sink.records();
    assert_eq!((letters.len(), letters[0].payload.as_deref()), (1, Some(&b"\xff"[..])));
    assert_eq!(bench.progress.finished(), [1, 0, 2]);
}

#[tokio::test]
async fn a_spent_batch_is_dead_lettered_record_by_record() {
    let bench = Bench::new(["a", "b"]).dead_letters().with(|listener| listener.retry.attempts = 3);
    let (result, seen) = run(&bench, |_, _| BatchResult::Whole(Err(Failure::retry("down")))).await;
    result.unwrap();
    assert_eq!((seen.len(), bench.sink.payloads()), (3, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!((bench.progress.finished(), bench.counts().dead_lettered), (vec![0, 1], 2));
}

#[tokio::test]
async fn a_spent_batch_stops_the_listener_without_dead_letters() {
    let bench = Bench::new(["a", "b"]);
    let (result, seen) = run(&bench, |_, _| BatchResult::Whole(Err(Failure::retry("down")))).await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("offset 100, delivery 10: down"), "{error}");
    assert_eq!((seen.len(), bench.progress.finished()), (10, vec![]));
}

#[tokio::test]
async fn only_the_records_that_failed_are_delivered_again() {
    let bench = Bench::new(["a", "b", "c", "d"]).dead_letters();
    let answer = |attempt: u32, texts: &[String]| {
        let of = |text: &String| match (text.as_str(), attempt) {
            ("b", 1 | 2) | ("d", 1) => Err(Failure::retry("down")),
            ("c", _) => Err(Failure::new(ErrorClass::DeadLetter, "broken")),
            _ => Ok(Vec::new()),
        };
        BatchResult::PerRecord(texts.iter().map(of).collect())
    };
    let (result, seen) = run(&bench, answer).await;
    result.unwrap();
    assert_eq!(seen, ["a,b,c,d", "b,d", "b"]);
    assert_eq!(bench.sink.payloads(), ["c"]);
    assert_eq!(bench.progress.finished(), [0, 2, 3, 1]);
    let counts = bench.counts();
    assert_eq!((counts.handled, counts.failed, counts.retried, counts.dead_lettered), (3, 4, 3, 1));
}

#[tokio::test]
async fn a_stop_among_outcomes_leaves_its_record_and_those_after_it() {
    let bench = Bench::new(["a", "b", "c"]);
    let answer = |_, texts: &[String]| {
        let of = |text: &String| if text == "b" { Err(Failure::stop("halt")) } else { Ok(Vec::new()) };
        BatchResult::PerRecord(texts.iter().map(of).collect())
    };
    let (result, _) = run(&bench, answer).await;
    assert!(result.unwrap_err().to_string().contains("offset 101"));
    assert_eq!(bench.progress.finished(), [0]);
}

#[tokio::test]
async fn what_a_batch_returns_is_acknowledged_before_it_is_done() {
    use crate::test_support::{FakeSink, Sent};
    let bench = Bench::new(["a", "b"])
        .with(|listener| listener.send_to = Some("sums".to_owned()))
        .sink(FakeSink::new([Sent::Open, Sent::Open]));
    let acknowledge = async {
        bench.sink.await_records(2).await;
        assert!(bench.progress.finished().is_empty());
        bench.sink.acknowledge_all();
    };
    let returned = |_, _: &[String]| BatchResult::Whole(Ok(vec!["x".to_owned(), "y".to_owned()]));
    let ((result, _), ()) = tokio::join!(run(&bench, returned), acknowledge);
    result.unwrap();
    assert!(bench.sink.records().iter().all(|record| record.key.is_none()));
    assert_eq!((bench.sink.payloads(), bench.progress.finished()), (vec!["x".into(), "y".into()], vec![0, 1]));
}

#[tokio::test]
async fn what_records_of_a_batch_return_has_their_keys() {
    let bench = Bench::new(["a", "b"]).with(|listener| listener.send_to = Some("sums".to_owned()));
    let answer = |_, texts: &[String]| BatchResult::PerRecord(texts.iter().map(|t| Ok(vec![t.clone()])).collect());
    run(&bench, answer).await.0.unwrap();
    let keys: Vec<_> = bench.sink.records().into_iter().map(|record| record.key.unwrap()).collect();
    assert_eq!((keys, bench.progress.finished()), (vec!["k0".into(), "k1".into()], vec![0, 1]));
}

#[tokio::test]
async fn a_panic_fails_the_batch() {
    let bench = Bench::new(["a"]).dead_letters().with(|listener| listener.retry.attempts = 1);
    let (result, _) = run(&bench, |_, _| panic!("boom")).await;
    result.unwrap();
    assert_eq!((bench.sink.payloads(), bench.progress.finished()), (vec!["a".to_owned()], vec![0]));
}

#[tokio::test]
async fn filtered_records_are_no_part_of_the_batch() {
    let mut bench = Bench::new(["a", "x", "b"]);
    bench.filter = Some(|record| record.payload() != Some(b"x"));
    let (result, seen) = run(&bench, |_, _| ok()).await;
    result.unwrap();
    assert_eq!((seen, bench.progress.finished()), (vec!["a,b".to_owned()], vec![1, 0, 2]));
}

#[tokio::test]
async fn the_ack_of_a_batch_leaves_out_what_could_not_be_decoded() {
    let acks = acks();
    let mut bench = Bench::new([&b"a"[..], &b"\xff"[..]]).dead_letters();
    bench.listener.ack_mode = AckMode::Manual;
    bench.progress = FakeProgress::manual(&acks);
    let (result, _) = run(&bench, |_, _| ok()).await;
    result.unwrap();
    assert_eq!(acks.events(), [AckEvent::Acknowledged(0)]);
    assert_eq!((bench.progress.finished(), bench.progress.acked_by_hand()), (vec![1], vec![0]));
}

#[tokio::test(start_paused = true)]
async fn a_revoke_ends_the_back_off_of_a_batch() {
    let bench = Arc::new(Bench::new(["a"]).with(|listener| listener.retry.backoff = Duration::from_secs(3_600)));
    let revoked = Arc::clone(&bench);
    let (result, _) = run(&bench, move |_, _| {
        revoked.progress.revoke();
        BatchResult::Whole(Err(Failure::retry("down")))
    })
    .await;
    result.unwrap();
    assert!(bench.progress.finished().is_empty());
}

#[tokio::test]
async fn what_is_not_valid_goes_the_dead_letter_way_and_its_batch_is_handled_without_it() {
    let notes = Notes::default();
    let seen = notes.clone();
    let bench = Bench::new(["a", "", "b"]).dead_letters();
    let noting = batch_handler_fn(move |batch: Batch<Valid<Text>>| {
        batch.payloads().for_each(|Valid(text)| seen.push(&*text.0));
        async {}
    });
    bench.run_batch(noting).await.unwrap();
    assert_eq!((notes.take(), bench.sink.payloads()), (vec!["a".to_owned(), "b".to_owned()], vec![String::new()]));
    let letters = bench.sink.records();
    let reason = letters[0].headers.last("kafka_dlt-exception-message").flatten().unwrap_or_default();
    assert!(reason.ends_with(b"not valid: no text"));
    assert_eq!((bench.progress.finished(), bench.counts().handled, bench.counts().rejected), (vec![1, 0, 2], 2, 1));
}
