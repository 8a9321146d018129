//! Small changes of bytes, as a fuzzer makes them.

use crate::random::Random;

/// Longer inputs only take longer.
const LONGEST: usize = 16 << 10;
/// Numbers at which something may change.
const EDGES: [i32; 9] = [0, 1, -1, i32::MAX, i32::MIN, 127, 128, 1 << 24, 0x7fff];

/// One of the inputs, with some changes.
pub(crate) fn some(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = random.of(inputs);
    for _ in 0..=random.below(4) {
        change(&mut bytes, inputs, random);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(bytes: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    match random.below(8) {
        0 => bytes.truncate(at),
        1 => {
            let other = random.of(inputs);
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        2 => {
            let other = random.of(inputs);
            bytes.splice(at..at, other);
        }
        3 => {
            let end = (at + random.below(16)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => overwrite(bytes, at, &random.of(&EDGES).to_be_bytes()),
        5 => overwrite(bytes, at, &random.of(&EDGES).to_be_bytes()[2..]),
        6 => {
            let byte = u8::try_from(random.below(256)).expect("less than 256");
            overwrite(bytes, at, &[byte]);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes[at..].iter_mut().zip(with) {
        *byte = *new;
    }
}
