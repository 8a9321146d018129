use crate::{
    Ack, AckMode, Text, handler_fn,
    test_support::{AckEvent, Bench, FakeProgress, acks},
};

fn bench<const N: usize>(payloads: [&str; N], acks: &crate::test_support::Acks) -> Bench {
    let mut bench = Bench::new(payloads).dead_letters().with(|listener| {
        listener.ack_mode = AckMode::Manual;
        listener.retry.attempts = 2;
    });
    bench.progress = FakeProgress::manual(acks);
    bench
}

#[tokio::test]
async fn a_handled_record_is_left_to_its_ack() {
    let acks = acks();
    let bench = bench(["a", "b"], &acks);
    let handler = handler_fn(|ack: Ack, Text(text): Text| async move {
        if text == "a" {
            drop(ack.ack());
        }
    });
    bench.run(handler).await.unwrap();
    assert_eq!(acks.events(), [AckEvent::Acknowledged(0), AckEvent::Dropped(1)]);
    assert_eq!((bench.progress.finished(), bench.progress.acked_by_hand()), (vec![], vec![0, 1]));
}

#[tokio::test]
async fn a_failure_is_the_policys_whatever_became_of_the_ack() {
    let acks = acks();
    let bench = bench(["a"], &acks);
    bench.run(handler_fn(|_ack: Ack| async { Err::<(), _>("down") })).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["a"]);
    assert_eq!((bench.progress.finished(), bench.progress.acked_by_hand()), (vec![0], vec![]));
}

#[tokio::test]
async fn what_the_filter_drops_needs_no_ack() {
    let acks = acks();
    let mut bench = bench(["a"], &acks);
    bench.filter = Some(|_| false);
    bench.run(handler_fn(|ack: Ack| async move { drop(ack.ack()) })).await.unwrap();
    assert_eq!((bench.progress.finished(), acks.events()), (vec![0], vec![]));
}
