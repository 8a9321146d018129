//! How much memory inputs may take.

use std::collections::BTreeSet;

use embedded_broker::fuzzing;
use kafka_protocol::messages::ApiKey;

use crate::MEMORY;
use crate::run::{ALONE, number};

/// What a frame may hold, and so what is unpacked of one batch at most: `socket.request.max.bytes`.
const LONGEST_FRAME: usize = 100 << 20;
/// While a buffer grows, the old one is there as well.
const MOST: usize = 2 * LONGEST_FRAME;

/// Runs a target on an input; no matter what it says, it may not take more memory than the longest frame.
pub(crate) fn check(input: &[u8], run: fn(&[u8])) {
    let taken = taken_by(|| run(input));
    assert!(taken <= MOST, "{taken} bytes of memory for {}", input.escape_ascii());
}

/// The most memory that `run` had at a time. Whatever else the process does counts too.
pub(crate) fn taken_by(run: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    run();
    MEMORY.peak_usage().saturating_sub(before)
}

/// As long are bodies: in a run that nobody asked to take longer, an eighth of what is decoded to elements at most.
fn long() -> usize {
    if number("FUZZ_SECONDS", 1) > 1 { 2 << 20 } else { 1 << 18 }
}

/// As long is an array at most.
const MOST_ELEMENTS: u32 = 1 << 16;

#[test]
fn no_body_makes_a_request_take_more_than_its_share() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut worst = (0, 0, 0);
    for (key, lowest, highest) in fuzzing::versions() {
        for version in BTreeSet::from([lowest, highest]) {
            for body in bodies(is_flexible(key, version)) {
                let connection = connection(key, version, &body);
                worst = worst.max((taken_by(|| fuzzing::frame(&connection)), key, version));
            }
        }
    }
    let (taken, key, version) = worst;
    assert!(taken <= MOST, "version {version} of {key} takes {taken} bytes");
}

/// The largest count there may be where the first fields are, and one that the remaining bytes could just hold; behind it
/// elements that are empty, or that have one element each.
fn bodies(flexible: bool) -> Vec<Vec<u8>> {
    let just_fits = u32::try_from(long() - 16).expect("it is short");
    let mut bodies = Vec::new();
    for position in 0..2 {
        for (count, fill) in [(MOST_ELEMENTS, 0), (MOST_ELEMENTS, 2), (just_fits, 0)] {
            let count = if flexible { varint(count + 1) } else { count.to_be_bytes().to_vec() };
            let mut body = vec![fill; long()];
            body[..position].fill(0);
            body[position..position + count.len()].copy_from_slice(&count);
            bodies.push(body);
        }
    }
    bodies
}

fn is_flexible(key: i16, version: i16) -> bool {
    ApiKey::try_from(key).is_ok_and(|api| api.request_header_version(version) >= 2)
}

fn varint(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
    bytes
}

/// The bytes of a connection that sends one request, as the target reads them.
fn connection(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut header = [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 1, 0xff, 0xff]].concat();
    header.extend(is_flexible(key, version).then_some(0));
    let len = u32::try_from(header.len() + body.len()).expect("it is short");
    [&[0][..], &len.to_be_bytes(), &header, body].concat()
}

#[test]
fn configs_that_are_asked_for_again_and_again_are_not_answered_without_end() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let broker = [4, 2, b'1', 0, 0];
    let body =
        [varint(MOST_ELEMENTS + 1), broker.repeat(usize::try_from(MOST_ELEMENTS).expect("it is small")), vec![1, 0, 0]]
            .concat();
    let connection = connection(ApiKey::DescribeConfigs as i16, 4, &body);
    let taken = taken_by(|| fuzzing::frame(&connection));
    assert!(taken <= MOST, "{taken} bytes");
}
