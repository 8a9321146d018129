//! Requests with a double of the producer and no reader: replies are put into the inbox by hand.

use std::{
    future::{Future, ready},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::Semaphore;

use super::*;
use crate::{
    record::{Headers, OwnedRecord},
    test_support::{FakeSink, Sent},
};

/// Is ready when there is a permit for it.
struct Ready(Arc<Semaphore>);

impl ReplyReader for Ready {
    fn ready(&self, _: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(async {
            self.0.acquire().await.expect("never closed").forget();
            Ok(())
        })
    }

    fn timed_out(&self) {}

    fn stop(&self, _: Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>> {
        Box::pin(ready(Ok(())))
    }
}

struct Bench {
    sink: Arc<FakeSink>,
    inbox: Arc<Inbox>,
    requests: Requests,
    /// How often the reader may say that it is ready.
    ready: Arc<Semaphore>,
}

const TIMEOUT: Duration = Duration::from_secs(5);

impl Bench {
    fn new(sends: impl IntoIterator<Item = Sent>) -> Self {
        let (sink, inbox) = (FakeSink::new(sends), Arc::<Inbox>::default());
        let ready = Arc::new(Semaphore::new(100));
        let reader = Box::new(Ready(Arc::clone(&ready)));
        let requests = Requests::new(Arc::<FakeSink>::clone(&sink), "replies", Some(2), reader, Arc::clone(&inbox));
        Self { sink, inbox, requests, ready }
    }

    async fn ask(&self, release: &Release) -> Result<Replies<Reply>, RequestError> {
        let record = ProducerRecord::to("questions").payload(Bytes::from_static(b"why"));
        self.requests.exchange(record, release, TIMEOUT).await
    }

    /// Answers the latest request.
    async fn answer(&self, n_requests: usize, answers: &[&str]) {
        self.sink.await_records(n_requests).await;
        let request = self.sink.records().pop().expect("a request");
        let id = request.headers.last(CORRELATION_ID).flatten().map(Bytes::copy_from_slice);
        for answer in answers {
            self.reply(id.clone(), answer);
        }
    }

    fn reply(&self, id: Option<Bytes>, answer: &str) {
        let mut headers = Headers::new();
        if let Some(id) = id {
            headers.push(CORRELATION_ID, Some(id));
        }
        let record = OwnedRecord { payload: Some(answer.into()), headers, ..OwnedRecord::default() };
        self.inbox.take(&"replies".into(), 2, &record.into());
    }

    fn counts(&self) -> [u64; 3] {
        let ReplyCounts { received, unexpected, uncorrelated } = self.inbox.counts();
        [received, unexpected, uncorrelated]
    }
}

fn texts(replies: &Replies<Reply>) -> Vec<String> {
    replies.replies.iter().map(|reply| reply.decode().expect("text")).collect()
}

#[tokio::test]
async fn a_request_says_where_its_reply_goes() {
    let bench = Bench::new([]);
    let one = Release::count(1);
    let (replies, ()) = tokio::join!(bench.ask(&one), bench.answer(1, &["because"]));
    let replies = replies.unwrap();
    assert_eq!((texts(&replies), replies.is_complete), (vec!["because".to_owned()], true));
    let request = bench.sink.records().remove(0);
    assert_eq!(request.headers.last(REPLY_TOPIC), Some(Some(&b"replies"[..])));
    assert_eq!(request.headers.last(REPLY_PARTITION), Some(Some(&[0, 0, 0, 2][..])));
    assert_eq!(request.headers.last(CORRELATION_ID).flatten().map(<[u8]>::len), Some(16));
    assert_eq!((bench.counts(), bench.inbox.n_waiting()), ([1, 0, 0], 0));
}

#[tokio::test]
async fn a_reply_may_come_before_the_acknowledgment() {
    let bench = Bench::new([Sent::Open]);
    let one = Release::count(1);
    let (replies, ()) = tokio::join!(bench.ask(&one), bench.answer(1, &["because"]));
    assert_eq!(texts(&replies.unwrap()), ["because"]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_answered_ends_with_its_time() {
    let bench = Bench::new([]);
    let RequestError::Timeout(timeout) = bench.ask(&Release::count(1)).await.unwrap_err() else { panic!("a timeout") };
    assert_eq!((&*timeout.topic, timeout.waited, timeout.n_replies), ("questions", TIMEOUT, 0));
    let sent = bench.sink.records().remove(0);
    assert_eq!(sent.headers.last(CORRELATION_ID).flatten(), Some(&timeout.correlation_id.as_bytes()[..]));
    assert_eq!(bench.inbox.n_waiting(), 0);
    bench.answer(1, &["too late"]).await;
    assert_eq!(bench.counts(), [0, 1, 0]);
}

#[tokio::test]
async fn a_request_that_is_not_sent_fails_at_once() {
    for sent in [Sent::Refused, Sent::Lost] {
        let bench = Bench::new([sent]);
        let error = bench.ask(&Release::count(1)).await.unwrap_err();
        let RequestError::NotSent(error) = error else { panic!("{error:?}") };
        assert_eq!(error.record().payload.as_deref(), Some(&b"why"[..]));
        assert_eq!(bench.inbox.n_waiting(), 0);
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_is_forgotten() {
    let bench = Bench::new([]);
    let one = Release::count(1);
    tokio::select! {
        _ = bench.ask(&one) => panic!("nobody answered"),
        () = async {
            bench.sink.await_records(1).await;
            assert_eq!(bench.inbox.n_waiting(), 1);
        } => {}
    }
    assert_eq!(bench.inbox.n_waiting(), 0);
}

#[tokio::test]
async fn a_stop_fails_all_that_wait_and_takes_no_more() {
    let bench = Bench::new([]);
    let one = Release::count(1);
    let stop = async {
        bench.sink.await_records(1).await;
        bench.requests.stop(TIMEOUT).await.unwrap();
    };
    let (result, ()) = tokio::join!(bench.ask(&one), stop);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Stopped);
    let n_permits = bench.ready.available_permits();
    assert_eq!(bench.ask(&one).await.unwrap_err().kind(), ErrorKind::Stopped);
    assert_eq!(bench.sink.records().len(), 1, "the second was not sent");
    assert_eq!(bench.ready.available_permits(), n_permits, "and no reader was started for it");
}

#[tokio::test]
async fn a_stop_fails_who_waits_for_the_reader_at_once() {
    let bench = Bench::new([]);
    bench.ready.forget_permits(100);
    let one = Release::count(1);
    let stop = async {
        tokio::task::yield_now().await;
        bench.requests.stop(TIMEOUT).await.unwrap();
    };
    let both = async { tokio::join!(bench.ask(&one), stop) };
    let (result, ()) = tokio::time::timeout(TIMEOUT, both).await.expect("it does not wait for the reader");
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Stopped);
    assert!(bench.sink.records().is_empty() && bench.inbox.n_waiting() == 0);
}

#[tokio::test]
async fn several_replies_are_collected_until_they_are_enough() {
    let bench = Bench::new([]);
    let three = Release::count(3);
    let (replies, ()) = tokio::join!(bench.ask(&three), bench.answer(1, &["a", "b", "c", "d"]));
    assert_eq!(texts(&replies.unwrap()), ["a", "b", "c"]);
    assert_eq!(bench.counts(), [3, 1, 0]);

    let until_c = Release::when(|replies| replies.last().is_some_and(|reply| reply.record().payload() == Some(b"c")));
    let (replies, ()) = tokio::join!(bench.ask(&until_c), bench.answer(2, &["a", "b", "c", "d"]));
    assert_eq!(texts(&replies.unwrap()), ["a", "b", "c"]);
    assert_eq!(bench.inbox.n_waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_there_is_at_the_timeout_is_returned_on_demand() {
    let bench = Bench::new([]);
    let (strict, lax) = (Release::count(3), Release::count(3).or_what_there_is());
    let (result, ()) = tokio::join!(bench.ask(&strict), bench.answer(1, &["a", "b"]));
    let RequestError::Timeout(timeout) = result.unwrap_err() else { panic!("a timeout") };
    assert_eq!(timeout.n_replies, 2);
    let (replies, ()) = tokio::join!(bench.ask(&lax), bench.answer(2, &["a", "b"]));
    let replies = replies.unwrap();
    assert_eq!((texts(&replies).len(), replies.is_complete), (2, false));
    assert_eq!(bench.ask(&lax).await.unwrap_err().kind(), ErrorKind::Timeout, "nothing is no part of an answer");
}

#[tokio::test]
async fn what_is_no_reply_is_counted_and_dropped() {
    let bench = Bench::new([]);
    bench.reply(None, "x");
    bench.reply(Some(Bytes::from_static(b"order-42")), "x");
    bench.reply(Some(Bytes::copy_from_slice(CorrelationId::random().as_bytes())), "x");
    assert_eq!(bench.counts(), [0, 1, 2]);
}

#[tokio::test]
async fn the_headers_of_a_request_replace_those_of_the_record_it_was_made_of() {
    let bench = Bench::new([Sent::Refused]);
    let record = ProducerRecord::to("questions").header(REPLY_TOPIC, "elsewhere").header("trace", "t");
    let record = ProducerRecord { payload: Some(Bytes::from_static(b"why")), key: None, ..record };
    bench.requests.exchange(record, &Release::count(1), TIMEOUT).await.unwrap_err();
    let names: Vec<_> = bench.sink.records()[0].headers.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["trace", CORRELATION_ID, REPLY_TOPIC, REPLY_PARTITION]);
    assert_eq!(bench.sink.records()[0].headers.last(REPLY_TOPIC), Some(Some(&b"replies"[..])));
}
