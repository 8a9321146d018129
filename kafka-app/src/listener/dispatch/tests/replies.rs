use bytes::Bytes;

use crate::{
    Batch, Outgoing, Text, batch_handler_fn,
    config::Delivery,
    handler_fn,
    record::Headers,
    test_support::{Bench, FakeSink, Sent},
};

fn asked() -> Headers {
    let mut headers = Headers::new();
    headers.push("kafka_replyTopic", Some(Bytes::from_static(b"replies")));
    headers.push("kafka_correlationId", Some(Bytes::from_static(b"0123456789abcdef")));
    headers
}

fn bench<const N: usize>(payloads: [&str; N]) -> Bench {
    Bench::new(payloads).with(|listener| listener.reply = true)
}

async fn echo(Text(text): Text) -> String {
    format!("{text}!")
}

#[tokio::test]
async fn what_is_returned_answers_the_record_that_asked() {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        let bench = bench(["a", "b"]).headers(&asked()).with(|listener| listener.delivery = delivery);
        bench.run(handler_fn(echo)).await.unwrap();
        let sent = bench.sink.records();
        assert_eq!(bench.sink.payloads(), ["a!", "b!"]);
        assert!(sent.iter().all(|record| record.topic.as_deref() == Some("replies")));
        assert!(sent.iter().all(|r| r.headers.last("kafka_correlationId") == Some(Some(&b"0123456789abcdef"[..]))));
        assert_eq!(sent[1].key.as_deref(), Some(&b"k1"[..]), "the key of the request");
        assert_eq!(bench.progress.finished(), [0, 1]);
    }
}

#[tokio::test]
async fn several_values_are_several_replies_with_the_same_id() {
    let bench = bench(["a"]).headers(&asked());
    let twice = |Text(text): Text| async move { [Outgoing::new(text.clone()), Outgoing::new(text).topic("audit")] };
    bench.run(handler_fn(twice)).await.unwrap();
    let sent = bench.sink.records();
    let topics: Vec<_> = sent.iter().map(|record| record.topic.as_deref()).collect();
    assert_eq!(topics, [Some("replies"), Some("audit")]);
    assert!(sent.iter().all(|record| record.headers.last("kafka_correlationId").is_some()));
}

#[tokio::test]
async fn a_record_that_did_not_ask_is_handled_and_not_answered() {
    let bench = bench(["a", "b"]);
    bench.run(handler_fn(echo)).await.unwrap();
    assert!(bench.sink.records().is_empty());
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().handled, bench.counts().failed), (2, 0));
}

#[tokio::test]
async fn a_batch_answers_each_record_that_asked() {
    let bench = bench(["a", "b"]).headers(&asked());
    let each = |batch: Batch<Text>| async move {
        batch.into_payloads().map(|Text(text)| Ok::<_, String>(text)).collect::<Vec<_>>()
    };
    bench.run_batch(batch_handler_fn(each)).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a", "b"]);
    assert_eq!(bench.progress.finished(), [0, 1]);
}

#[tokio::test]
async fn one_value_for_a_whole_batch_answers_nobody() {
    let bench = bench(["a", "b"]).headers(&asked());
    let error = bench.run_batch(batch_handler_fn(|_: Batch<Text>| async { "all" })).await.unwrap_err().to_string();
    assert!(error.contains("a `Result` for each record"), "{error}");
    assert!(bench.sink.records().is_empty() && bench.progress.finished().is_empty());
}

#[tokio::test]
async fn a_request_that_names_no_partition_of_its_topic_is_handled_and_not_answered() {
    let mut headers = asked();
    headers.push("kafka_replyPartition", Some(Bytes::from_static(&[0, 0, 0, 3])));
    for (n_partitions, n_sent) in [(Some(3), 0), (Some(4), 2), (None, 2)] {
        let bench = bench(["a", "b"]).headers(&headers).sink(FakeSink::with_partitions(n_partitions));
        bench.run(handler_fn(echo)).await.unwrap();
        assert_eq!((bench.sink.records().len(), bench.progress.finished()), (n_sent, vec![0, 1]), "{n_partitions:?}");
    }
}

#[tokio::test]
async fn a_reply_that_is_refused_is_dropped_and_the_next_request_handled() {
    let bench = bench(["a", "b"]).headers(&asked()).sink(FakeSink::new([Sent::Unwanted]));
    bench.run(handler_fn(echo)).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a!", "b!"]);
    assert_eq!(bench.progress.finished(), [0, 1]);
    assert_eq!((bench.counts().handled, bench.counts().failed, bench.counts().sent), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_lost_is_sent_again() {
    let bench = bench(["a"]).headers(&asked()).sink(FakeSink::new([Sent::Lost]));
    bench.run(handler_fn(echo)).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a!", "a!"]);
    assert!(bench.sink.records().iter().all(|record| record.headers.last("kafka_correlationId").is_some()));
}
