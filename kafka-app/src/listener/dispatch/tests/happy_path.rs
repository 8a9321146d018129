use super::Notes;
use crate::{
    FromRecord as _, Key, RawRecord, RecordContext, Text,
    handler::{Declaration, Outcome, Outputs, RecordHandler},
    handler_fn,
    test_support::Bench,
};

#[tokio::test]
async fn records_are_handled_in_order_and_done_one_by_one() {
    let (bench, notes) = (Bench::new(["a", "b", "c"]), Notes::default());
    let seen = notes.clone();
    let handler = handler_fn(move |Key(key): Key<String>, Text(text): Text| {
        seen.push(format!("{key}={text}"));
        async {}
    });
    bench.run(handler).await.unwrap();
    assert_eq!(notes.take(), ["k0=a", "k1=b", "k2=c"]);
    assert_eq!(bench.progress.finished(), [0, 1, 2]);
    assert_eq!(bench.counts().handled, 3);
}

/// What the attribute makes of a function whose argument borrows from the record.
struct Borrows(Notes);

impl RecordHandler for Borrows {
    fn declare(&self, _: &mut Declaration) {}

    async fn call(&self, cx: RecordContext<'_>) -> Outcome {
        let Ok(payload) = <&str>::from_record(&cx) else { panic!("no text") };
        tokio::task::yield_now().await;
        let borrowed = cx.record().payload().is_some_and(|bytes| bytes.as_ptr() == payload.as_ptr());
        self.0.push(format!("{payload} {borrowed}"));
        Outcome::Done(Outputs::None)
    }
}

#[tokio::test]
async fn a_payload_may_borrow_from_the_record_over_an_await() {
    let (bench, notes) = (Bench::new(["a"]), Notes::default());
    bench.run(Borrows(notes.clone())).await.unwrap();
    assert_eq!(notes.take(), ["a true"]);
}

#[tokio::test]
async fn what_the_filter_drops_is_done_and_never_handled() {
    let (mut bench, notes) = (Bench::new(["a", "x", "b"]), Notes::default());
    bench.filter = Some(|record: &RawRecord| record.payload() != Some(b"x"));
    let seen = notes.clone();
    let handler = handler_fn(move |Text(text): Text| {
        seen.push(text);
        async {}
    });
    bench.run(handler).await.unwrap();
    assert_eq!(notes.take(), ["a", "b"]);
    assert_eq!(bench.progress.finished(), [0, 1, 2]);
    assert_eq!((bench.counts().handled, bench.counts().filtered), (2, 1));
}
