use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

use super::Notes;
use crate::{
    OnRevoke, Text, handler_fn,
    test_support::{Bench, FakeSink, Refused, Sent},
};

#[tokio::test(start_paused = true)]
async fn a_revoke_ends_a_back_off_without_marking() {
    let bench = Bench::new(["a", "b"]).with(|listener| listener.retry.backoff = Duration::from_secs(3_600));
    let start = Instant::now();
    let failed = Arc::new(Notify::new());
    let tell = Arc::clone(&failed);
    let run = bench.run(handler_fn(move || {
        tell.notify_one();
        std::future::ready(Err::<(), _>("down"))
    }));
    let revoke = async {
        failed.notified().await;
        bench.progress.revoke();
    };
    let (result, ()) = tokio::join!(run, revoke);
    result.unwrap();
    assert!(bench.progress.finished().is_empty());
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(bench.counts().retried, 0);
}

/// Whom a revoke drops, its lane does: `with_cancel_a_revoke_drops_the_running_handler_at_once`.
#[tokio::test]
async fn who_may_start_no_other_record_lets_the_running_handler_end() {
    for on_revoke in [OnRevoke::Drain, OnRevoke::Cancel] {
        lets_the_running_handler_end(&Bench::new(["a", "b"]).with(|listener| listener.on_revoke = on_revoke)).await;
    }
}

async fn lets_the_running_handler_end(bench: &Bench) {
    let notes = Notes::default();
    let (running, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, tell, wait) = (notes.clone(), Arc::clone(&running), Arc::clone(&go_on));
    let run = bench.run(handler_fn(move |Text(text): Text| {
        let (seen, tell, wait) = (seen.clone(), Arc::clone(&tell), Arc::clone(&wait));
        async move {
            tell.notify_one();
            wait.notified().await;
            seen.push(text);
        }
    }));
    let revoke = async {
        running.notified().await;
        bench.progress.revoke();
        go_on.notify_one();
    };
    let (result, ()) = tokio::join!(run, revoke);
    result.unwrap();
    assert_eq!((notes.take(), bench.progress.finished()), (vec!["a".to_owned()], vec![0]));
}

#[tokio::test(start_paused = true)]
async fn a_revoke_ends_the_resending_of_a_dead_letter_without_marking() {
    let bench = Bench::new(["a"]).dead_letters().sink(FakeSink::new([Sent::Lost; 100]));
    let run = bench.run(handler_fn(|| async { Err::<(), _>(Refused) }).by_class());
    let revoke = async {
        bench.sink.await_records(2).await;
        bench.progress.revoke();
    };
    let (result, ()) = tokio::join!(run, revoke);
    result.unwrap();
    assert!(bench.progress.finished().is_empty());
    assert_eq!(bench.counts().dead_lettered, 0);
}
