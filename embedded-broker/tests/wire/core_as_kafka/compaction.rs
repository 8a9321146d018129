//! Compaction: what a log cleaner leaves, batch by batch. The only comparison that takes its time: a real cleaner looks at
//! its logs every 15 s.

use super::pack::{packed, unpack};
use super::raw::{Raw, record};
use super::*;

/// How long tombstones stay.
const DELETE_RETENTION_MS: i64 = 3_600_000;

/// Each batch of a log: its header, and of its records the offset delta, the time, and the bytes from the key's length on.
fn show(bytes: &[u8], base: i64) -> Vec<String> {
    let mut shown = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 61) {
        let int = |from: usize, len: usize| {
            let bits = header[from..from + len].iter().fold(0_i64, |value, byte| value << 8 | i64::from(*byte));
            let unused = 64 - 8 * u32::try_from(len).expect("it is small");
            bits << unused >> unused
        };
        let time = |time: i64| match time - base {
            near if near.abs() < 100_000 => near.to_string(),
            far if (far - DELETE_RETENTION_MS).abs() < 300_000 => "horizon".to_owned(),
            _ => time.to_string(),
        };
        let end = at + usize::try_from(int(8, 4)).expect("a length") + 12;
        let body = if end > at + 61 { unpack(int(21, 2), &bytes[at + 61..end]) } else { Vec::new() };
        shown.push(format!(
            "{} {:#x} {} {} {} {} ({} {} {}) {:?}",
            int(0, 8),
            int(21, 2),
            int(23, 4),
            time(int(27, 8)),
            time(int(35, 8)),
            int(57, 4),
            int(43, 8),
            int(51, 2),
            int(53, 4),
            records(&body)
                .into_iter()
                .map(|(delta, at, rest)| (time(int(27, 8) + delta), at, rest))
                .collect::<Vec<_>>(),
        ));
        at = end;
    }
    shown
}

fn records(mut body: &[u8]) -> Vec<(i64, i64, Vec<u8>)> {
    let mut all = Vec::new();
    while !body.is_empty() {
        let len = usize::try_from(varint(&mut body)).expect("a length");
        let (mut record, rest) = body.split_at(len);
        record = &record[1..];
        let (time, offset) = (varint(&mut record), varint(&mut record));
        all.push((time, offset, record.to_vec()));
        body = rest;
    }
    all
}

fn varint(bytes: &mut &[u8]) -> i64 {
    let (mut value, mut shift) = (0_u64, 0);
    loop {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return (value >> 1).cast_signed() ^ -((value & 1).cast_signed());
        }
    }
}

/// A record without a value.
fn tombstone(timestamp_delta: i64, offset_delta: i64, key: &[u8]) -> Vec<u8> {
    let mut bytes = record(timestamp_delta, offset_delta, Some(key), b"");
    // Its value's length, in front of the count of headers: -1 instead of 0.
    let at = bytes.len() - 2;
    bytes[at] = 1;
    bytes
}

/// All batches of the log. A real one gives no more than one segment at a time.
fn everything(client: &mut Client, topic: &str) -> Vec<u8> {
    let mut all = Vec::new();
    let mut next = 0;
    while next < 20 {
        let fetched = fetch(client, topic, 0, next).records.unwrap_or_default();
        assert!(!fetched.is_empty(), "there is something behind every offset but the end");
        let mut rest = &fetched[..];
        while let Some(header) = rest.first_chunk::<61>() {
            let field = |at: usize| i32::from_be_bytes(*header[at..].first_chunk().expect("four bytes"));
            next = i64::from_be_bytes(*header.first_chunk().expect("eight bytes")) + i64::from(field(23)) + 1;
            rest = &rest[usize::try_from(field(8)).expect("a length") + 12..];
        }
        all.extend_from_slice(&fetched);
    }
    all
}

fn talk(client: &mut Client) -> Vec<Line> {
    let topic = make(
        client,
        &[
            ("cleanup.policy", "compact"),
            ("internal.segment.bytes", "700"),
            ("min.cleanable.dirty.ratio", "0.01"),
            ("delete.retention.ms", &DELETE_RETENTION_MS.to_string()),
        ],
    );
    let base = now_ms() - 10_000;
    let batch = |records: Vec<Vec<u8>>, highest: i64| {
        Raw::of(i32::try_from(records.len()).expect("it is small")).with(|raw| {
            (raw.base_timestamp, raw.max_timestamp) = (base, base + highest);
            raw.body = records.concat();
        })
    };
    let put = |delta: i64, at: i64, key: &[u8], value: &[u8]| record(delta, at, Some(key), value);
    let batches = [
        packed(0, &batch(vec![put(0, 0, b"a", b"1"), put(9, 1, b"b", b"1"), put(4, 2, b"a", b"2")], 9)),
        packed(1, &batch(vec![put(0, 0, b"c", b"1"), tombstone(7, 1, b"c"), put(3, 2, b"g", b"1")], 7)),
        packed(0, &batch(vec![put(0, 0, b"a", b"3"), put(2, 1, b"b", b"2")], 2).from(9_300_000, 0, 0)),
        packed(4, &batch(vec![put(0, 0, b"b", b"3"), put(5, 1, b"d", b"1")], 5).from(9_300_000, 0, 2)),
        packed(3, &batch(vec![put(0, 0, b"a", b"4"), put(1, 1, b"e", b"1"), put(2, 2, b"f", b"1")], 2)),
        packed(2, &batch(vec![put(6, 0, b"b", b"4"), put(8, 1, b"e", b"2"), put(2, 2, b"d", b"2")], 8)),
        packed(0, &batch(vec![put(0, 0, b"h", b"1"), tombstone(1, 1, b"h")], 1)),
        // Too long for a segment with any other.
        packed(0, &batch(vec![put(0, 0, b"y", &[7; 600])], 0)),
        packed(0, &batch(vec![put(0, 0, b"y", &[8; 600])], 0)),
    ];
    for batch in batches {
        assert_eq!(produce(client, &topic, 0, batch).error_code, 0);
    }
    let look = || {
        // At its end a fetch takes as long as it may.
        client.call(12, &fetch_request(&topic, Uuid::nil(), 12, &[(0, 20)]).with_max_wait_ms(50));
        show(&everything(client, &topic), base)
    };
    // The cleaner may have gone over a part of it first: it is done when the tombstone of the last closed segment has a
    // horizon.
    let after = ask_until(look, |lines| lines.iter().any(|line| line.starts_with("16 0x40")));
    let mut lines: Vec<Line> = after.into_iter().map(|line| ("compacted", line.chars().take(200).collect())).collect();
    for special in [-2, -1, -3, base + 3, base + 9] {
        let found = find(client, 7, &topic, 0, -1, special);
        let fields = found.split(' ').map(|field| match field.parse::<i64>().expect("a number") - base {
            near if near.abs() < 1_000 => format!("+{near}"),
            _ => field.to_owned(),
        });
        lines.push(("found", fields.collect::<Vec<_>>().join(" ")));
    }
    lines.push(("from a gap", show(&fetch(client, &topic, 0, 7).records.unwrap_or_default(), base)[0].clone()));
    lines
}

#[test]
fn what_compaction_leaves() {
    let embedded = EmbeddedBroker::builder().config("log.cleaner.backoff.ms", 10);
    seen_on_each_broker_of(embedded, include_str!("seen/what_compaction_leaves.txt"), talk);
}
