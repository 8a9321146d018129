use proptest::{collection::vec, prelude::*};

use super::failures::Classed;
use crate::{
    DeliveryAttempt, ErrorClass, Text, handler_fn,
    test_support::{Bench, FakeSink, Sent},
};

/// What becomes of a record, by its payload.
const FATES: [&[u8]; 6] = [b"ok", b"late", b"retry", b"dead", b"skip", b"\xff"];

async fn by_fate(DeliveryAttempt(attempt): DeliveryAttempt, Text(fate): Text) -> Result<String, Classed> {
    match fate.as_str() {
        "late" if attempt == 1 => Err(Classed(ErrorClass::Retry)),
        "retry" => Err(Classed(ErrorClass::Retry)),
        "dead" => Err(Classed(ErrorClass::DeadLetter)),
        "skip" => Err(Classed(ErrorClass::Skip)),
        _ => Ok(fate),
    }
}

fn run(bench: &Bench) -> crate::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(bench.run(handler_fn(by_fate).by_class()))
}

proptest! {
    /// With dead letters every record ends in exactly one way, and whatever the sends do, nothing is missing.
    #[test]
    fn every_record_is_sent_on_dead_lettered_or_skipped(
        fates in vec(0..FATES.len(), 1..20),
        sends in vec(prop_oneof![Just(Sent::Acknowledged), Just(Sent::Lost), Just(Sent::Refused)], 0..8),
    ) {
        let payloads: Vec<_> = fates.iter().map(|fate| FATES[*fate]).collect();
        let bench = Bench::new(&payloads).dead_letters().sink(FakeSink::new(sends)).with(|listener| {
            listener.send_to = Some("out".to_owned());
        });
        // At most seven sends fail: an output is sent ten times before it is given up, a dead letter eight.
        prop_assert!(run(&bench).is_ok());
        let mut finished = bench.progress.finished();
        finished.sort_unstable();
        prop_assert_eq!(&finished, &(0..payloads.len() as u64).collect::<Vec<_>>());
        let counts = bench.counts();
        prop_assert_eq!(counts.handled + counts.dead_lettered + counts.skipped, finished.len() as u64);
        let n_skip = payloads.iter().filter(|fate| **fate == b"skip").count() as u64;
        let n_dead = payloads.iter().filter(|fate| matches!(**fate, b"retry" | b"dead" | b"\xff")).count() as u64;
        prop_assert_eq!((counts.skipped, counts.dead_lettered), (n_skip, n_dead));
    }

    /// Without dead letters the first record that is given up is where the listener stops: all before it are done, it and
    /// those behind it are not.
    #[test]
    fn a_stop_leaves_everything_from_its_record_on(fates in vec(0..FATES.len(), 1..20)) {
        let payloads: Vec<_> = fates.iter().map(|fate| FATES[*fate]).collect();
        let bench = Bench::new(&payloads).with(|listener| listener.send_to = Some("out".to_owned()));
        let result = run(&bench);
        let stops_at = payloads.iter().position(|p| matches!(*p, b"retry" | b"dead" | b"\xff"));
        prop_assert_eq!(result.is_err(), stops_at.is_some());
        let mut finished = bench.progress.finished();
        finished.sort_unstable();
        prop_assert_eq!(finished, (0..stops_at.unwrap_or(payloads.len()) as u64).collect::<Vec<_>>());
    }
}
