//! Whatever the handler takes, however it is delivered and wherever a revoke comes: what is finished has been seen to.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use parking_lot::Mutex;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::failures::Classed;
use crate::{
    Batch, DeadLetter, Delivery, DeliveryAttempt, ErrorClass, FromBatch, Text,
    handler::{BatchContext, BatchHandler, BatchOutcome, BatchResult, Declaration, Failure, batch_outcome},
    handler_fn,
    listener::Progress,
    test_support::{Bench, FakeSink, Sent},
};

/// What a handler takes, and what it answers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Record,
    Batch,
    /// A batch with an outcome for each record.
    PerRecord,
}

/// When the partition is revoked: while this call of the handler runs, or once so many records were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Revoke {
    InCall(usize),
    AfterSends(usize),
}

const FATES: [&str; 6] = ["ok", "late", "retry", "dead", "skip", "\u{fffd}"];

/// Each with its place, so that none is taken for another.
fn payload((index, fate): (usize, usize)) -> Vec<u8> {
    match FATES[fate] {
        "\u{fffd}" => [b"\xff ", index.to_string().as_bytes()].concat(),
        fate => format!("{fate} {index}").into_bytes(),
    }
}

fn by_fate(text: &str, attempt: u32) -> Result<String, ErrorClass> {
    match text.split(' ').next() {
        Some("late") if attempt == 1 => Err(ErrorClass::Retry),
        Some("retry") => Err(ErrorClass::Retry),
        Some("dead") => Err(ErrorClass::DeadLetter),
        Some("skip") => Err(ErrorClass::Skip),
        _ => Ok(text.to_owned()),
    }
}

/// What is seen of the calls, and the revoke in one of them.
struct Calls {
    bench: Arc<Bench>,
    n_calls: AtomicUsize,
    revoke: Option<Revoke>,
    seen: Mutex<Vec<String>>,
}

impl Calls {
    fn begin<'t>(&self, texts: impl IntoIterator<Item = &'t String>) {
        self.seen.lock().extend(texts.into_iter().cloned());
        if self.revoke == Some(Revoke::InCall(self.n_calls.fetch_add(1, Relaxed))) {
            self.bench.progress.revoke();
        }
    }
}

struct OfBatches {
    calls: Arc<Calls>,
    is_per_record: bool,
}

impl BatchHandler for OfBatches {
    fn declare(&self, _: &mut Declaration) {}

    async fn call(&self, cx: BatchContext<'_>) -> BatchOutcome {
        let mut rejected = Vec::new();
        let batch = Batch::<Text>::from_batch(&cx, &mut rejected).unwrap();
        let texts: Vec<_> = batch.into_payloads().map(|text| text.0).collect();
        if texts.is_empty() {
            return batch_outcome(cx.records().len(), rejected, BatchResult::Whole(Ok(Vec::<String>::new())));
        }
        self.calls.begin(&texts);
        tokio::task::yield_now().await;
        let attempt = cx.records()[0].attempt();
        let fail = |class| Failure::new(class, "as its fate says");
        let mut outcomes = texts.iter().map(|text| by_fate(text, attempt).map_err(fail));
        let answer = match self.is_per_record {
            true => BatchResult::PerRecord(outcomes.map(|outcome| outcome.map(|text| vec![text])).collect()),
            false => BatchResult::Whole(outcomes.by_ref().collect()),
        };
        batch_outcome(cx.records().len(), rejected, answer)
    }
}

async fn run(kind: Kind, calls: &Arc<Calls>) -> crate::Result<()> {
    let bench = &calls.bench;
    let run = async {
        if kind != Kind::Record {
            return bench
                .run_batch(OfBatches { calls: Arc::clone(calls), is_per_record: kind == Kind::PerRecord })
                .await;
        }
        let calls = Arc::clone(calls);
        let handler = move |DeliveryAttempt(attempt): DeliveryAttempt, Text(text): Text| {
            calls.begin([&text]);
            async move {
                tokio::task::yield_now().await;
                by_fate(&text, attempt).map_err(Classed)
            }
        };
        bench.run(handler_fn(handler).by_class()).await
    };
    let revoke = async {
        if let Some(Revoke::AfterSends(n_records)) = calls.revoke {
            bench.sink.await_records(n_records).await;
            bench.progress.revoke();
        }
        std::future::pending().await
    };
    tokio::select! {
        biased;
        () = revoke => unreachable!("it goes on for ever"),
        result = run => result,
    }
}

proptest! {
    #[test]
    fn what_is_finished_was_sent_on_dead_lettered_or_skipped(
        kind in select(&[Kind::Record, Kind::Batch, Kind::PerRecord][..]),
        delivery in select(&[Delivery::AtLeastOnce, Delivery::AtMostOnce, Delivery::ExactlyOnce][..]),
        fates in vec(0..FATES.len(), 1..12),
        sends in vec(select(&[Sent::Acknowledged, Sent::Lost, Sent::Refused][..]), 0..8),
        revoke in option::of(prop_oneof![(0..12_usize).prop_map(Revoke::InCall), (1..12_usize).prop_map(Revoke::AfterSends)]),
    ) {
        let payloads: Vec<_> = fates.iter().copied().enumerate().map(payload).collect();
        let bench = Bench::new(&payloads).dead_letters().sink(FakeSink::new(sends.clone())).with(|listener| {
            listener.delivery = delivery;
            listener.send_to = Some("out".to_owned());
            if delivery == Delivery::AtMostOnce {
                listener.dead_letter = DeadLetter::Stop;
            }
        });
        let bench = Arc::new(if delivery == Delivery::ExactlyOnce { bench.in_transaction() } else { bench });
        let calls = Arc::new(Calls { bench: Arc::clone(&bench), n_calls: AtomicUsize::new(0), revoke, seen: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        prop_assert!(runtime.block_on(run(kind, &calls)).is_ok());

        // Of each record once: the double of the lane sees to that.
        let finished = bench.progress.finished();
        let is_given_up = bench.transaction.as_ref().is_some_and(|transaction| transaction.is_tainted());
        let is_cut_short = bench.progress.is_revoked() || is_given_up;
        prop_assert!(is_cut_short || finished.len() == payloads.len(), "{:?} are finished", finished);
        let seen = calls.seen.lock().clone();
        if delivery == Delivery::AtMostOnce {
            let mut once = seen.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), seen.len(), "handled more than once: {:?}", seen);
            return Ok(());
        }

        // What was sent counts if it was acknowledged or, in a transaction, taken.
        let counts_as_sent = |sent: Sent| match delivery {
            Delivery::ExactlyOnce => sent != Sent::Refused,
            _ => sent == Sent::Acknowledged,
        };
        let answers = sends.iter().copied().chain(std::iter::repeat(Sent::Acknowledged));
        let sent: Vec<_> = bench.sink.records().into_iter().zip(answers).filter(|(_, sent)| counts_as_sent(*sent)).collect();
        let n_sent = |payload: &[u8]| sent.iter().filter(|(record, _)| record.payload.as_deref() == Some(payload)).count();
        let is_skip = |payload: &[u8]| payload.starts_with(b"skip");
        for seq in &finished {
            let payload = &payloads[usize::try_from(*seq).unwrap()];
            // A batch that stands or falls as one is skipped as one.
            let is_skipped = match kind {
                Kind::Batch => payloads.iter().any(|payload| is_skip(payload)),
                Kind::Record | Kind::PerRecord => is_skip(payload),
            };
            prop_assert!(is_skipped || n_sent(payload) > 0, "{} is finished, and nothing came of it", seq);
        }
        if delivery == Delivery::ExactlyOnce && !is_given_up {
            for (seq, payload) in (0..).zip(&payloads) {
                prop_assert!(n_sent(payload) <= usize::from(finished.contains(&seq)), "{} is sent, and comes again", seq);
            }
        }
        let counts = bench.counts();
        prop_assert_eq!(counts.handled + counts.dead_lettered + counts.skipped, finished.len() as u64);
    }
}
