//! Produce: batches good and bad.

use bytes::Bytes;
use kafka_protocol::messages::ProduceRequest;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;

use super::raw::{Raw, record};
use super::*;

/// Error code, offset, whether there is a time, the text, and records at fault with theirs, without what changes from run
/// to run. Not the log start, which a real one tells in some refusals.
pub(super) fn show(answer: &PartitionProduceResponse, topic: &str) -> String {
    let plain = |text: &str| without_times(&text.replace(topic, "T"));
    let at_fault: Vec<String> = answer
        .record_errors
        .iter()
        .map(|record| {
            let text = record.batch_index_error_message.as_ref().map(|text| plain(text));
            format!("{} {}", record.batch_index, text.unwrap_or_default())
        })
        .collect();
    let time = if answer.log_append_time_ms == -1 { "" } else { " time" };
    let message = answer.error_message.as_ref().map(|text| plain(text)).unwrap_or_default();
    format!("{} {}{time} {message} {at_fault:?}", answer.error_code, answer.base_offset)
}

pub(super) fn send(client: &mut Client, topic: &str, records: Bytes) -> String {
    let request = produce_request(topic, Uuid::nil(), 12, 0, records);
    let answer = client.call_or_reconnect(12, &request);
    answer.map_or_else(|| "closed".to_owned(), |answer| show(&answer.responses[0].partition_responses[0], topic))
}

#[test]
fn malformed_batches() {
    seen_on_each_broker(include_str!("seen/malformed_batches.txt"), |client| {
        let topic = make(client, &[]);
        let mut lines: Vec<Line> = Vec::new();
        let good = Raw::of(2);
        let with = |change: fn(&mut Raw)| good.clone().with(change).bytes();
        // Not compared: where a real one takes bytes that no consumer can use (bytes behind the batch, offsets that are
        // not in order), or answers UNKNOWN_SERVER_ERROR, the embedded broker answers INVALID_RECORD.
        let cases: Vec<(&'static str, Bytes)> = vec![
            ("good", good.bytes()),
            ("empty", Bytes::new()),
            ("ten bytes", vec![0; 10].into()),
            ("seventeen bytes", good.bytes().slice(..17)),
            ("sixty bytes", good.bytes().slice(..60)),
            ("sixty-one bytes", good.bytes().slice(..61)),
            ("cut off", good.bytes().slice(..70)),
            ("two batches", [good.bytes(), good.bytes()].concat().into()),
            ("bad checksum", with(|raw| raw.crc_is_wrong = true)),
            ("magic 0", with(|raw| raw.magic = 0)),
            ("magic 1", with(|raw| raw.magic = 1)),
            ("magic 3", with(|raw| raw.magic = 3)),
            ("magic -1", with(|raw| raw.magic = 255)),
            ("length 0", with(|raw| raw.length = Some(0))),
            ("length -1", with(|raw| raw.length = Some(-1))),
            ("length -12", with(|raw| raw.length = Some(-12))),
            ("length i32::MIN", with(|raw| raw.length = Some(i32::MIN))),
            ("length 13", with(|raw| raw.length = Some(13))),
            ("length 48", with(|raw| raw.length = Some(48))),
            ("length 49", with(|raw| raw.length = Some(49))),
            ("length one less", with(|raw| raw.length = Some(i32::try_from(raw.bytes().len()).unwrap() - 13))),
            ("length one more", with(|raw| raw.length = Some(i32::try_from(raw.bytes().len()).unwrap() - 11))),
            ("base offset 7", with(|raw| raw.base_offset = 7)),
            ("base offset -1", with(|raw| raw.base_offset = -1)),
            ("leader epoch 9", with(|raw| raw.leader_epoch = 9)),
            ("control", with(|raw| raw.attributes = 0x20)),
            ("control of a producer", with(|raw| (raw.attributes, raw.producer) = (0x20, (4711, 0, 0)))),
            ("transactional without a producer", with(|raw| raw.attributes = 0x10)),
            ("delete horizon", with(|raw| raw.attributes = 0x40)),
            ("unknown attributes", with(|raw| raw.attributes = 0x7f00)),
            ("log append time", with(|raw| raw.attributes = 0x08)),
            ("count 0", with(|raw| raw.count = 0)),
            ("count -1", with(|raw| raw.count = -1)),
            ("count 1 of 2", with(|raw| raw.count = 1)),
            ("count 3 of 2", with(|raw| raw.count = 3)),
            ("count and span 3 of 2", with(|raw| (raw.count, raw.last_offset_delta) = (3, 2))),
            ("count and span 1 of 2", with(|raw| (raw.count, raw.last_offset_delta) = (1, 0))),
            ("count i32::MAX", with(|raw| (raw.count, raw.last_offset_delta) = (i32::MAX, i32::MAX - 1))),
            ("span 5 of 2", with(|raw| raw.last_offset_delta = 5)),
            ("span 0 of 2", with(|raw| raw.last_offset_delta = 0)),
            ("span -1", with(|raw| raw.last_offset_delta = -1)),
            ("span i32::MIN", with(|raw| raw.last_offset_delta = i32::MIN)),
            ("no records", Raw::of(0).bytes()),
            ("no records, span 0", Raw::of(0).with(|raw| raw.last_offset_delta = 0).bytes()),
            (
                "offset delta past i32",
                with(|raw| raw.body = [record(0, 1 << 40, None, b"a"), record(0, 1, None, b"b")].concat()),
            ),
            ("record longer than the batch", with(|raw| raw.body[0] = 0x7e)),
            ("record shorter than itself", with(|raw| raw.body[0] -= 2)),
            ("record of negative length", with(|raw| raw.body[0] = 1)),
            ("key longer than the record", with(|raw| raw.body[4] = 0x7e)),
            ("key of length -2", with(|raw| raw.body[4] = 3)),
            (
                "value of length -1",
                with(|raw| raw.body = [vec![14], vec![0, 0, 0, 1, 1, 0], record(0, 1, None, b"b")].concat()),
            ),
            (
                "header count -1",
                with(|raw| {
                    let end = raw.body.len() - 1;
                    raw.body[end] = 1
                }),
            ),
            (
                "header count 9",
                with(|raw| {
                    let end = raw.body.len() - 1;
                    raw.body[end] = 18
                }),
            ),
        ];
        for (what, bytes) in cases {
            lines.push((what, send(client, &topic, bytes)));
        }
        lines.push(("the end", find(client, 7, &topic, 0, -1, -1)));
        lines
    });
}

#[test]
fn idempotent_batches() {
    seen_on_each_broker(include_str!("seen/idempotent_batches.txt"), |client| {
        let topic = make(client, &[]);
        let mut lines: Vec<Line> = Vec::new();
        let mut put = |what, raw: Raw| lines.push((what, send(client, &topic, raw.bytes())));
        put("first", Raw::of(2).from(9_000_001, 0, 0));
        put("again", Raw::of(2).from(9_000_001, 0, 0));
        put("part of it", Raw::of(1).from(9_000_001, 0, 0));
        put("its second half", Raw::of(1).from(9_000_001, 0, 1));
        put("more than it", Raw::of(3).from(9_000_001, 0, 0));
        put("gap", Raw::of(1).from(9_000_001, 0, 3));
        put("next", Raw::of(1).from(9_000_001, 0, 2));
        put("first again", Raw::of(2).from(9_000_001, 0, 0));
        for sequence in 3..8 {
            put("more", Raw::of(1).from(9_000_001, 0, sequence));
        }
        put("the sixth last", Raw::of(1).from(9_000_001, 0, 2));
        put("the fifth last", Raw::of(1).from(9_000_001, 0, 3));
        put("far back", Raw::of(2).from(9_000_001, 0, 0));
        put("new epoch with sequence 5", Raw::of(1).from(9_000_001, 1, 5));
        put("new epoch with sequence 0", Raw::of(1).from(9_000_001, 1, 0));
        put("new epoch again", Raw::of(1).from(9_000_001, 1, 0));
        put("old epoch", Raw::of(1).from(9_000_001, 0, 8));
        put("old epoch with sequence 0", Raw::of(1).from(9_000_001, 0, 0));
        put("epoch 3 with sequence 0", Raw::of(1).from(9_000_001, 3, 0));
        put("unknown producer with sequence 5", Raw::of(1).from(9_000_002, 0, 5));
        put("unknown producer with epoch 4 and sequence 7", Raw::of(1).from(9_000_003, 4, 7));
        put("near the end of sequences", Raw::of(2).from(9_000_004, 0, i32::MAX - 1));
        put("wrapped", Raw::of(2).from(9_000_004, 0, 0));
        put("wrapped again", Raw::of(2).from(9_000_004, 0, 0));
        put("across the end", Raw::of(3).from(9_000_005, 0, i32::MAX - 1));
        put("behind it", Raw::of(1).from(9_000_005, 0, 1));
        put("across the end again", Raw::of(3).from(9_000_005, 0, i32::MAX - 1));
        put("gap of one after the end", Raw::of(1).from(9_000_004, 0, 3));
        put("negative sequence", Raw::of(1).from(9_000_006, 0, -1));
        put("negative epoch", Raw::of(1).from(9_000_006, -1, 0));
        put("negative epoch again", Raw::of(1).from(9_000_006, -1, 0));
        put("negative epoch with a gap", Raw::of(1).from(9_000_006, -1, 7));
        put("epoch 0 after it, with sequence 5", Raw::of(1).from(9_000_006, 0, 5));
        put("and a gap", Raw::of(1).from(9_000_006, 0, 7));
        put("no id but a sequence", Raw::of(1).from(-1, -1, 5));
        put("no id but an epoch", Raw::of(1).from(-1, 3, -1));
        put("id -2", Raw::of(1).from(-2, 0, 0));
        put("id 0", Raw::of(1).from(0, 0, 0));
        put("transactional without a transaction", Raw::of(1).from(9_000_007, 0, 0).with(|raw| raw.attributes = 0x10));
        put("highest epoch", Raw::of(1).from(9_000_008, i16::MAX, 0));
        lines
    });
}

#[test]
fn timestamps_sizes_and_keys() {
    seen_on_each_broker(include_str!("seen/timestamps_sizes_and_keys.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let bounded =
            make(client, &[("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000")]);
        let free = make(client, &[]);
        let now = now_ms();
        let mixed = |first: i64, second: i64, max: i64| {
            Raw::of(2).with(|raw| {
                (raw.base_timestamp, raw.max_timestamp) = (first, max);
                raw.body = [record(0, 0, None, b"a"), record(second - first, 1, None, b"b")].concat();
            })
        };
        for (what, raw) in [
            ("in bounds", Raw::of(1).at(now)),
            ("too old", Raw::of(2).at(now - 120_000)),
            ("too new", Raw::of(2).at(now + 120_000)),
            ("the second too old", mixed(now, now - 120_000, now)),
            ("the second too new", mixed(now, now + 120_000, now + 120_000)),
            ("the second too new and not in the header", mixed(now, now + 120_000, now)),
            ("a header that is too high", mixed(now, now, now + 30_000)),
            ("a header far too high", mixed(now, now, now + 120_000)),
            ("no timestamp", Raw::of(1).at(-1)),
            ("timestamp -5", Raw::of(1).at(-5)),
            ("timestamp i64::MIN", Raw::of(1).at(i64::MIN)),
            ("timestamp i64::MAX", Raw::of(1).at(i64::MAX)),
            ("delta that overflows", mixed(now, i64::MIN + now, now)),
        ] {
            lines.push((what, send(client, &bounded, raw.bytes())));
            lines.push((what, send(client, &free, raw.bytes())));
        }
        let appended = make(client, &[("message.timestamp.type", "LogAppendTime")]);
        for (what, raw) in [
            ("append time", Raw::of(2).at(5)),
            ("append time of an idempotent producer", Raw::of(1).from(9_000_001, 0, 0)),
            ("append time of a duplicate", Raw::of(1).from(9_000_001, 0, 0)),
            ("append time and no timestamp", Raw::of(1).at(-1)),
            ("append time and too new", Raw::of(1).at(i64::MAX)),
        ] {
            lines.push((what, send(client, &appended, raw.bytes())));
        }
        let compacted = make(client, &[("cleanup.policy", "compact")]);
        let second_without = Raw::of(3).with(|raw| {
            raw.body = [record(0, 0, Some(b"k"), b"a"), record(0, 1, None, b"b"), record(0, 2, None, b"c")].concat();
        });
        let keyed = Raw::of(1).with(|raw| raw.body = record(0, 0, Some(b""), b"a"));
        lines.push(("no key", send(client, &compacted, Raw::of(1).bytes())));
        lines.push(("two without a key", send(client, &compacted, second_without.bytes())));
        lines.push(("an empty key", send(client, &compacted, keyed.bytes())));
        let both = make(client, &[("cleanup.policy", "compact,delete")]);
        lines.push(("no key, compact and delete", send(client, &both, Raw::of(1).bytes())));
        let len = Raw::of(2).bytes().len();
        for (what, limit) in [("as large as allowed", len), ("a byte too large", len - 1)] {
            let small = make(client, &[("max.message.bytes", &limit.to_string())]);
            lines.push((what, send(client, &small, Raw::of(2).bytes())));
            lines.push((what, send(client, &small, Raw::of(2).with(|raw| raw.crc_is_wrong = true).bytes())));
            lines.push((what, send(client, &small, Raw::of(2).with(|raw| raw.magic = 1).bytes())));
        }
        lines
    });
}

#[test]
fn places_acks_and_versions() {
    seen_on_each_broker(include_str!("seen/places_acks_and_versions.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[]);
        let id = topic_id(client, &topic);
        let mut ask = |client: &mut Client, what, version, request: ProduceRequest| {
            let response = client.call(version, &request);
            let topics: Vec<String> = response
                .responses
                .iter()
                .map(|one| {
                    let name = one.name.0.replace(&topic, "T");
                    let id = if one.topic_id == id { "ID".to_owned() } else { one.topic_id.to_string() };
                    // A real one answers in an order of its own.
                    let mut parts: Vec<_> =
                        one.partition_responses.iter().map(|p| (p.index, show(p, &topic))).collect();
                    parts.sort();
                    let hints: Vec<_> = one
                        .partition_responses
                        .iter()
                        .map(|p| (p.current_leader.leader_id.0, p.current_leader.leader_epoch))
                        .collect();
                    format!("{name:?} {id} {parts:?} {hints:?}")
                })
                .collect();
            lines.push((what, format!("{topics:?} {} {}", response.node_endpoints.len(), response.throttle_time_ms)));
        };
        let good = || Raw::of(1).bytes();
        ask(client, "v3", 3, produce_request(&topic, id, 3, 0, good()));
        ask(client, "v13", 13, produce_request(&topic, id, 13, 0, good()));
        for version in [3, 6, 7] {
            ask(
                client,
                "zstd",
                version,
                produce_request(&topic, id, version, 0, Raw::of(1).with(|raw| raw.attributes = 4).bytes()),
            );
        }
        ask(client, "unknown topic v3", 3, produce_request("nobody-has-it", id, 3, 0, good()));
        ask(client, "unknown topic v12", 12, produce_request("nobody-has-it", id, 12, 0, good()));
        ask(client, "bad name v12", 12, produce_request("a/b", id, 12, 0, good()));
        ask(client, "empty name v12", 12, produce_request("", id, 12, 0, good()));
        ask(client, "unknown id", 13, produce_request(&topic, NO_ID, 13, 0, good()));
        ask(client, "id of zeros", 13, produce_request(&topic, Uuid::nil(), 13, 0, good()));
        ask(client, "partition 9", 12, produce_request(&topic, id, 12, 9, good()));
        ask(client, "partition -1", 12, produce_request(&topic, id, 12, -1, good()));
        ask(client, "partition 9 by id", 13, produce_request(&topic, id, 13, 9, good()));
        ask(client, "acks 1", 12, produce_request(&topic, id, 12, 0, good()).with_acks(1));
        ask(client, "acks 2", 12, produce_request(&topic, id, 12, 0, good()).with_acks(2));
        ask(client, "acks -2", 12, produce_request(&topic, id, 12, 0, good()).with_acks(-2));
        ask(
            client,
            "acks 2 and bad",
            12,
            produce_request(&topic, id, 12, 0, Raw::of(1).with(|raw| raw.magic = 1).bytes()).with_acks(2),
        );
        ask(client, "acks 2, unknown topic", 12, produce_request("nobody-has-it", id, 12, 0, good()).with_acks(2));
        ask(client, "no topics", 12, produce_request(&topic, id, 12, 0, good()).with_topic_data(vec![]));
        let mut mixed = produce_request(&topic, id, 12, 1, good());
        let bad = produce_request(&topic, id, 12, 0, Bytes::new()).topic_data.remove(0).partition_data.remove(0);
        mixed.topic_data[0].partition_data.push(bad);
        mixed.topic_data[0]
            .partition_data
            .push(produce_request(&topic, id, 12, 7, good()).topic_data.remove(0).partition_data.remove(0));
        ask(client, "good, bad and unknown", 12, mixed);
        ask(client, "timeout -1", 12, produce_request(&topic, id, 12, 0, good()).with_timeout_ms(-1));
        client.send(12, &produce_request(&topic, id, 12, 0, good()).with_acks(0));
        client.expect_no_answer();
        ask(client, "after acks 0", 12, produce_request(&topic, id, 12, 0, good()));
        lines
    });
}

#[test]
fn what_fails_a_request_as_a_whole_and_where_the_log_begins() {
    seen_on_each_broker(include_str!("seen/whole_requests.txt"), |client| {
        let mut lines: Vec<Line> = Vec::new();
        let topic = make(client, &[("cleanup.policy", "compact")]);
        let keyed = || Raw::of(1).with(|raw| raw.body = record(0, 0, Some(b"key"), b"value"));
        assert_eq!(produce(client, &topic, 0, keyed().from(9_200_000, 1, 0).bytes()).error_code, 0);
        let transactional = || keyed().from(9_200_001, 0, 0).with(|raw| raw.attributes = 0x10).bytes();
        let part = |index, records| PartitionProduceData::default().with_index(index).with_records(Some(records));
        let two = |first: Bytes, second: Bytes| {
            let mut request = produce_request(&topic, Uuid::nil(), 12, 0, first);
            request.topic_data[0].partition_data.push(part(9, second));
            request
        };
        for (what, request) in [
            ("good, and good elsewhere", two(keyed().bytes(), keyed().bytes())),
            ("good, and of a transaction elsewhere", two(keyed().bytes(), transactional())),
            ("good, and of magic 3 elsewhere", two(keyed().bytes(), keyed().with(|raw| raw.magic = 3).bytes())),
            ("good, and of length 0 elsewhere", two(keyed().bytes(), keyed().with(|raw| raw.length = Some(0)).bytes())),
            ("of a transaction, and of magic 3", two(transactional(), keyed().with(|raw| raw.magic = 3).bytes())),
            (
                "length 48 and acks 2",
                two(keyed().with(|raw| raw.length = Some(48)).bytes(), keyed().bytes()).with_acks(2),
            ),
            ("length 48", two(keyed().with(|raw| raw.length = Some(48)).bytes(), keyed().bytes())),
            ("without a key", two(Raw::of(1).bytes(), keyed().bytes())),
            ("bad checksum", two(keyed().with(|raw| raw.crc_is_wrong = true).bytes(), keyed().bytes())),
            ("control", two(keyed().with(|raw| raw.attributes = 0x20).bytes(), keyed().bytes())),
            ("a gap", two(keyed().from(9_200_000, 1, 7).bytes(), keyed().bytes())),
            ("an old epoch", two(keyed().from(9_200_000, 0, 0).bytes(), keyed().bytes())),
        ] {
            let mut answer = client.call(12, &request);
            answer.responses[0].partition_responses.sort_by_key(|one| one.index);
            let parts = answer.responses[0].partition_responses.iter();
            let parts: Vec<_> =
                parts.map(|one| format!("{} start {}", show(one, &topic), one.log_start_offset)).collect();
            lines.push((what, parts.join(", ")));
        }
        lines
    });
}
