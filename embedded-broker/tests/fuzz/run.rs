//! Runs a target over its corpus, and over what chance makes of it, until its time is over.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use embedded_broker::fuzzing::{TARGETS, Target};

use crate::memory;
use crate::random::Random;
use crate::{corpus, mutate};

/// No input takes longer. Far more than any needs, as other tests may have the processors.
const DEADLINE: Duration = Duration::from_secs(30);

/// Memory is counted for the whole process, so one test at a time may take some.
pub(crate) static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a number"))
}

fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|(known, _)| *known == name).expect("the target is known")
}

/// Feeds the target from a thread of its own, which tells of each input before it begins.
fn feed((name, run): Target, begun: &Sender<Vec<u8>>) {
    let files = corpus::of(name);
    let inputs: Vec<Vec<u8>> = files.into_values().collect();
    let mut random = Random::new(number("FUZZ_SEED", 0));
    let mut whole = inputs.iter();
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS", 1));
    loop {
        let input = match whole.next() {
            Some(input) => input.clone(),
            None if Instant::now() < until => mutate::some(&inputs, &mut random),
            None => return,
        };
        begun.send(input.clone()).expect("somebody watches");
        memory::check(&input, run);
    }
}

/// Waits until all inputs are through; none may take too long.
fn watch(name: &str, begun: &Receiver<Vec<u8>>) -> Vec<u8> {
    let mut last = Vec::new();
    loop {
        match begun.recv_timeout(DEADLINE) {
            Ok(input) => last = input,
            Err(RecvTimeoutError::Disconnected) => return last,
            Err(RecvTimeoutError::Timeout) => panic!("{name} does not come to an end: {}", last.escape_ascii()),
        }
    }
}

fn survives(name: &str) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (begin, begun) = mpsc::channel();
    let target = target(name);
    let feeder = thread::spawn(move || feed(target, &begin));
    let last = watch(name, &begun);
    assert!(feeder.join().is_ok(), "{name} fails: {}", last.escape_ascii());
}

#[test]
fn no_bytes_of_a_connection_are_too_much() {
    survives("frame");
}

#[test]
fn no_requests_are_too_much() {
    survives("request");
}

#[test]
fn no_batches_are_too_much() {
    survives("batch");
}

#[test]
fn no_data_directory_is_too_much() {
    survives("recovery");
}
