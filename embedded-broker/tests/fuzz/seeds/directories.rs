//! Data directories, with files as a broker leaves them.

use std::fs;
use std::path::Path;

use embedded_broker::EmbeddedBroker;

use super::{Seed, batches, named, piece};

/// How a directory was left, as the target reads it.
const WAS_CLOSED: u8 = 1;
const MENDED: u8 = 2;
const CLOSES: u8 = 4;
const NO_TOPIC: u8 = 8;
/// Which file it is.
const LOG: u8 = 0;
const LATER_LOG: u8 = 1;
const SNAPSHOT: u8 = 5;
const EPOCHS: u8 = 6;
const START: u8 = 7;
const STATE_LOG: u8 = 8;

fn file(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [vec![kind], piece(bytes)].concat()
}

/// A batch as it lies in a log.
fn kept(offset: i64, epoch: i32, producer: (i64, i16, i32), transactional: bool) -> Vec<u8> {
    let mut batch = batches::batch(&[("a", Some("1")), ("b", None)], producer, transactional);
    batch[..8].copy_from_slice(&offset.to_be_bytes());
    batch[12..16].copy_from_slice(&epoch.to_be_bytes());
    batch
}

/// What Kafka's format says of one producer.
fn snapshot() -> Vec<u8> {
    let mut bytes = vec![0; 6];
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(7_i64.to_be_bytes());
    bytes.extend(3_i16.to_be_bytes());
    bytes.extend(41_i32.to_be_bytes());
    bytes.extend(1_i64.to_be_bytes());
    bytes.extend(1_i32.to_be_bytes());
    bytes.extend(1_700_000_000_000_i64.to_be_bytes());
    bytes.extend((-1_i32).to_be_bytes());
    bytes.extend((-1_i64).to_be_bytes());
    bytes
}

pub(super) fn all() -> Vec<Seed> {
    let nobody = (-1, -1, -1);
    let logs = [kept(0, 0, nobody, false), kept(2, 1, (7, 0, 0), false), kept(9, 1, (8, 0, 0), true)].concat();
    let epochs = file(EPOCHS, b"0\n2\n0 0\n1 2\n");
    let next = file(LATER_LOG, &[&20_u16.to_be_bytes()[..], &kept(20, 2, nobody, false)].concat());
    let snapshot = file(SNAPSHOT, &[&20_u16.to_be_bytes()[..], &snapshot()].concat());
    let whole = [file(LOG, &logs), epochs, next, snapshot].concat();
    let left = |way: u8, files: &[u8]| [vec![way], files.to_vec()].concat();
    vec![
        named("empty", left(0, &[])),
        named("killed", left(MENDED, &whole)),
        named("closed", left(MENDED | WAS_CLOSED | CLOSES, &whole)),
        named("torn", left(0, &file(LOG, &logs[..logs.len() - 3]))),
        named("deleted", left(MENDED | CLOSES, &[file(START, b"9\n"), file(LOG, &logs)].concat())),
        named("deleted-past-the-end", left(MENDED, &[file(START, b"900\n"), file(LOG, &logs)].concat())),
        named("state", left(NO_TOPIC | CLOSES, &file(STATE_LOG, &state_log()))),
    ]
}

/// What a broker writes down of a topic. Ids are drawn by chance, so this one is written into its place.
fn state_log() -> Vec<u8> {
    let dir = tempfile::tempdir().expect("there is room for a directory");
    drop(EmbeddedBroker::builder().data_dir(dir.path()).topic("orders", 2).start().expect("the broker starts"));
    with_a_known_id(dir.path())
}

fn with_a_known_id(dir: &Path) -> Vec<u8> {
    let mut bytes = fs::read(dir.join("state-0.log")).expect("the broker keeps its state");
    // The id is 16 bytes of MessagePack's binary format behind its name.
    let name = [&[0xa2][..], b"id", &[0xc4, 16]].concat();
    let at = bytes.windows(name.len()).position(|window| window == name).expect("a topic has an id") + name.len();
    bytes[at..at + 16].fill(7);
    let crc = crc32c::crc32c(&bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_be_bytes());
    bytes
}
