//! Compressed batches: what is checked inside of them, and topics that pack batches anew.

use kafka_protocol::messages::fetch_response::PartitionData;

use super::pack::{pack, packed, unpack};
use super::produce::send;
use super::raw::{Raw, record};
use super::*;

/// The codecs by their code in a batch's attributes.
const CODECS: [(i16, &str); 4] = [(1, "gzip"), (2, "snappy"), (3, "lz4"), (4, "zstd")];

#[test]
fn malformed_packed_batches() {
    seen_on_each_broker(include_str!("seen/malformed_packed_batches.txt"), |client| {
        let topic = make(client, &[]);
        let compacted = make(client, &[("cleanup.policy", "compact"), ("message.timestamp.after.max.ms", "60000")]);
        let mut lines: Vec<Line> = Vec::new();
        for (code, name) in CODECS {
            let good = Raw::of(2);
            let with = |change: fn(&mut Raw)| packed(code, &good.clone().with(change));
            lines.push((name, send(client, &topic, packed(code, &good))));
            lines.push((
                "not packed at all",
                send(client, &topic, good.clone().with(|raw| raw.attributes = code).bytes()),
            ));
            let half = pack(code, &good.body);
            let half = half[..half.len() / 2].to_vec();
            lines.push((
                "half of it",
                send(client, &topic, good.clone().with(|raw| (raw.attributes, raw.body) = (code, half)).bytes()),
            ));
            lines.push(("nothing inside", send(client, &topic, with(|raw| raw.body.clear()))));
            lines.push((
                "count and span 3 of 2",
                send(client, &topic, with(|raw| (raw.count, raw.last_offset_delta) = (3, 2))),
            ));
            lines.push((
                "count and span 1 of 2",
                send(client, &topic, with(|raw| (raw.count, raw.last_offset_delta) = (1, 0))),
            ));
            // Not compared: a record's length that is wrong. A real one does not look at it where it stores the batch as
            // it is; no consumer can read it, so the embedded broker refuses it.
            lines.push(("a key longer than the record", send(client, &topic, with(|raw| raw.body[4] = 0x7e))));
            let disordered = with(|raw| raw.body = [record(0, 7, None, b"a"), record(0, 3, None, b"b")].concat());
            lines.push(("offsets out of order", send(client, &topic, disordered)));
            let keys = with(|raw| {
                let records = [Some(b"k"), None, Some(b"k"), None, None, None].into_iter().zip(0..);
                raw.body = records.flat_map(|(key, n)| record(0, n, key.map(<[u8; 1]>::as_slice), b"v")).collect();
                (raw.count, raw.last_offset_delta) = (6, 5);
            });
            lines.push(("keys missing", send(client, &compacted, keys)));
            let late = with(|raw| {
                raw.body =
                    [record(0, 0, Some(b"k"), b"a"), record(600_000, 1, Some(b"k"), b"b"), record(0, 2, None, b"c")]
                        .concat();
                (raw.count, raw.last_offset_delta) = (3, 2);
            });
            lines.push(("a time too late and a key missing", send(client, &compacted, late)));
        }
        lines.push(("the end", find(client, 7, &topic, 0, -1, -1)));
        lines
    });
}

/// What can be told of fetched batches, whoever packed them: their headers but for lengths and sums, and their records.
fn show(fetched: &PartitionData, base: i64) -> String {
    let records = fetched.records.clone().unwrap_or_default();
    let mut shown = Vec::new();
    let mut at = 0;
    while let Some(header) = records.get(at..at + 61) {
        let int = |from: usize, len: usize| {
            header[from..from + len].iter().fold(0_i64, |value, byte| value << 8 | i64::from(*byte))
        };
        let time = |from: usize| {
            let time = int(from, 8);
            if (time - base).abs() < 5_000 { (time - base).to_string() } else { "now".to_owned() }
        };
        let (offset, attributes, span) = (int(0, 8), int(21, 2), int(23, 4));
        let (first, last, count) = (time(27), time(35), int(57, 4));
        let end = at + usize::try_from(int(8, 4)).expect("a length") + 12;
        let body = unpack(attributes, &records[at + 61..end]);
        shown.push(format!("{offset} {attributes:#x} {span} {first} {last} {count} {body:?}"));
        at = end;
    }
    format!("{} {shown:?}", fetched.error_code)
}

#[test]
fn topics_that_pack_batches_anew() {
    seen_on_each_broker(include_str!("seen/topics_that_pack_batches_anew.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let base = now_ms() - 10_000;
        let three = |deltas: [i64; 3]| {
            Raw::of(3).with(|raw| {
                raw.body = deltas.into_iter().zip(0..).flat_map(|(delta, n)| record(delta, n, None, b"v")).collect();
                (raw.base_timestamp, raw.max_timestamp) = (base, base + deltas.into_iter().max().unwrap_or_default());
            })
        };
        for target in ["uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"] {
            for time in ["CreateTime", "LogAppendTime"] {
                let topic = make(client, &[("compression.type", target), ("message.timestamp.type", time)]);
                for code in 0..=4 {
                    lines.push((target, send(client, &topic, packed(code, &three([0, 40, 20])))));
                    let unusual = three([5, -7, 3]).from(9_100_000, 2, i32::from(code) * 3);
                    lines.push((target, send(client, &topic, packed(code, &unusual))));
                }
                let fetched = fetch(client, &topic, 0, 0);
                lines.push((time, show(&fetched, base)));
            }
        }
        let small = make(client, &[("compression.type", "uncompressed"), ("max.message.bytes", "500")]);
        let large = Raw::of(1).with(|raw| raw.body = record(0, 0, None, &[7; 600]));
        lines.push(("grows past the limit", send(client, &small, packed(1, &large))));
        lines
    });
}
