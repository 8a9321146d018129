//! How much memory inputs may take.

use embedded_broker::fuzzing;

use crate::MEMORY;
use crate::run::ALONE;

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

/// How many bytes a body makes the codec reserve for each of its own, at most: elements are larger in memory than on the
/// wire, and lists in lists are reserved for once more. What is reserved is not touched before elements are there.
const RESERVED_PER_BYTE: usize = 512;

#[test]
fn counts_that_just_fit_reserve_so_many_times_what_was_sent_and_no_more() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut worst = (0, 0, 0);
    for (key, lowest, highest) in fuzzing::versions() {
        for version in [lowest, highest] {
            for position in 0..4 {
                for body in [old_count(position), compact_count(position)] {
                    let taken = taken_by(|| fuzzing::request(&request(key, version - lowest, &body)));
                    worst = worst.max((taken / body.len(), key, version));
                }
            }
        }
    }
    let (times, key, version) = worst;
    assert!(times < RESERVED_PER_BYTE, "version {version} of {key}: {times} bytes for each that was sent");
}

const BODY: usize = 60_000;

/// A count of the old encoding behind as many zeros, and room for as many elements.
fn old_count(position: usize) -> Vec<u8> {
    let mut body = vec![0; BODY];
    let count = u32::try_from(BODY - position - 4).expect("it is short");
    body[position..position + 4].copy_from_slice(&count.to_be_bytes());
    body
}

/// A compact count behind as many zeros, which is sent plus one.
fn compact_count(position: usize) -> Vec<u8> {
    let mut body = vec![0; BODY];
    let count = BODY - position - 3 + 1;
    let septet = |shift: u32| u8::try_from(count >> shift & 0x7f).expect("seven bits");
    body[position..position + 3].copy_from_slice(&[septet(0) | 0x80, septet(7) | 0x80, septet(14)]);
    body
}

/// One request, as the target reads it.
fn request(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let byte = |number: i16| u8::try_from(number).expect("a small number");
    let len = u16::try_from(body.len()).expect("it is short");
    [&[byte(key), byte(version)][..], &len.to_be_bytes(), body].concat()
}
