//! A data directory with anything in it.

use std::fs;
use std::io;
use std::path::Path;

use bytes::Bytes;

use super::input::Input;
use super::world::{World, topic_facts};
use crate::kafka_id::kafka_id;
use crate::log::batch::{BatchHeader, HEADER_LEN, checksum};
use crate::log::{LogConfig, OneBatch, Place, ProducerEntry, Unpacker, for_each_record, validate};
use crate::partition::{Isolation, Partition, ReadFrom, Reader};
use crate::persist::scan::{self, Tail};
use crate::state::StateRecord;

/// Whether the broker before this one was stopped in order, whether checksums are made to fit, and whether what this one
/// has is closed in order.
mod ways {
    pub(super) const WAS_CLOSED: u8 = 1;
    pub(super) const MENDED: u8 = 2;
    pub(super) const CLOSES: u8 = 4;
    pub(super) const NO_TOPIC: u8 = 8;
}

/// What is known of a partition.
#[derive(Debug, PartialEq)]
struct Picture {
    start: i64,
    end: i64,
    stable: i64,
    epochs: Vec<(i32, i64)>,
    producers: Vec<ProducerEntry>,
    aborted: Vec<(i64, i64, i64)>,
    bytes: Bytes,
}

/// Files of a data directory: a byte for how it was left, then for each file a byte that says which one it is, its length
/// in two bytes, and what it holds.
///
/// # Panics
///
/// If anything panics, if what recovery keeps is not whole, or if a second recovery finds something else than the
/// first, or records are lost.
pub fn recovery(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Some(way) = input.u8() else { return };
    let dir = tempfile::tempdir().expect("there is room for a directory");
    lay_out(dir.path(), way, &mut input).expect("files can be written");
    let Some(first) = World::open(dir.path()) else { return };
    let kept = pictures(&first);
    if way & ways::WAS_CLOSED == 0 {
        kept.iter().for_each(check);
    }
    leave(first, way);
    let second = World::open(dir.path()).expect("what was opened once can be opened again");
    check_again(&pictures(&second), &kept, way);
    partitions(&second).iter().for_each(|partition| use_it(partition));
    let used = pictures(&second);
    leave(second, way);
    let third = World::open(dir.path()).expect("what was written can be opened again");
    let readable = |kept: Vec<Picture>| kept.into_iter().map(|one| (one.start, one.end, one.bytes)).collect::<Vec<_>>();
    assert_eq!(readable(pictures(&third)), readable(used), "recovery finds what was done");
}

/// What a second recovery finds is what the first has kept. But of a directory that was closed in order no checksum is
/// looked at, as with Kafka; one that does not fit is found after a kill, and what lies behind it goes.
fn check_again(found: &[Picture], kept: &[Picture], way: u8) {
    if way & (ways::WAS_CLOSED | ways::MENDED | ways::CLOSES) != ways::WAS_CLOSED {
        assert_eq!(found, kept, "a second recovery finds what the first has kept");
        return;
    }
    let is_beginning = |(found, kept): (&Picture, &Picture)| kept.bytes.starts_with(&found.bytes);
    assert!(found.iter().zip(kept).all(is_beginning), "{found:?} has more than {kept:?}");
}

/// Ends a world, in order or as if it were killed.
#[expect(clippy::needless_pass_by_value, reason = "its directory is free once it is gone")]
fn leave(world: World, way: u8) {
    if way & ways::CLOSES != 0 {
        world.cluster.close();
    }
}

fn lay_out(dir: &Path, way: u8, input: &mut Input<'_>) -> io::Result<()> {
    let of_topic = dir.join("t-0");
    fs::create_dir(&of_topic)?;
    let facts = topic_facts("t", 1, 1, &[("cleanup.policy", "compact"), ("segment.bytes", "1048576")]);
    fs::write(of_topic.join("partition.metadata"), format!("version: 0\ntopic_id: {}\n", kafka_id(facts.id)))?;
    if way & ways::NO_TOPIC == 0 {
        let fact = StateRecord::Topic(facts).encode()?;
        fs::write(dir.join("state-0.log"), framed(&[&fact]))?;
    }
    if way & ways::WAS_CLOSED != 0 {
        fs::write(dir.join(".kafka_cleanshutdown"), "")?;
    }
    let mends = way & ways::MENDED != 0;
    while let (Some(kind), Some(piece)) = (input.u8(), input.piece()) {
        let mut piece = Input::new(piece);
        let segment = |base: i64, kind: &str| of_topic.join(format!("{base:020}.{kind}"));
        match kind % 13 {
            0 => append(&segment(0, "log"), &log(piece.rest(), mends))?,
            1 | 2 => {
                let near = kind % 13 == 1;
                let base = if near { piece.u16().map(i64::from) } else { piece.i64() };
                fs::write(segment(base.unwrap_or(0), "log"), log(piece.rest(), mends))?;
            }
            3 => fs::write(segment(0, "index"), piece.rest())?,
            4 => fs::write(segment(0, "timeindex"), piece.rest())?,
            5 => {
                let offset = piece.u16().map_or(0, i64::from);
                fs::write(segment(offset, "snapshot"), snapshot(piece.rest(), mends))?;
            }
            6 => fs::write(of_topic.join("leader-epoch-checkpoint"), piece.rest())?,
            7 => fs::write(of_topic.join("log-start-offset"), piece.rest())?,
            8 => append(&dir.join("state-0.log"), &state(piece.rest(), mends))?,
            9 => fs::write(dir.join("state-1.snapshot"), state(piece.rest(), mends))?,
            10 => fs::write(dir.join("meta.properties"), piece.rest())?,
            11 => fs::write(of_topic.join("partition.metadata"), piece.rest())?,
            _ => fs::write(dir.join("state-1.log"), state(piece.rest(), mends))?,
        }
    }
    Ok(())
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut fs::File::options().append(true).create(true).open(path)?, bytes)
}

/// Batches whose lengths are believed if they can be, with the checksums that they should have.
fn log(bytes: &[u8], mends: bool) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let mut at = 0;
    while let Some(header) = BatchHeader::read(&file[at..]).filter(|_| mends) {
        let len = header.total_len().clamp(HEADER_LEN, file.len() - at);
        let crc = checksum(&file[at..at + len]);
        file[at + 16] = 2;
        file[at + 17..at + 21].copy_from_slice(&crc.to_be_bytes());
        at += len;
    }
    file
}

fn snapshot(bytes: &[u8], mends: bool) -> Vec<u8> {
    let mut file = bytes.to_vec();
    if mends && file.len() > 6 {
        let crc = crc32c::crc32c(&file[6..]);
        file[..2].copy_from_slice(&1_i16.to_be_bytes());
        file[2..6].copy_from_slice(&crc.to_be_bytes());
    }
    file
}

fn state(bytes: &[u8], mends: bool) -> Vec<u8> {
    if mends { framed(&[bytes]) } else { bytes.to_vec() }
}

/// One frame of a state log.
fn framed(payloads: &[&[u8]]) -> Vec<u8> {
    let mut frame = Vec::new();
    for payload in payloads {
        frame.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        frame.extend_from_slice(payload);
    }
    let head = [u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes(), crc32c::crc32c(&frame).to_be_bytes()];
    [head.concat(), frame].concat()
}

fn partitions(world: &World) -> Vec<std::sync::Arc<Partition>> {
    world.cluster.topics().iter().flat_map(|topic| topic.partitions.clone()).collect()
}

fn pictures(world: &World) -> Vec<Picture> {
    partitions(world).iter().map(|partition| picture(partition)).collect()
}

fn picture(partition: &Partition) -> Picture {
    let looked = partition.look(Reader::INSIDE, |log, _| {
        let mut out = Vec::new();
        log.read(log.start_offset(), i64::MAX, usize::MAX, true, &mut out).expect("the start is in range");
        let aborted = log.aborted().iter().map(|one| (one.producer_id, one.first_offset, one.last_offset)).collect();
        Picture {
            start: log.start_offset(),
            end: log.end_offset(),
            stable: log.last_stable_offset(),
            // The epoch that a leader begins is a newer one at each start; as long as it has no records, it is nobody's.
            epochs: log.epochs().entries().iter().copied().filter(|(_, start)| *start < log.end_offset()).collect(),
            producers: log.producers().entries(),
            aborted,
            bytes: out.concat().into(),
        }
    });
    looked.expect("it is online")
}

/// What was kept is whole batches in order.
fn check(kept: &Picture) {
    let (len, tail) = scan::batches(&kept.bytes, 0, 0, true, |batch, _| {
        assert!(batch.header.last_offset() < kept.end);
    });
    assert_eq!((len, tail), (kept.bytes.len(), Tail::Clean));
    assert!(0 <= kept.start && kept.start <= kept.end && kept.stable <= kept.end, "{kept:?}");
}

/// What clients and time do to a log, whatever its records say.
fn use_it(partition: &Partition) {
    let mut out = Vec::new();
    let start = partition.offsets().log_start;
    drop(partition.read(ReadFrom::everything(start, Isolation::ReadCommitted), &mut out));
    let looked = partition.look(Reader::INSIDE, |log, _| {
        log.max_timestamp();
        for time in [i64::MIN, 0, 1_700_000_000_000, i64::MAX] {
            let found = log.batch_of_time(time, start).unwrap_or_default();
            // Records that nobody has checked may be anything.
            drop(for_each_record(&found, |at| at.record.headers().is_some()));
        }
    });
    looked.expect("it is online");
    let sent = a_batch();
    let config = LogConfig::default();
    let one = OneBatch::read(&sent, 7).expect("it is one");
    let place = Place { topic: "t", partition: 0 };
    let valid = validate(one, place, &config, 0, &mut Unpacker::default()).expect("it is valid");
    let (appended, _) = partition.append(&valid).expect("a log that was recovered can be appended to");
    drop(partition.compact(0, true));
    partition.delete_records(None, start.midpoint(appended.base_offset)).expect("the middle is in range");
    partition.truncate(appended.base_offset).expect("an offset that is there");
    partition.append(&valid).expect("a log that was cut off can be appended to");
}

/// A batch of one record without key and value.
fn a_batch() -> Vec<u8> {
    let mut bytes = vec![0; HEADER_LEN];
    bytes.extend([12, 0, 0, 0, 1, 1, 0]);
    let mut header = BatchHeader::read(&bytes).expect("it is long enough");
    (header.magic, header.records_count, header.producer_id) = (2, 1, -1);
    header.write(&mut bytes);
    bytes
}
