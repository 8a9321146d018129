//! Record batches, made by the codec.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType};

use super::{Seed, named, piece};

const NOW_MS: i64 = 1_700_000_000_000;
/// Has front and checksum made to fit, as the target reads it.
const FRONT: u8 = 1;
const PACK: u8 = 4;
const MARKER_AFTER: u8 = 8;
const MARKER_COMMITS: u8 = 16;

/// Where the attributes of a batch lie.
const ATTRIBUTES: usize = 22;

/// A batch of keyed records; a value of nothing is a tombstone.
pub(super) fn batch(records: &[(&str, Option<&str>)], producer: (i64, i16, i32), transactional: bool) -> Vec<u8> {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let record = |(index, (key, value)): (i32, &(&str, Option<&str>))| Record {
        transactional,
        control: false,
        partition_leader_epoch: 0,
        producer_id: producer.0,
        producer_epoch: producer.1,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(index),
        sequence: producer.2 + index,
        timestamp: NOW_MS + i64::from(index),
        key: Some(bytes(key)),
        value: value.map(bytes),
        headers: IndexMap::from([(StrBytes::from_static_str("h"), Some(bytes("v")))]),
        delete_horizon: false,
    };
    let records: Vec<Record> = (0..).zip(records).map(record).collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options).expect("records can be encoded");
    out.to_vec()
}

fn step(mend: u8, batch: &[u8]) -> Vec<u8> {
    [vec![mend], piece(batch)].concat()
}

pub(super) fn all() -> Vec<Seed> {
    let plain = batch(&[("a", Some("1")), ("b", Some("2")), ("a", None)], (-1, -1, -1), false);
    let mut seeds = Vec::new();
    for (codec, name) in (0..).zip(["plain", "gzip", "snappy", "lz4", "zstd"]) {
        let mut packed = plain.clone();
        packed[ATTRIBUTES] |= codec;
        // To each compression from the next one, in a topic that is compacted.
        let config = 1 | (codec + 1) << 4;
        let twice = [step(FRONT | PACK, &packed), step(FRONT | PACK, &packed)].concat();
        seeds.push((name.to_owned(), [vec![config], twice].concat()));
    }
    let idempotent: Vec<u8> = [0, 3, 3].map(|first| step(FRONT, &batch(&THREE, (7, 0, first), false))).concat();
    seeds.push(named("idempotent", [vec![8], idempotent].concat()));
    let committed = step(FRONT | MARKER_AFTER | MARKER_COMMITS, &batch(&THREE, (7, 0, 0), true));
    let aborted = step(FRONT | MARKER_AFTER, &batch(&THREE, (8, 0, 0), true));
    let open = step(FRONT, &batch(&THREE, (9, 0, 0), true));
    seeds.push(named("transactions", [vec![1], committed, aborted, open].concat()));
    seeds
}

const THREE: [(&str, Option<&str>); 3] = [("a", Some("1")), ("b", Some("2")), ("c", None)];
