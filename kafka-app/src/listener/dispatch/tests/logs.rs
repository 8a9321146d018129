use crate::{
    DeadLetter, Text, handler_fn,
    test_support::{Bench, Events, FakeSink, Sent},
};

const PLACE: &str = r#"listener="bill" topic="orders" partition=3 offset=100"#;

async fn fails(Text(_): Text) -> Result<(), &'static str> {
    Err("till is closed")
}

/// Each event of the run, which must be of these names, in order; each names the place and none the payload.
fn check(events: &Events, names: &[&str]) {
    let lines = events.lines();
    let of: Vec<_> = lines.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(of, names, "{lines:#?}");
    for line in &lines {
        assert!(line.contains(PLACE) && line.contains(" attempt="), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn every_failure_is_logged_with_its_place_and_without_contents() {
    let events = Events::collect();
    let bench = Bench::new(["secret"]).dead_letters().with(|listener| listener.retry.attempts = 2);
    bench.run(handler_fn(fails)).await.unwrap();
    check(&events, &["listener.retrying", "listener.dead_lettered"]);
    assert!(events.lines()[1].contains(r#"attempt=2 error="till is closed" dead_letter_topic="orders-dlt""#));
}

#[tokio::test]
async fn a_record_that_is_given_up_is_logged_however_it_ends() {
    for (dead_letter, name) in [(DeadLetter::Off, "listener.skipped"), (DeadLetter::Stop, "listener.stopping")] {
        let events = Events::collect();
        let bench = Bench::new(["secret"]).with(|listener| {
            listener.dead_letter = dead_letter;
            listener.retry.attempts = 1;
        });
        let _ = bench.run(handler_fn(fails)).await;
        check(&events, &[name]);
    }
}

#[cfg(feature = "json")]
#[tokio::test]
async fn a_record_that_cannot_be_decoded_is_logged_without_contents() {
    let events = Events::collect();
    let bench = Bench::new([r#""secret""#]).dead_letters();
    bench.run(handler_fn(|_: crate::Json<u64>| async {})).await.unwrap();
    check(&events, &["listener.dead_lettered"]);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_repeated_is_logged() {
    let events = Events::collect();
    let bench = Bench::new(["secret"]).sink(FakeSink::new([Sent::Lost]));
    let bench = bench.with(|listener| listener.send_to = Some("invoices".to_owned()));
    bench.run(handler_fn(|text: Text| async { text })).await.unwrap();
    check(&events, &["listener.resending"]);
}
