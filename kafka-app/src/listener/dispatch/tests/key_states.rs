//! What is kept for a key when calls of its handler fail.

use std::{collections::VecDeque, future::pending, time::Duration};

use parking_lot::Mutex;

use super::Notes;
use crate::{
    BatchContext, BatchHandler, BatchOutcome, FromRecord, KeyState, KeyedState, Outcome, Outputs, RecordContext,
    RecordHandler,
    handler::{Declaration, Failure},
    test_support::Bench,
};

/// A total of which 100 is stored elsewhere.
#[derive(Default)]
struct Total(i64);

impl KeyedState for Total {}

/// What a call does.
#[derive(Clone, Copy)]
enum Does {
    /// It fails before it has loaded anything.
    NotLoad,
    /// It fails, or hangs, after it has loaded and added.
    Fail,
    Hang,
    Add,
}

use Does::{Add, Fail, Hang, NotLoad};

/// Adds the payload to the total of the key; notes what it finds, and which total it leaves.
struct Adds(Mutex<VecDeque<Does>>, Notes);

impl Adds {
    fn new(does: impl Into<VecDeque<Does>>, notes: &Notes) -> Self {
        Self(Mutex::new(does.into()), notes.clone())
    }

    async fn add(&self, cx: &RecordContext<'_>) -> Outcome {
        let arguments = KeyState::<'_, Total>::from_record(cx).and_then(|total| Ok((total, String::from_record(cx)?)));
        let (mut total, amount) = match arguments {
            Ok((total, amount)) => (total, amount.parse::<i64>().unwrap()),
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        let does = self.0.lock().pop_front().unwrap_or(Add);
        let is_new = if total.is_new() { "new" } else { "kept" };
        if let NotLoad = does {
            self.1.push(is_new);
            return Outcome::Failed(Failure::retry("the store is down"));
        }
        if total.is_new() {
            *total = Total(100);
        }
        total.0 += amount;
        self.1.push(format!("{is_new} {}", total.0));
        match does {
            Fail => Outcome::Failed(Failure::retry("as told")),
            Hang => pending().await,
            Add | NotLoad => Outcome::Done(Outputs::None),
        }
    }
}

impl RecordHandler for Adds {
    fn declare(&self, _: &mut Declaration) {}

    async fn call<'r>(&'r self, cx: RecordContext<'r>) -> Outcome {
        self.add(&cx).await
    }
}

impl BatchHandler for Adds {
    fn declare(&self, _: &mut Declaration) {}

    async fn call<'r>(&'r self, cx: BatchContext<'r>) -> BatchOutcome {
        let mut outcomes = Vec::new();
        for record in cx.records() {
            outcomes.push(self.add(record).await);
        }
        BatchOutcome::PerRecord(outcomes)
    }
}

fn bench<P: AsRef<[u8]>, const N: usize>(payloads: [P; N]) -> Bench {
    Bench::new(payloads).of_one_key().dead_letters().with(|listener| listener.retry.attempts = 3)
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_value_could_not_be_loaded_is_new_again() {
    let notes = Notes::default();
    bench(["1", "1"]).run(Adds::new([NotLoad, NotLoad], &notes)).await.unwrap();
    assert_eq!(notes.take(), ["new", "new", "new 101", "kept 102"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_call_has_made_of_a_new_value_is_not_kept() {
    let notes = Notes::default();
    let bench = bench(["1", "1"]).with(|listener| listener.timeout = Some(Duration::from_secs(1)));
    bench.run(Adds::new([Fail, Hang], &notes)).await.unwrap();
    assert_eq!(notes.take(), ["new 101", "new 101", "new 101", "kept 102"]);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_given_up_leaves_its_key_new() {
    let notes = Notes::default();
    let bench = bench(["1", "1"]);
    bench.run(Adds::new([Fail, Fail, Fail], &notes)).await.unwrap();
    assert_eq!(bench.sink.payloads(), ["1"], "the first one");
    assert_eq!(notes.take(), ["new 101"; 4]);
}

#[tokio::test]
async fn a_record_whose_payload_is_rejected_leaves_its_key_new() {
    let notes = Notes::default();
    bench([b"\xff", b"1"]).run(Adds::new([], &notes)).await.unwrap();
    assert_eq!(notes.take(), ["new 101"]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_kept_is_left_as_a_failed_call_has_changed_it() {
    let notes = Notes::default();
    bench(["1", "1"]).run(Adds::new([Add, Fail], &notes)).await.unwrap();
    assert_eq!(notes.take(), ["new 101", "kept 102", "kept 103"]);
}

#[tokio::test(start_paused = true)]
async fn in_a_batch_by_hand_a_key_is_kept_of_which_a_record_succeeded() {
    let notes = Notes::default();
    bench(["1", "1"]).run_batch(Adds::new([Fail, Add], &notes)).await.unwrap();
    assert_eq!(notes.take(), ["new 101", "kept 102", "kept 103"]);
}
